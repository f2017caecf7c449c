"""What happens beside the learning: saving, and stopping well."""

import io
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from impasto.training.distributed import agreed
from impasto.training.run_dir import RunDir

HANGUP = getattr(signal, "SIGHUP", None)  # the terminal is gone
REQUEUE = getattr(signal, "SIGUSR1", None)  # by which Lightning requeues a SLURM job


class CheckpointFiles(TorchCheckpointIO):
    """Checkpoints that are there whole or not at all; the one before the last is kept."""

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
    """A checkpoint and a usable .onnx, regularly and at the end, however it comes.

    The checkpoint comes first: whatever is lost then, the same run can make again.
    """

    def __init__(self, *, folder: RunDir, budget: Budget, export: Callable[[int], None]) -> None:
        """How often, the folder's settings say: every so many steps, and after so many minutes.

        `export` writes the .onnx after so many steps; it is called on rank 0 only. Where the
        network is for now too wild to be exported, the file of before stays.
        """
        self.checkpoint = folder.checkpoint
        self.budget = budget
        self.every = folder.settings.checkpoint_every
        self.seconds = 60 * folder.settings.checkpoint_minutes
        self.export = rank_zero_only(export)
        self._failure = ""
        self._saved = self._exported = -1
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
        if due and not self.budget.is_used_up(trainer.global_step):
            self._save(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """After the last step, or the step at which the run was asked to stop."""
        self._save(trainer)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """A run that was killed between its last checkpoint and its .onnx still lacks that.

        Raises:
            InputError: what was learned cannot be exported.
        """
        self._export(trainer)
        if self._exported != trainer.global_step:
            raise InputError(
                f"there is no .onnx of step {trainer.global_step} ({self._failure}): lower --lr"
            )

    def _save(self, trainer: pl.Trainer) -> None:
        if self._saved != trainer.global_step:
            trainer.save_checkpoint(self.checkpoint)  # on every rank: some strategies gather
            self._saved = trainer.global_step
        self._export(trainer)
        self._since = time.monotonic()

    def _export(self, trainer: pl.Trainer) -> None:
        if self._exported == trainer.global_step:
            return
        try:
            self.export(trainer.global_step)
            self._exported = trainer.global_step
        except ExportError as error:
            self._failure = str(error)


class StopWhenAsked(Callback):
    """Ctrl-C, SIGTERM and a closed terminal end the run after the current step.

    A second Ctrl-C ends it at once; the others may come again, as they do from shells, and change
    nothing. The signal by which Lightning requeues a SLURM job stops it too; Lightning gets it
    afterwards. This callback comes after the one that saves.
    """

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.asked = 0  # the signal's number
        self._before: dict[int, Any] = {}
        self._requeue: Any = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the signals over, but for what nohup has had ignored."""

        def ask(number: int, frame: Any) -> None:
            self.asked = self.asked or number
            trainer.should_stop = trainer.world_size == 1  # several have to agree
            if number == signal.SIGINT:
                self._restore(number)

        numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
        if HANGUP is not None and signal.getsignal(HANGUP) != signal.SIG_IGN:
            numbers.append(HANGUP)
        if REQUEUE is not None and callable(signal.getsignal(REQUEUE)):
            self._requeue = signal.getsignal(REQUEUE)
            numbers.append(REQUEUE)
        for number in numbers:
            self._before[number] = signal.signal(number, ask)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """Several processes stop together, at a step that they agree on."""
        if trainer.world_size > 1 and (asked := agreed(trainer, self.asked)):
            self.asked = asked
            trainer.should_stop = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give the signals back."""
        self._restore(*self._before)
        if self._requeue is not None and self.asked == REQUEUE:
            self._requeue(self.asked, None)

    def _restore(self, *numbers: int) -> None:
        for number in numbers:
            signal.signal(number, self._before.pop(number))


@contextmanager
def cut_short_is_said() -> Iterator[None]:
    """Around `fit`, which Lightning leaves by an exit without a word where a signal is not ours.

    Raises:
        KeyboardInterrupt: a second Ctrl-C, or a signal before the first step.
    """
    try:
        yield
    except SystemExit as error:
        raise KeyboardInterrupt("stopped at once: the same command goes on from here") from error


def say_how_it_ended(trainer: pl.Trainer, folder: RunDir, budget: Budget) -> int:
    """What was learned, where it is, and why no more; returns the exit code: 0, or 128 + a signal.

    It is 0 on other ranks than the first: one that exits with a code has Lightning kill the first.
    """
    say = folder.say
    say(f"learned {budget.told(trainer.global_step)}")
    say(f"{folder.onnx} is within {folder.difference:.1e} of the network, of a range of 1")
    say(f"try it: impasto stylize --model {folder.onnx} PHOTO.jpg")
    stops = [item for item in trainer.callbacks if isinstance(item, StopWhenAsked)]  # type: ignore[attr-defined]
    asked = max(item.asked for item in stops)
    if not asked or not trainer.is_global_zero:
        return 0
    say(f"stopped by {signal.Signals(asked).name}: the same command goes on from here")
    return 128 + asked
