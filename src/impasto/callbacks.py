"""What happens beside the learning: saving, and stopping well."""

import math
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities import rank_zero_only

from impasto.errors import InputError

CHECK_EVERY = 10  # steps; reading a number from a GPU makes it wait, so not at every one


class SaveProgress(Callback):
    """A checkpoint and a usable .onnx at regular steps and at the end, however it comes."""

    def __init__(self, *, checkpoint: Path, every: int, export: Callable[[int], None]) -> None:
        """`export` writes the .onnx after so many steps; it is called on rank 0 only."""
        self.checkpoint = checkpoint
        self.every = every
        self.export = rank_zero_only(export)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """Every `every` steps; the last step is left to `on_train_end`."""
        if trainer.global_step % self.every == 0 and trainer.global_step < trainer.max_steps:
            self._save(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """After the last step, or the step at which the run was asked to stop."""
        self._save(trainer)

    def _save(self, trainer: pl.Trainer) -> None:
        temporary = self.checkpoint.with_suffix(".tmp")
        trainer.save_checkpoint(temporary)  # on every rank: some strategies gather
        if trainer.is_global_zero:
            temporary.replace(self.checkpoint)
        self.export(trainer.global_step)


class StopWhenAsked(Callback):
    """Ctrl-C and SIGTERM end the run after the current step; a second one ends it at once."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.asked = False
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the signals over."""

        def stop(number: int, frame: Any) -> None:
            self.asked = trainer.should_stop = True
            self._restore()

        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, stop)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give the signals back."""
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()


class StopWhenNotFinite(Callback):
    """A loss that is no number never becomes one again."""

    def __init__(self, *, checkpoint: Path) -> None:
        """`checkpoint` is named in the message: what was learned until then is there."""
        self.checkpoint = checkpoint

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *args: Any
    ) -> None:
        """Look every `CHECK_EVERY` steps.

        Raises:
            InputError: the loss is not finite.
        """
        if trainer.global_step % CHECK_EVERY == 0 and not math.isfinite(outputs["loss"]):
            raise InputError(
                f"the loss is not finite at step {trainer.global_step}: lower --lr or the weights; "
                f"the last good state, if any, is {self.checkpoint}"
            )
