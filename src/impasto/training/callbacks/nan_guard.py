"""A step whose loss or gradient is not finite is skipped; too many in a row take the run back.

The verdict stays on the device: Adam's fused kernel reads `found_inf`, the flag through which
GradScaler has it leave parameters, moments and its count of steps alone, and our Muon does too; so
nothing waits for the host. A skipped step is used up all the same: its photographs are passed over
and the schedule goes on. Every process of a run sees the same averaged gradient, so all of them
judge alike.
"""

import copy
import math
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from impasto.errors import InputError

LOOK_EVERY = 10  # steps; reading a number from a GPU makes it wait, so not at every one
KEEP_EVERY, KEEP_AT = 100, 50  # between the usual checkpoints, which then hold one copy, not two


def poisoned(loss: Tensor) -> Tensor:
    """A scalar loss, bit for bit; if it is not finite, neither is any gradient that it gives.

    Gradients are averaged over the processes of a run, so that all of them learn of it.
    """
    return loss * torch.where(loss.detach().isfinite(), 1.0, math.nan)


def clip_or_skip(optimizer: torch.optim.Optimizer, *, limit: float) -> None:
    """Scale gradients to a norm of at most `limit`, 0 for any; have the optimizer skip bad ones."""
    parameters = [item for group in optimizer.param_groups for item in group["params"]]
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit or math.inf)
    optimizer.found_inf = (~norm.isfinite()).float()  # type: ignore[attr-defined]


class NanGuard(Callback):
    """Counts skipped steps; `patience` of them in a row put the last good state back.

    The state that comes back is 10 to 160 steps old; the learning rate is halved from there on, and
    the run goes on with the next photographs.
    """

    def __init__(
        self, *, say: Callable[[str], object], patience: int = 10, retries: int = 3
    ) -> None:
        """A row is seen at every tenth step; after `retries` returns the next one ends the run."""
        self.say = say
        self.patience = patience
        self.retries = retries
        self.returns = 0
        self._skipped = torch.zeros(())  # these two live on the device
        self._row = torch.zeros(())
        self._good: dict[str, Any] | None = None
        self._newest: dict[str, Any] | None = None  # good once steps from there were finite

    @property
    def skipped(self) -> int:
        """Steps skipped so far."""
        return int(self._skipped)

    @property
    def row(self) -> int:
        """Steps skipped since the last finite one."""
        return int(self._row)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The state to begin with is all the good there is."""
        self._skipped, self._row = (it.to(pl_module.device) for it in (self._skipped, self._row))
        if self._good is None:
            self._good = _state(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """Count; look every `LOOK_EVERY` steps.

        Raises:
            InputError: the row is too long again, after all returns.
        """
        bad = trainer.optimizers[0].found_inf  # type: ignore[attr-defined]
        self._row = (self._row + 1) * bad
        self._skipped = self._skipped + bad
        step = trainer.global_step
        if step % LOOK_EVERY:
            return
        if row := self.row:
            self._newest = None
            if row >= self.patience:
                self._go_back(trainer, pl_module)
        elif step % KEEP_EVERY == KEEP_AT:
            self._newest = _state(trainer, pl_module)
        elif self._newest is not None:
            self._good, self._newest = self._newest, None
        if skipped := self.skipped:
            for logger in trainer.loggers:
                logger.log_metrics({"train/skipped": skipped}, step)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say how many there were."""
        if self.skipped:
            self.say(f"{self.skipped} steps were skipped: their loss or gradient was not finite")

    def _go_back(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert self._good is not None
        found = f"{self.row} steps in a row were not finite at step {trainer.global_step}"
        if self.returns == self.retries:
            raise InputError(
                f"{found}, and {self.retries} returns to a good state at a lower rate did not help:"
                " lower --lr or the weights of the loss"
            )
        self.returns += 1
        self._row.zero_()
        optimizer, scheduler = trainer.optimizers[0], trainer.lr_scheduler_configs[0].scheduler
        rates = [group["lr"] / 2 for group in optimizer.param_groups]
        pl_module.load_state_dict(self._good["module"])
        optimizer.load_state_dict(copy.deepcopy(self._good["optimizer"]))
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        scheduler.base_lrs = [rate / 2 for rate in scheduler.base_lrs]
        self.say(f"{found}: back to the last good state, with half the learning rate")

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values, for the checkpoint: a resumed run goes back to the same."""
        return {
            "returns": self.returns,
            "skipped": self._skipped,
            "row": self._row,
            "good": self._good,
            "newest": self._newest,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The inverse."""
        self.returns = state_dict["returns"]
        self._skipped, self._row = state_dict["skipped"], state_dict["row"]
        self._good, self._newest = state_dict["good"], state_dict["newest"]


def _state(trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
    optimizer = trainer.optimizers[0]
    state = {"module": pl_module.state_dict(), "optimizer": optimizer.state_dict()}
    return copy.deepcopy(state)
