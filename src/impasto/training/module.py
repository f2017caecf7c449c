"""Learning a style: the network, the loss and the optimizer wired together for Lightning."""

from functools import partial
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from impasto.losses.grid import grid_loss
from impasto.losses.perceptual import TERMS, LossTerms, PerceptualLoss
from impasto.losses.stability import disturb, stability_loss
from impasto.models.designs import Net
from impasto.models.fast_net import FastNet
from impasto.training.budget import Budget, Schedule
from impasto.training.muon import Muon

Optimizer = Literal["muon", "adam"]


class LearningModule(pl.LightningModule):
    """What learns by a PerceptualLoss: its optimizer, its rate, its curves and what is saved of it.

    A subclass has the networks, and says what is judged of a batch.
    """

    def __init__(
        self,
        *,
        loss: PerceptualLoss,
        budget: Budget,
        optimizer: Optimizer = "muon",
        lr: float = 1e-3,
        warmup: int = 50,
        schedule: Schedule = "cosine",
        shift: int = 8,
        grid_weight: float = 0.0,
        stability_weight: float = 0.0,
    ) -> None:
        """`shift` is in pixels, see `random_shift`. The rate follows `budget` and its clock.

        The last two weigh terms beside `loss`, see `losses.grid` and `losses.stability`.
        """
        super().__init__()
        self.loss = loss
        self.strict_loading = False
        self.budget = budget
        self.optimizer: Optimizer = optimizer
        self.lr = lr
        self.warmup = warmup
        self.schedule = schedule
        self.shift = shift
        self.grid_weight = grid_weight
        self.stability_weight = stability_weight

    def judge(self, batch: Any, *, generator: torch.Generator | None) -> tuple[LossTerms, Tensor]:
        """The terms of one batch, and the pictures made of it, (B, 3, H, W) in [0,1]."""
        raise NotImplementedError

    def training_step(self, batch: Any, batch_idx: int) -> dict[str, Any]:
        """One batch, as the data module gives it."""
        # seeded by the step, so that a resumed run shifts as it would have
        draw = torch.Generator().manual_seed(
            self.global_step * self.trainer.world_size + self.global_rank
        )
        terms, stylized = self.judge(batch, generator=draw)
        self._log_terms(terms)
        loss = terms.total
        if self.grid_weight:
            grid = self.grid_weight * grid_loss(stylized).mean()
            self.log("train/grid", grid.detach())
            loss = loss + grid
        if self.stability_weight:
            stability = self.stability_weight * self.instability(batch, stylized, generator=draw)
            self.log("train/stability", stability.detach())
            loss = loss + stability
        return {"loss": loss, "terms": terms, "stylized": stylized.detach()}

    def learned(self) -> list[nn.Parameter]:
        """The parameters that change."""
        return [item for item in self.parameters() if item.requires_grad]

    def instability(
        self, batch: Tensor, stylized: Tensor, *, generator: torch.Generator | None
    ) -> Tensor:
        """How much the pictures of one batch change with a small shift and noise, a scalar."""
        content, down, across = disturb(batch, generator=generator)
        again = self(content.contiguous(memory_format=torch.channels_last))
        return stability_loss(stylized, again, down=down, across=across).mean()

    def _log_terms(self, terms: LossTerms) -> None:
        """Averaged over the processes, in one message and only at the steps that are shown."""
        if (self.global_step + 1) % self.trainer.log_every_n_steps:  # type: ignore[attr-defined]
            return
        values = torch.stack([*terms, terms.total]).detach()
        values = self.trainer.strategy.reduce(values, reduce_op="mean")
        names = (f"train/{name}" for name in TERMS)
        self.log_dict(dict(zip(names, values, strict=True)), prog_bar=True)

    def configure_gradient_clipping(
        self,
        optimizer: Any,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """By norm. Lightning refuses it to fused optimizers in bf16, where nothing is unscaled."""
        if gradient_clip_val:
            torch.nn.utils.clip_grad_norm_(self.learned(), gradient_clip_val)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """A step, after which a FastNet is kept from drawing a grid."""
        super().optimizer_step(*args, **kwargs)
        for part in self.modules():
            if isinstance(part, FastNet):
                part.flatten()

    def configure_optimizers(self) -> Any:
        """The optimizer, and its rate after every step, see `Budget.rate`."""
        kind = Muon if self.optimizer == "muon" else partial(torch.optim.Adam, fused=True)
        optimizer = kind(self.learned(), lr=self.lr)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step", "name": "train/lr"},
        }

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """The networks alone: the encoder of the loss is large, and never changes."""
        state: dict[str, Any] = super().state_dict(*args, **kwargs)
        prefix = kwargs.get("prefix", "")  # DDP has one
        for name in [name for name in state if name.startswith(f"{prefix}loss.")]:
            del state[name]
        return state

    def _rate(self, step: int) -> float:
        return self.budget.rate(step, warmup=self.warmup, schedule=self.schedule)


class StyleTransferModule(LearningModule):
    """A network that learns to please a PerceptualLoss whose style is set."""

    def __init__(self, *, net: Net, **learning: Any) -> None:
        """`learning` is what `LearningModule` takes."""
        super().__init__(**learning)
        self.net = net

    def forward(self, content: Tensor) -> Tensor:
        """(B, 3, H, W) in [0,1] -> stylized, the same shape and range, float32."""
        return self.net(content).float()

    def judge(
        self, batch: Tensor, *, generator: torch.Generator | None
    ) -> tuple[LossTerms, Tensor]:
        """Of a batch of photographs, (B, 3, H, W) in [0,1]."""
        content = batch.contiguous(memory_format=torch.channels_last)
        stylized = self(content)
        seen, target = random_shift(stylized, content, limit=self.shift, generator=generator)
        return self.loss(seen, self.loss.content_target(target)), stylized


def random_shift(
    stylized: Tensor, content: Tensor, *, limit: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Crop the same window, shifted by 0..limit-1 pixels down and across, from both.

    The network's upsampling lattice has a period of 4 pixels and the encoder's pooling lattices of
    2, 4, 8: kept in step they lock into a grid that is cheap for the loss and ugly to the eye. Not
    in the paper; costs nothing. The window loses `limit` pixels, so that sizes stay multiples of 8.

    Args:
        stylized: (B, 3, H, W).
        content: (B, 3, H, W).
        limit: 0 leaves both alone.
        generator: of the random numbers.

    Returns:
        Both, (B, 3, H - limit, W - limit).
    """
    if limit == 0:
        return stylized, content
    down, across = torch.randint(limit, (2,), generator=generator).tolist()
    height, width = stylized.shape[-2] - limit, stylized.shape[-1] - limit
    window = (..., slice(down, down + height), slice(across, across + width))
    return stylized[window], content[window]
