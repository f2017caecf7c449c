"""A network that takes its style from a painting it has never seen.

The scales and shifts of a network's instance normalizations are what makes it draw in one style or
another (conditional instance normalization, Dumoulin et al. 2017, eq. 5). Here they come from the
painting by the network itself: it is applied to the painting too, with no norm in place, and what
the features of every layer have for deviations and means there, the photograph's are given. That is
adaptive instance normalization (Huang and Belongie 2017, eq. 8) in every layer of a network that
learns, where the paper has it once, behind a VGG.

A network that predicts scales and shifts from a painting (Ghiasi et al. 2017) was tried first, see
docs/research/any-painting.md: in equal time it learned far less.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from impasto.models.fast_net import FastNet
from impasto.models.layers import InstanceNorm

FAINT = 1e-3  # least variance of a feature among paintings
RATE, FIRST_RATE = 0.05, 0.2  # at which what is usual follows what is seen, and does at first
ROUNDS = 3  # over the paintings that are seen before anything is learned


class StyleSlots:
    """Where a network's style lies in a style vector: a scale and a shift for every norm's channel.

    A style vector holds the scales and shifts of a network's norms one after the other, in the
    order in which they come in its state.
    """

    def __init__(self, net: nn.Module) -> None:
        """The norms of `net`, by their names."""
        self.slots: dict[str, slice] = {}
        start = 0
        for name, norm in norms_of(net).items():
            for kind in ("weight", "bias"):
                self.slots[f"{name}.{kind}"] = slice(start, start + norm.num_features)
                start += norm.num_features
        self.size = start

    def split(self, vectors: Tensor) -> dict[str, Tensor]:
        """(..., P) -> {parameter: (..., C)}."""
        return {name: vectors[..., slot] for name, slot in self.slots.items()}

    def own(self, net: nn.Module) -> Tensor:
        """The vector, (P,), of the style that a network has by itself."""
        return torch.cat([net.get_parameter(name).detach() for name in self.slots])


class AnyStyleNet(nn.Module):
    """A FastNet, and what is usual for its features in paintings.

    Without instance normalization nothing keeps features in bounds. So every norm is replaced, for
    paintings, by a normalization that is the same for all of them, as batch normalization has it
    when it does not learn. The norms' own parameters scale and shift what is normalized so; they
    are the network's style for a painting with nothing unusual about it.
    """

    def __init__(self, *, net: FastNet) -> None:
        """The colors of `net` do not learn: they are a painting's own."""
        super().__init__()
        self.net = net
        self.rate = RATE
        self.slots = StyleSlots(net)
        self._norms = norms_of(net)
        del self._norms["colors"]
        net.colors.requires_grad_(False)
        for name, norm in self._norms.items():
            mean, variance = _usual(name)
            self.register_buffer(mean, torch.zeros(norm.num_features))
            self.register_buffer(variance, torch.ones(norm.num_features))

    def forward(self, images: Tensor, vectors: Tensor) -> Tensor:
        """(B, 3, H, W) in [0,1] and (B, P) -> stylized, the shape and range of `images`."""
        parameters: dict[str, Any] = self.slots.split(vectors)
        stylized: Tensor = functional_call(self.net, parameters, (images,))
        return stylized

    def average(self) -> Tensor:
        """The style vector, (P,), of a painting with nothing unusual about it."""
        return self.slots.own(self.net)

    def encode(self, paintings: Tensor) -> Tensor:
        """The styles of paintings.

        In training mode what is usual follows what is seen.

        Args:
            paintings: (B, 3, H, W) in [0,1], H and W >= 16, at half the size for which strokes are
                to be drawn, see `at_half`.

        Returns:
            (B, P), float32.
        """
        found: list[Tensor] = []
        with self._looking(found):
            self.net(paintings)
        opponent = self.net.get_buffer("opponent") @ paintings.float().flatten(2)
        found += [opponent.std(dim=2, correction=0), opponent.mean(dim=2)]
        return torch.cat(found, dim=1)

    @torch.no_grad()
    def settle(self, paintings: Iterable[Tensor]) -> None:
        """Learn what is usual from some batches of paintings, as `encode` takes them."""
        training, batches, self.rate = self.training, list(paintings), FIRST_RATE
        self.train()
        for _ in range(ROUNDS):
            for batch in batches:
                self.encode(batch)
        self.rate = RATE
        self.train(training)

    @contextmanager
    def _looking(self, found: list[Tensor]) -> Iterator[None]:
        for name, norm in self._norms.items():
            norm.instead = lambda x, name=name: self._look(x, name, found)
        self.net.colors.instead = lambda x: x
        try:
            yield
        finally:
            for norm in (*self._norms.values(), self.net.colors):
                norm.instead = None

    def _look(self, x: Tensor, name: str, found: list[Tensor]) -> Tensor:
        """Normalize by what is usual, and note what is not."""
        x, norm = x.float(), self._norms[name]
        mean, variance = map(self.get_buffer, _usual(name))
        if self.training:
            with torch.no_grad():
                mean.lerp_(x.mean(dim=(0, 2, 3)), self.rate)
                variance.lerp_(x.var(dim=(0, 2, 3)), self.rate)
        scale = norm.weight * (variance + FAINT).rsqrt()
        usual = x * scale[:, None, None] + (norm.bias - mean * scale)[:, None, None]
        found += [usual.std(dim=(2, 3), correction=0), usual.mean(dim=(2, 3))]
        return usual


def build_any(*, width: int = 16, residual_blocks: int = 4) -> AnyStyleNet:
    """A network for any painting that is yet to learn."""
    return AnyStyleNet(net=FastNet(width=width, residual_blocks=residual_blocks))


def norms_of(net: nn.Module) -> dict[str, InstanceNorm]:
    """The instance normalizations of a network by name."""
    return {name: part for name, part in net.named_modules() if isinstance(part, InstanceNorm)}


def at_half(paintings: Tensor) -> Tensor:
    """Paintings as `encode` takes them: (B, 3, H, W) -> (B, 3, H // 2, W // 2).

    That is a quarter of the work, and strokes of twice the width are within the network's reach.
    """
    return F.avg_pool2d(paintings, 2)


def _usual(name: str) -> tuple[str, str]:
    """Buffers with mean and variance of what a norm is given."""
    flat = name.replace(".", "_")
    return f"mean_{flat}", f"variance_{flat}"
