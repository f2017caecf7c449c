"""The same photographs again and again, to see the style arrive."""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities import rank_zero_only

from impasto.images.io import RGB
from impasto.models.transform_net import stylize
from impasto.training.budget import Budget

FIRST_PREVIEW = 50  # steps
PREVIEW_SHARE = 0.02  # of the minutes of a run


class Previews(Callback):
    """The same photographs, stylized at step 0, 50, then regularly, and at last, with originals.

    Where minutes are the budget they take `PREVIEW_SHARE` of it: a regular one that would come
    before the others have been earned is left out.
    """

    def __init__(self, *, photos: Mapping[str, RGB], every: int, budget: Budget) -> None:
        """`photos` maps the name of a TensorBoard entry to an H×W×3 image."""
        self.budget = budget
        self._spent = 0.0  # seconds
        self.photos = {
            name: torch.from_numpy(photo.transpose(2, 0, 1).copy())
            for name, photo in photos.items()
        }
        self.every = every

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
        for name, photo in self.photos.items():
            with torch.no_grad():
                stylized = stylize(pl_module, photo[None].to(pl_module.device))[0].cpu()
            pair = torch.cat([photo, stylized], dim=2)
            board.add_image(f"preview/{name}", pair, trainer.global_step)
        self._spent += self.budget.clock() - began
