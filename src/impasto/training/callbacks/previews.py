"""The same photographs again and again, to see the style arrive."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from impasto.data.tensors import to_tensor
from impasto.images.io import RGB
from impasto.models.transform_net import stylize
from impasto.training.any_module import AnyStyleModule
from impasto.training.budget import Budget
from impasto.training.module import StyleTransferModule

FIRST_PREVIEW = 50  # steps
PREVIEW_SHARE = 0.02  # of the minutes of a run


class Previews(Callback):
    """The same pictures at step 0, 50, then regularly, and at last.

    Where minutes are the budget they take `PREVIEW_SHARE` of it: a regular one that would come
    before the others have been earned is left out.
    """

    def __init__(
        self, draw: Callable[[Any], Mapping[str, Tensor]], *, every: int, budget: Budget
    ) -> None:
        """`draw` makes pictures with the module: (3, H, W) each, under their names."""
        self.draw = draw
        self.every = every
        self.budget = budget
        self._spent = 0.0  # seconds

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Step 0, before anything is learned."""
        if trainer.global_step == 0:
            self._show(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """Step 50, every `every` steps, and the last."""
        step, budget = trainer.global_step, self.budget
        regular = step % self.every == 0
        if budget.seconds:
            regular = regular and self._spent <= PREVIEW_SHARE * budget.elapsed
        if regular or step == FIRST_PREVIEW or budget.is_used_up(step):
            self._show(trainer, pl_module)

    @rank_zero_only
    def _show(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.logger is None:
            return
        board = trainer.logger.experiment  # type: ignore[attr-defined]
        began = self.budget.clock()
        pl_module.eval()  # or a network would take what it is shown for something to learn from
        with torch.no_grad():
            pictures = self.draw(pl_module)
        pl_module.train()
        for name, picture in pictures.items():
            board.add_image(f"preview/{name}", picture, trainer.global_step)
        self._spent += self.budget.clock() - began


class Pairs:
    """Every photograph beside its picture."""

    def __init__(self, photos: Mapping[str, RGB]) -> None:
        """H×W×3 each, by their names."""
        self.photos = {name: to_tensor(photo) for name, photo in photos.items()}

    def __call__(self, module: StyleTransferModule) -> dict[str, Tensor]:
        """(3, H, 2 W) each."""
        drawn = {
            name: stylize(module, photo.to(module.device)).cpu()
            for name, photo in self.photos.items()
        }
        return {name: torch.cat([self.photos[name], drawn[name]], 3)[0] for name in drawn}


class Grid:
    """A row a painting, a column a photograph; the paintings at the left, the photographs above."""

    def __init__(self, *, paintings: Sequence[RGB], photos: Sequence[RGB]) -> None:
        """S×S×3 each; all photographs have the same S, which is also that of the grid's parts."""
        self.paintings = [to_tensor(painting) for painting in paintings]
        self.photos = torch.cat([to_tensor(photo) for photo in photos])

    def __call__(self, module: AnyStyleModule) -> dict[str, Tensor]:
        """`grid`: (3, S (paintings + 1), S (photographs + 1))."""
        photos, size = self.photos.to(module.device), self.photos.shape[-2:]
        rows = [torch.cat([torch.ones_like(self.photos[:1]), self.photos])]
        for painting in self.paintings:
            drawn = stylize(partial(module, style=painting.to(module.device)), photos).cpu()
            left = F.interpolate(painting, size, mode="bilinear", antialias=True)
            rows.append(torch.cat([left, drawn]))
        return {"grid": torch.cat([torch.cat([*row], 2) for row in rows], 1)}
