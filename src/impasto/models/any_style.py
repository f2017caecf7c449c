"""A network that takes its style from a painting it has never seen.

The scales and shifts of a network's instance normalizations are what makes it draw in one style or
another (conditional instance normalization, Dumoulin et al. 2017, eq. 5). Here a second network
predicts them from a painting (Ghiasi et al. 2017). Deviations from that paper: the predictor does
not look at the painting through Inception, but at means, deviations and correlations of the
features of a small encoder, which are what a style is to the loss; all scales and shifts are
predicted, without a bottleneck of 100 numbers; and the last ones, which are a picture's colors, are
the painting's own, to which the prediction is added.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from impasto.models.designs import Net
from impasto.models.fast_net import OPPONENT, FastNet
from impasto.models.layers import InstanceNorm
from impasto.models.pretrained import load_weights
from impasto.models.vgg import VGGEncoder

FAINT = 1e-4  # least variance of a feature
COLORS = 2 * len(OPPONENT)  # numbers at the end of a style vector
LAYERS = {"relu1_2": 16, "relu2_2": 32, "relu3_3": 64, "relu4_2": 128}  # of `lite`, with channels


class StyleSlots:
    """Where a network's style lies in a style vector: a scale and a shift for every norm's channel.

    A style vector holds the scales and shifts of a network's norms one after the other, in the
    order in which they come in its state.
    """

    def __init__(self, net: nn.Module) -> None:
        """The norms of `net`, by their names."""
        norms = {key: m for key, m in net.named_modules() if isinstance(m, InstanceNorm)}
        self.slots: dict[str, slice] = {}
        start = 0
        for name, norm in norms.items():
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


class StyleEncoder(Protocol):
    """What the predictor looks through: (B, 3, H, W) in [0,1] -> {layer: (B, C, h, w)}."""

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Features at `layers`."""


class StylePredictor(nn.Module):
    """Paintings in, style vectors out."""

    def __init__(
        self,
        *,
        encoder: nn.Module,
        layers: Mapping[str, int],
        size: int,
        rank: int = 16,
        hidden: int = 256,
    ) -> None:
        """A perceptron on the statistics of an encoder's features.

        Args:
            encoder: a `StyleEncoder`; frozen or not.
            layers: of the encoder, with their channels.
            size: numbers in a style vector.
            rank: channels to which a layer's correlations are projected.
            hidden: channels of the perceptron.
        """
        super().__init__()
        self.encoder = encoder
        self.layers = dict(layers)
        channels = self.layers.values()
        self.projections = nn.ParameterList(
            # they do not learn: the statistics would drift away from what they are compared with
            nn.Parameter(torch.randn(rank, count) / count**0.5, requires_grad=False)
            for count in channels
        )
        self.register_buffer("opponent", torch.tensor(OPPONENT), persistent=False)
        self.register_buffer("usual_colors", torch.zeros(COLORS))
        pairs = rank * (rank + 1) // 2
        inputs = sum(2 * count + pairs for count in channels)
        upper = torch.triu_indices(rank, rank)
        self.register_buffer("pairs", upper[0] * rank + upper[1], persistent=False)
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, size)
        nn.init.zeros_(self.last.weight)

    def forward(self, paintings: Tensor) -> Tensor:
        """(B, 3, H, W) in [0,1] -> (B, P), float32; the encoder says how small H and W may be."""
        with torch.autocast(paintings.device.type, enabled=False):
            x = self.statistics(paintings) - self.get_buffer("mean")
            x = x / self.get_buffer("deviation")
            x = F.gelu(self.first(x.clamp(-5, 5)))
            x = x + F.gelu(self.second(x))
            predicted: Tensor = self.last(x)
            return with_colors(predicted, self.colors(paintings))

    def colors(self, paintings: Tensor) -> Tensor:
        """Deviations and means of brightness and opponent colors: (B, 3, H, W) -> (B, 6)."""
        opponent = self.get_buffer("opponent") @ paintings.float().flatten(2)
        return torch.cat([opponent.std(dim=2), opponent.mean(dim=2)], dim=1)

    def statistics(self, paintings: Tensor) -> Tensor:
        """Means, log deviations and projected correlations of every layer: (B, inputs)."""
        features = self.encoder(paintings, list(self.layers))
        parts: list[Tensor] = []
        for layer, projection in zip(self.layers, self.projections, strict=True):
            mean, variance, covariance = moments(features[layer])
            variance = variance.clamp_min(FAINT)
            scale = variance.rsqrt()
            correlation = covariance * scale[:, :, None] * scale[:, None, :]
            projected = projection @ correlation @ projection.mT
            pairs = projected.flatten(1).index_select(1, self.get_buffer("pairs"))
            parts += [mean, variance.log() / 2, pairs]
        return torch.cat(parts, dim=1)

    @torch.no_grad()
    def standardize(self, paintings: Iterable[Tensor]) -> None:
        """Take means and deviations of the statistics from batches of paintings, (B, 3, H, W)."""
        pairs = [(self.statistics(batch), self.colors(batch)) for batch in paintings]
        seen, colors = (torch.cat(parts) for parts in zip(*pairs, strict=True))
        self.get_buffer("mean").copy_(seen.mean(0))
        self.get_buffer("deviation").copy_(seen.std(0).clamp_min(0.05))
        self.get_buffer("usual_colors").copy_(colors.mean(0))


class AnyStyleNet(nn.Module):
    """A transformation network and what predicts its style."""

    def __init__(self, *, net: Net, predictor: StylePredictor) -> None:
        """The norms of `net` keep parameters of their own, which are not used and do not learn.

        They are the style that a predictor gives every painting until it has learned something.
        """
        super().__init__()
        self.net = net
        self.predictor = predictor
        self.slots = StyleSlots(net)
        for name in self.slots.slots:
            net.get_parameter(name).requires_grad_(False)
        if not predictor.last.weight.any():
            with torch.no_grad():
                predictor.last.bias.copy_(self.slots.own(net))
                predictor.last.bias[-COLORS:] = 0

    def average(self) -> Tensor:
        """The style vector, (P,), around which all that are predicted lie."""
        bias = self.predictor.last.bias.detach()
        return with_colors(bias, self.predictor.get_buffer("usual_colors"))

    def forward(self, images: Tensor, vectors: Tensor) -> Tensor:
        """(B, 3, H, W) in [0,1] and (B, P) -> stylized, the shape and range of `images`."""
        parameters: dict[str, Any] = self.slots.split(vectors)
        stylized: Tensor = functional_call(self.net, parameters, (images,))
        return stylized


def build_any(*, width: int = 16, residual_blocks: int = 4) -> AnyStyleNet:
    """A `FastNet` and a predictor that looks through the encoder in the package, yet to learn.

    The predictor takes paintings at half their size, see `at_half`, of 16 pixels a side then.
    """
    net = FastNet(width=width, residual_blocks=residual_blocks)
    encoder = VGGEncoder(weights=load_weights("lite"), layers=list(LAYERS))
    predictor = StylePredictor(encoder=encoder, layers=LAYERS, size=StyleSlots(net).size)
    return AnyStyleNet(net=net, predictor=predictor)


def at_half(paintings: Tensor) -> Tensor:
    """Paintings as a predictor sees them: (B, 3, H, W) -> (B, 3, H // 2, W // 2), a quarter of the
    work, and strokes of twice the width within its encoder's reach.
    """
    return F.avg_pool2d(paintings, 2)


def with_colors(vectors: Tensor, colors: Tensor) -> Tensor:
    """Style vectors, (..., P), with colors, (..., 6), added at their end."""
    return vectors + F.pad(colors, (vectors.shape[-1] - COLORS, 0))


def moments(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Means and variances, (B, C), and covariances, (B, C, C), over the pixels of (B, C, H, W)."""
    rows = features.float().flatten(2)
    mean = rows.mean(dim=2)
    rows = rows - mean[..., None]
    return mean, rows.square().mean(dim=2), rows @ rows.mT / rows.shape[2]
