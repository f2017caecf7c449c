"""Learning any painting: the network and the loss wired together for Lightning."""

import logging
from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from torch.utils.data import DataLoader

from impasto.data.paintings import PaintingDataset, Pair
from impasto.data.workers import serve
from impasto.losses.perceptual import LossTerms
from impasto.models.any_style import AnyStyleNet, at_half
from impasto.training.module import LearningModule, random_shift
from impasto.training.palette import swap_palettes
from impasto.training.shade import shade

FIRST = 10**7  # draw, far from those that are learned from soon
REGIONS, AT_ONCE = 128, 8

logger = logging.getLogger(__name__)


class AnyStyleModule(LearningModule):
    """An AnyStyleNet that learns to please a PerceptualLoss, with another painting every time."""

    def __init__(self, *, model: AnyStyleNet, **learning: Any) -> None:
        """`learning` is what `LearningModule` takes; the style of its loss is set at every step."""
        super().__init__(**learning)
        self.model = model

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """(B, 3, H, W) and as many or one painting, all in [0,1] -> stylized, float32."""
        stylized: Tensor = self.model(content, self.model.encode(at_half(style)))
        return stylized.float()

    def judge(self, batch: Pair, *, generator: torch.Generator | None) -> tuple[LossTerms, Tensor]:
        """Of a photograph and a painting a sample, (B, 3, H, W) in [0,1] each.

        The network is shown the photographs with shadows, and is to draw what is there without.
        """
        content, style = (images.contiguous(memory_format=torch.channels_last) for images in batch)
        style = swap_palettes(style, generator=generator)
        stylized = self(shade(content, generator=generator), style)
        self.loss.set_style(style, exact=False)
        seen, target = random_shift(stylized, content, limit=self.shift, generator=generator)
        return self.loss(seen, self.loss.content_target(target)), stylized

    def on_before_optimizer_step(self, *args: Any) -> None:
        """What is usual is what all processes saw, or they would learn different networks."""
        if self.trainer.world_size > 1:
            for buffer in self.model.buffers(recurse=False):
                buffer.copy_(self.trainer.strategy.reduce(buffer.clone(), reduce_op="mean"))


class Settle(Callback):
    """Has the network know, before the first step, what is usual for its features in paintings.

    Every process of a run looks at the same regions. This callback comes before the one that shows.
    """

    def __init__(self, paintings: PaintingDataset, *, workers: int = 0) -> None:
        """`workers` processes read the regions."""
        self.paintings = paintings
        self.workers = workers

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """At step 0."""
        if trainer.global_step == 0:
            assert isinstance(pl_module, AnyStyleModule)
            logger.info("looking at %d regions of paintings first", REGIONS)
            pl_module.model.settle(self._regions(pl_module.device))

    def _regions(self, device: torch.device) -> Iterator[Tensor]:
        draws = range(FIRST, FIRST + REGIONS)
        loader = DataLoader(
            self.paintings,
            batch_size=AT_ONCE,
            sampler=draws,
            num_workers=self.workers,
            worker_init_fn=serve,
        )
        for batch in loader:
            self.paintings.check()
            yield at_half(batch.to(device).float() / 255)
