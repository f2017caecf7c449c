"""Stopping when asked to: after the step, with a checkpoint."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from impasto.training.distributed import agreed

HANGUP = getattr(signal, "SIGHUP", None)  # the terminal is gone
REQUEUE = getattr(signal, "SIGUSR1", None)  # by which Lightning requeues a SLURM job


class StopWhenAsked(Callback):
    """Ctrl-C, SIGTERM and a closed terminal end the run after the current step.

    Lightning leaves the step where it is instead (tests/faults/test_signals.py). A second Ctrl-C
    ends it at once; the others may come again, as they do from shells, and change nothing. The
    signal by which Lightning requeues a SLURM job stops it too; Lightning gets it afterwards. This
    callback comes after the one that saves.
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
def exits_as_interrupts() -> Iterator[None]:
    """Around `fit`, which Lightning leaves by an exit without a word where a signal is not ours.

    Raises:
        KeyboardInterrupt: a second Ctrl-C, or a signal before the first step.
    """
    try:
        yield
    except SystemExit as error:
        raise KeyboardInterrupt("stopped at once: the same command goes on from here") from error
