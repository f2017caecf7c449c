"""A step whose gradient is not finite is skipped; ten in a row end the run."""

import logging
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from impasto.errors import InputError

logger = logging.getLogger(__name__)


class NanGuard(Callback):
    """Skips steps that would write NaN or infinity into the network, and counts them.

    A skipped step is used up all the same: its photographs are passed over and the schedule goes
    on. The processes of a run judge the same averaged gradient, so all of them skip alike.
    """

    def __init__(self, *, patience: int = 10) -> None:
        """After `patience` skipped steps in a row the run ends."""
        self.patience = patience
        self.skipped = 0  # steps so far
        self.streak = 0  # of them, since the last finite one

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Without a gradient an optimizer changes neither parameters nor moments."""
        parameters = [item for group in optimizer.param_groups for item in group["params"]]
        gradients = [item.grad for item in parameters if item.grad is not None]
        if torch.nn.utils.get_total_norm(gradients).isfinite():
            self.streak = 0
            return
        optimizer.zero_grad()
        self.streak += 1
        self.skipped += 1

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        """Log what was skipped.

        Raises:
            InputError: that was too often.
        """
        if not self.streak:
            return
        for board in trainer.loggers:
            board.log_metrics({"train/skipped": self.skipped}, trainer.global_step)
        if self.streak >= self.patience:
            rate = trainer.lr_scheduler_configs[0].scheduler.base_lrs[0]
            raise InputError(
                f"the gradients of {self.streak} steps in a row were not finite, the last at step "
                f"{trainer.global_step}: begin anew with --resume none and a --lr below {rate:g}"
            )

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say how many there were."""
        if self.skipped:
            logger.warning("%d steps were skipped: their gradients were not finite", self.skipped)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run counts on from."""
        return {"skipped": self.skipped, "streak": self.streak}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The inverse, also of checkpoints that call a streak a row."""
        self.skipped = int(state_dict["skipped"])
        self.streak = int(state_dict.get("streak", state_dict.get("row", 0)))
