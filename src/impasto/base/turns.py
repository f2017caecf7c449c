"""Many styles in turn: a network from which any style is a few hundred steps away.

Reptile (Nichol, Achiam, Schulman 2018, algorithm 1): a few Adam steps towards one style, then the
slow parameters move part of the way, and the next style begins there. Unlike the paper Adam keeps
its moments between styles: they are those of the network, and a few steps cannot estimate them.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.hardware import has_fast_bf16
from impasto.losses import LossTerms, PerceptualLoss
from impasto.module import random_shift
from impasto.net import TransformNet

WARMUP = 50  # steps


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long, and how."""

    turns: int
    steps_a_turn: int
    lr: float  # of Adam, falling along a cosine to zero
    slow: float = 0.5  # of the way that the slow parameters go at the end of a turn
    shift: int = 8  # pixels, see `random_shift`
    clip: float = 1.0

    def rate(self, step: int) -> float:
        """The share of `lr` at a step."""
        done = step / (self.turns * self.steps_a_turn)
        return min(1.0, (step + 1) / WARMUP) * 0.5 * (1 + math.cos(math.pi * done))


def learn_in_turns(
    net: TransformNet,
    loss: PerceptualLoss,
    *,
    plan: Plan,
    styles: Iterator[Tensor],
    photos: Iterator[Tensor],
    tick: Callable[[int, LossTerms], object] = lambda *_: None,
) -> None:
    """Train `net` in place.

    Args:
        net: its memory format is kept.
        loss: gets another style at every turn.
        plan: how.
        styles: (1, 3, H, W) in [0,1], one a turn.
        photos: (B, 3, H, W) in [0,1], one batch a step.
        tick: takes the turn and the terms at its end.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=plan.lr)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, plan.rate)
    slow = [parameter.detach().clone() for parameter in net.parameters()]
    for turn in range(plan.turns):
        loss.set_style(next(styles))
        for step in range(plan.steps_a_turn):
            seed = turn * plan.steps_a_turn + step
            terms = _terms(net, loss, next(photos), shift=plan.shift, seed=seed)
            optimizer.zero_grad()
            terms.total.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), plan.clip)
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            for kept, parameter in zip(slow, net.parameters(), strict=True):
                parameter.copy_(kept.lerp_(parameter, plan.slow))
        tick(turn, LossTerms(*(term.detach() for term in terms)))


def _terms(
    net: TransformNet, loss: PerceptualLoss, photos: Tensor, *, shift: int, seed: int
) -> LossTerms:
    content = photos.contiguous(memory_format=torch.channels_last)
    draw = torch.Generator().manual_seed(seed)
    kind = content.device.type
    with torch.autocast(kind, torch.bfloat16, enabled=has_fast_bf16(kind)):
        seen, target = random_shift(net(content).float(), content, limit=shift, generator=draw)
        terms: LossTerms = loss(seen, loss.content_target(target))
        return terms


def recolour(style: Tensor, *, seed: int) -> Tensor:
    """A painting nobody painted: channels in another order, and now and then a negative.

    (1, 3, H, W) in [0,1] -> the same.
    """
    generator = torch.Generator().manual_seed(seed)
    recoloured = style[:, torch.randperm(3, generator=generator)]
    return 1 - recoloured if torch.rand((), generator=generator) < NEGATIVES else recoloured


NEGATIVES = 0.2
