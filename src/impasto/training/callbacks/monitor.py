"""The curves of a run beside those of its loss: speed, waiting for data, range of the output."""

import time
from collections import deque
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from impasto.losses.perceptual import LossTerms

LOG_EVERY = 10  # steps; reading a number from a GPU makes it wait, so not at every one
RECENT = 100  # steps


class Monitor(Callback):
    """Images/s, the share of time spent waiting for data, statistics of the output.

    Lightning's ThroughputMonitor waits for the GPU at every step, and cannot tell whether it is the
    photographs that are late. This callback comes last: the time of others is no waiting.
    """

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
        *args: Any,
    ) -> None:
        """Log every `LOG_EVERY` steps."""
        self._images += len(outputs["stylized"]) * trainer.world_size
        self._terms.append(torch.stack([term.detach() for term in outputs["terms"]]))
        if trainer.global_step % LOG_EVERY == 0:
            elapsed = time.perf_counter() - self._since
            stylized = outputs["stylized"]
            values = {
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
        """Means of the last steps' terms, those of skipped steps left out."""
        if not self._terms:
            return {}
        means = torch.stack(tuple(self._terms)).nanmean(dim=0)
        return dict(zip(LossTerms._fields, means.tolist(), strict=True))

    def _restart(self) -> None:
        self._waited, self._images = 0.0, 0
        self._idle_since = self._since = time.perf_counter()
