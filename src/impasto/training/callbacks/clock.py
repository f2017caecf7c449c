"""The clock of a run in Lightning's hands: read once a step, kept in checkpoints."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from impasto.training.budget import Budget
from impasto.training.distributed import of_the_first


class Clock(Callback):
    """Ends a run whose minutes are used up; this callback comes before those that save and show.

    Lightning's Timer does so too, but each process has its own, and no learning rate follows it.
    """

    def __init__(self, budget: Budget) -> None:
        """`budget` is also what the rate, the bar and the files of the run go by."""
        self.budget = budget

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """A run that was killed before its last .onnx has that to make, but no time to learn."""
        trainer.should_stop = self.budget.is_used_up(trainer.global_step)

    def on_train_batch_start(self, *args: Any) -> None:
        """What goes before the first step is of the machine, not of the run."""
        self.budget.start()

    def on_before_optimizer_step(self, trainer: pl.Trainer, *args: Any) -> None:
        """The rate follows right after; all processes go by the clock of the first."""
        now = self.budget.now()
        self.budget.elapsed = of_the_first(trainer, now) if self.budget.seconds else now

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        """The step at which the time is up is the last one."""
        if self.budget.is_used_up(trainer.global_step):
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Seconds that a resumed run has behind it."""
        return {"elapsed": self.budget.now()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The inverse."""
        self.budget.elapsed = state_dict["elapsed"]
