"""The bar: how much of a run is used up, how long the rest takes, and every term."""

import sys
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from tqdm import tqdm

from impasto.training.budget import Budget

REDRAW_EVERY = 10  # steps; reading a number from a GPU makes it wait, so not at every one
SLOW = 5  # seconds that ten steps may take until the bar is redrawn without them
STEPS_FORMAT = (
    "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"
)
SECONDS_FORMAT = "{l_bar}{bar}| {n_fmt}/{total_fmt} s [{elapsed}<{remaining}{postfix}]"


class BudgetBar(Callback):
    """A bar of the steps of a run, or of its seconds where minutes are the budget.

    The time left is right then, however fast the steps are. Lightning's bar counts batches, and in
    a resumed run as if all of them had been seen since it was resumed
    (tests/cli/test_train_minutes.py).
    """

    def __init__(self, budget: Budget) -> None:
        """Redrawn every ten steps, where it counts seconds also every five of them."""
        self.budget = budget
        self.total = round(budget.seconds) if budget.seconds else budget.steps or 0
        self.bar: tqdm[Any] | None = None  # on the first process

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin where a resumed run stands."""
        if trainer.is_global_zero:
            self.bar = tqdm(
                desc="learning",
                total=self.total,
                initial=self._count(trainer),
                bar_format=SECONDS_FORMAT if self.budget.seconds else STEPS_FORMAT,
                file=sys.stdout,
                smoothing=0,
                dynamic_ncols=True,
            )

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        """Redraw when it is time, and at the end."""
        if self.bar is None:
            return
        step, count = trainer.global_step, self._count(trainer)
        slow = bool(self.budget.seconds) and count >= self.bar.n + SLOW
        if step % REDRAW_EVERY == 0 or slow or self.budget.is_used_up(step):
            terms = trainer.progress_bar_metrics.items()
            shown = {name.removeprefix("train/"): f"{value:.4g}" for name, value in terms}
            self.bar.n = count
            self.bar.set_postfix({"step": step, **shown} if self.budget.seconds else shown)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave it as it is."""
        self._close()

    def on_exception(self, *args: Any) -> None:
        """What is said of it begins on a line of its own."""
        self._close()

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()

    def _count(self, trainer: pl.Trainer) -> int:
        return round(self.budget.used(trainer.global_step) * self.total)
