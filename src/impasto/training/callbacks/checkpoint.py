"""Checkpoints and the .onnx that goes with each: whole, regular, and there at the end."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.utilities import rank_zero_only

from impasto.errors import InputError
from impasto.export.onnx_export import ExportError
from impasto.files import write_atomically
from impasto.training.budget import Budget
from impasto.training.callbacks.nan_guard import NanGuard
from impasto.training.distributed import agreed
from impasto.training.run_dir import RunDir


class CheckpointFiles(TorchCheckpointIO):
    """Checkpoints that are there whole or not at all; the one before the last is kept.

    Lightning's own are written atomically too, but there is one of them, and it is not flushed to
    the disk before it gets its name (tests/faults/test_disk.py: test_a_checkpoint_that_fails_...).
    """

    def __init__(self, folder: RunDir) -> None:
        """Writing the folder's last checkpoint moves what was there to its second last."""
        super().__init__()
        self.folder = folder

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Raises OSError if it cannot be written; what was there is intact."""
        buffer = io.BytesIO()  # torch hides a full disk in a RuntimeError
        torch.save(checkpoint, buffer)
        write_atomically(
            Path(path),
            lambda temporary: temporary.write_bytes(buffer.getbuffer()),
            before=self.folder.second_last if Path(path) == self.folder.checkpoint else None,
        )


class SaveCheckpoints(Callback):
    """A checkpoint every so many steps, after so many minutes without one, and at the end.

    Lightning's ModelCheckpoint takes either steps or minutes, and leaves out the last step where
    it saved at an earlier one (tests/cli/test_train.py: test_interrupted_and_resumed_...).
    """

    def __init__(self, *, folder: RunDir, budget: Budget, guard: NanGuard) -> None:
        """How often, the folder's settings say; not while `guard` skips steps."""
        self.checkpoint = folder.checkpoint
        self.budget = budget
        self.guard = guard
        self.every = folder.settings.checkpoint_every
        self.seconds = 60 * folder.settings.checkpoint_minutes
        self.saved = -1  # the step of the last one
        self._since = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._since = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """The last step is left to `on_train_end`."""
        overdue = agreed(trainer, time.monotonic() - self._since >= self.seconds)
        due = overdue or trainer.global_step % self.every == 0
        if due and not self.guard.streak and not self.budget.is_used_up(trainer.global_step):
            self._save(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """After the last step, or the step at which the run was asked to stop."""
        if self.saved != trainer.global_step:
            self._save(trainer)

    def _save(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.checkpoint)  # on every rank: some strategies gather
        self.saved = trainer.global_step
        self._since = time.monotonic()


class ExportOnnx(Callback):
    """A usable .onnx after every checkpoint; this callback comes right after the one that saves.

    The checkpoint comes first: whatever is lost then, the same run can make again. Where the
    network is for now too wild to be exported, the file of before stays.
    """

    def __init__(self, export: Callable[[int], None], *, after: SaveCheckpoints) -> None:
        """`export` writes the .onnx of so many steps; it is called on rank 0 only."""
        self.export = rank_zero_only(export)
        self.checkpoints = after
        self.exported = -1  # the step of the last one
        self._failure = ""

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        """After a checkpoint of this step."""
        if self.checkpoints.saved == trainer.global_step:
            self._export(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """While signals do not disturb yet."""
        self._export(trainer)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """A run that was killed between its last checkpoint and its .onnx still lacks that.

        Raises:
            InputError: what was learned cannot be exported.
        """
        self._export(trainer)
        if self.exported != trainer.global_step:
            raise InputError(
                f"there is no .onnx of step {trainer.global_step} ({self._failure}): lower --lr"
            )

    def _export(self, trainer: pl.Trainer) -> None:
        if self.exported == trainer.global_step:
            return
        try:
            self.export(trainer.global_step)
            self.exported = trainer.global_step
        except ExportError as error:
            self._failure = str(error)
