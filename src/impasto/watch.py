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

from impasto.images import RGB
from impasto.losses import LossTerms
from impasto.net import stylize

WATCH_EVERY = 10  # steps; reading a number from a GPU makes it wait, so not at every one
FIRST_PREVIEW = 50
RECENT = 100  # steps


class StepBar(TQDMProgressBar):
    """Step of steps, it/s, time left and every term: a run is one long epoch without an end."""

    def __init__(self) -> None:
        """Redraw every ten steps."""
        super().__init__(refresh_rate=10)

    @property
    def total_train_batches(self) -> int | float:
        """The steps of the run, which the endless loader cannot tell."""
        return self.trainer.max_steps

    def on_train_epoch_start(self, trainer: pl.Trainer, *args: Any) -> None:
        """Go on counting where a resumed run stands."""
        super().on_train_epoch_start(trainer, *args)
        bar = self.train_progress_bar
        bar.initial = trainer.global_step
        bar.set_description("learning")

    def on_exception(self, *args: Any) -> None:
        """What is said of it begins on a line of its own."""
        if self._train_progress_bar is not None:
            self._train_progress_bar.close()

    def get_metrics(self, trainer: pl.Trainer, model: pl.LightningModule) -> dict[str, Any]:
        """Terms without their TensorBoard prefix and without a version number."""
        metrics = super().get_metrics(trainer, model)
        return {
            key.removeprefix("train/"): f"{value:.4g}" if isinstance(value, float) else value
            for key, value in metrics.items()
            if key != "v_num"
        }


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
    """The same photographs, stylized at step 0, 50 and then regularly, beside the originals."""

    def __init__(self, *, photos: Mapping[str, RGB], every: int) -> None:
        """`photos` maps the name of a TensorBoard entry to an H×W×3 image."""
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
        step = trainer.global_step
        if step == FIRST_PREVIEW or step % self.every == 0 or step == trainer.max_steps:
            self._show(trainer, pl_module)

    @rank_zero_only
    def _show(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.logger is None:
            return
        board = trainer.logger.experiment  # type: ignore[attr-defined]
        for name, photo in self.photos.items():
            with torch.no_grad():
                stylized = stylize(pl_module, photo[None].to(pl_module.device))[0].cpu()
            pair = torch.cat([photo, stylized], dim=2)
            board.add_image(f"preview/{name}", pair, trainer.global_step)
