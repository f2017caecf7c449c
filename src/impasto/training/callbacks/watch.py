"""What there is to see while it learns: the bar, the curves, the previews."""

import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, TQDMProgressBar
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from impasto.images.io import RGB
from impasto.losses.perceptual import LossTerms
from impasto.models.transform_net import stylize
from impasto.training.budget import Budget

WATCH_EVERY = 10  # steps; reading a number from a GPU makes it wait, so not at every one
FIRST_PREVIEW = 50
SECONDS_FORMAT = "{l_bar}{bar}| {n_fmt}/{total_fmt} s [{elapsed}<{remaining}{postfix}]"
SLOW = 5  # seconds that ten steps may take until the bar is redrawn without them
RECENT = 100  # steps
PREVIEW_SHARE = 0.02  # of the minutes of a run


class StepBar(TQDMProgressBar):
    """What is used up of the budget, time left, every term: a run is one epoch without an end.

    It counts steps, or seconds where minutes are the budget: the time left is right then, however
    fast the steps are.
    """

    def __init__(self, budget: Budget) -> None:
        """Redraw every ten steps, where it counts seconds also every five of them."""
        super().__init__(refresh_rate=10)
        self.budget = budget
        if budget.seconds:
            self.BAR_FORMAT = SECONDS_FORMAT

    @property
    def total_train_batches(self) -> int:
        """Of the whole run, which the endless loader cannot tell."""
        seconds, steps = self.budget.seconds, self.budget.steps
        return round(seconds) if seconds else steps or 0

    def on_train_epoch_start(self, trainer: pl.Trainer, *args: Any) -> None:
        """Go on counting where a resumed run stands."""
        super().on_train_epoch_start(trainer, *args)
        bar = self.train_progress_bar
        bar.initial = self._count(trainer)
        bar.set_description("learning")

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        """Redraw when it is time, and at the end."""
        step, bar, count = trainer.global_step, self.train_progress_bar, self._count(trainer)
        due = step % self.refresh_rate == 0 or self.budget.is_used_up(step)
        slow = bool(self.budget.seconds) and count >= bar.n + SLOW
        if self.is_enabled and (due or slow):
            bar.n = count
            bar.set_postfix(self.get_metrics(trainer, trainer.lightning_module))

    def on_exception(self, *args: Any) -> None:
        """What is said of it begins on a line of its own."""
        if self._train_progress_bar is not None:
            self._train_progress_bar.close()

    def get_metrics(self, trainer: pl.Trainer, model: pl.LightningModule) -> dict[str, Any]:
        """Terms without their TensorBoard prefix and without a version number."""
        metrics = super().get_metrics(trainer, model)
        if self.budget.seconds:
            metrics = {"step": trainer.global_step} | metrics
        return {
            key.removeprefix("train/"): f"{value:.4g}" if isinstance(value, float) else value
            for key, value in metrics.items()
            if key != "v_num"
        }

    def _count(self, trainer: pl.Trainer) -> int:
        return round(self.budget.used(trainer.global_step) * self.total_train_batches)


class Watch(Callback):
    """Learning rate, images/s, the share of time spent waiting for data, output statistics."""

    def __init__(self) -> None:
        """Everything is counted between two log entries."""
        self._terms: deque[Tensor] = deque(maxlen=RECENT)
        self._waited = 0.0
        self._images = 0
        self._idle_since = self._since = time.perf_counter()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clocks."""
        self._restart()

    def on_train_batch_start(self, *args: Any) -> None:
        """A batch has arrived: waiting is over."""
        self._waited += time.perf_counter() - self._idle_since

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Tensor,
        _: int,
    ) -> None:
        """Log every `WATCH_EVERY` steps."""
        self._images += len(batch) * trainer.world_size
        self._terms.append(torch.stack([term.detach() for term in outputs["terms"]]))
        if trainer.global_step % WATCH_EVERY == 0:
            elapsed = time.perf_counter() - self._since
            stylized = outputs["stylized"]
            values = {
                "train/lr": trainer.optimizers[0].param_groups[0]["lr"],
                "speed/images_per_second": self._images / elapsed,
                "speed/waiting_for_data": self._waited / elapsed,
                "output/min": stylized.min(),
                "output/mean": stylized.mean(),
                "output/max": stylized.max(),
            }
            for logger in trainer.loggers:
                logger.log_metrics(
                    {key: float(value) for key, value in values.items()}, trainer.global_step
                )
            self._restart()
        self._idle_since = time.perf_counter()

    def recent_terms(self) -> dict[str, float]:
        """Means of the last steps' terms, less noisy than those of one batch."""
        if not self._terms:
            return {}
        means = torch.stack(tuple(self._terms)).mean(dim=0)
        return dict(zip(LossTerms._fields, means.tolist(), strict=True))

    def _restart(self) -> None:
        self._waited, self._images = 0.0, 0
        self._idle_since = self._since = time.perf_counter()


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
