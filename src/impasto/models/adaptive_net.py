"""A network that takes its style from a painting by looking at it itself.

The network is applied to the painting as well, without instance normalization: what the features
of every layer have for means and deviations there, those of the photograph are given by the norms
(adaptive instance normalization, Huang and Belongie 2017, in every layer instead of one, and with
an encoder that learns). So nothing needs to be predicted. The means and deviations are a style
vector (Dumoulin et al. 2017, eq. 5).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from impasto.models.fast_net import OPPONENT, FastNet
from impasto.models.layers import InstanceNorm

EPSILON = 1e-3  # least variance of a feature among paintings
RATE = 0.05  # at which what is usual follows what is seen


class AdaptiveNet(nn.Module):
    """A FastNet and what is usual for its features in paintings."""

    def __init__(self, *, net: FastNet) -> None:
        """The norms' own parameters scale and shift what looks usual."""
        super().__init__()
        self.net = net
        self.norms = {
            name: norm
            for name, norm in net.named_modules()
            if isinstance(norm, InstanceNorm) and norm is not net.colors
        }
        for name, norm in self.norms.items():
            count = norm.num_features
            self.register_buffer(f"mean_{name}".replace(".", "_"), torch.zeros(count))
            self.register_buffer(f"variance_{name}".replace(".", "_"), torch.ones(count))
        net.colors.requires_grad_(False)

    def forward(self, images: Tensor, styles: Tensor) -> Tensor:
        """(B, 3, H, W) in [0,1] and (B, P) -> stylized, the shape and range of `images`."""
        parameters: dict[str, Any] = {}
        start = 0
        for name, norm in [*self.norms.items(), ("colors", self.net.colors)]:
            for kind in ("weight", "bias"):
                parameters[f"{name}.{kind}"] = styles[:, start : start + norm.num_features]
                start += norm.num_features
        stylized: Tensor = functional_call(self.net, parameters, (images,))
        return stylized

    def vectors(self, paintings: Tensor) -> Tensor:
        """Styles of paintings: (B, 3, H, W) in [0,1] -> (B, P), float32."""
        found: list[Tensor] = []
        with self._looking(found):
            self.net(paintings)
        opponent = self.net.get_buffer("opponent") @ paintings.float().flatten(2)
        return torch.cat([*found, opponent.std(dim=2), opponent.mean(dim=2)], dim=1)

    @contextmanager
    def _looking(self, found: list[Tensor]) -> Iterator[None]:
        for name, norm in self.norms.items():
            norm.look = lambda x, name=name, norm=norm: self._look(x, name, norm, found)
        self.net.colors.look = lambda x: x
        try:
            yield
        finally:
            for norm in (*self.norms.values(), self.net.colors):
                norm.look = None

    def _look(self, x: Tensor, name: str, norm: InstanceNorm, found: list[Tensor]) -> Tensor:
        x = x.float()
        key = name.replace(".", "_")
        mean, variance = self.get_buffer(f"mean_{key}"), self.get_buffer(f"variance_{key}")
        if self.training:
            with torch.no_grad():
                mean.lerp_(x.mean(dim=(0, 2, 3)), RATE)
                variance.lerp_(x.var(dim=(0, 2, 3)), RATE)
        scale = norm.weight * (variance + EPSILON).rsqrt()
        usual = x * scale[:, None, None] + (norm.bias - mean * scale)[:, None, None]
        found += [usual.std(dim=(2, 3)), usual.mean(dim=(2, 3))]
        return usual


def settle(model: AdaptiveNet, paintings: Sequence[Tensor]) -> None:
    """See what is usual before anything is learned."""
    with torch.no_grad():
        for _ in range(3):
            for batch in paintings:
                model.vectors(batch)
