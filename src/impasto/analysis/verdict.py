"""Two numbers for a stylized picture: how much it keeps, how far off its style is.

They are no loss that anything was trained on, so networks and methods of all kinds compare by them,
as long as the encoder is the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from impasto.data.tensors import to_tensor
from impasto.images.io import RGB
from impasto.losses.gram import gram_matrix
from impasto.losses.perceptual import Features
from impasto.models.vgg import EncoderWeights, VGGEncoder

KEPT_LAYERS = ("relu2_2", "relu3_3")
STYLE_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
LAYERS = tuple(dict.fromkeys([*KEPT_LAYERS, *STYLE_LAYERS]))
PAINTING_SIDE = 512  # pixels, its short side
FAINT = 1e-12  # least energy that something is divided by


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`kept`: 1 is all of the photograph, about 0 another one; `style_error`: 0 the painting's."""

    kept: float
    style_error: float


def kept(
    features: Mapping[str, Tensor],
    photo: Mapping[str, Tensor],
    *,
    layers: Sequence[str] = KEPT_LAYERS,
) -> float:
    """How much of a photograph is there: correlation of features, 1 for the photograph itself.

    By channel over H and W, averaged over channels with the photograph's variance as weight, then
    over layers. Brightness and contrast of a channel, which belong to the style, change nothing.

    Args:
        features: of the picture, (1, C, H, W) a layer.
        photo: of the photograph, likewise.
        layers: which are compared.
    """
    return fmean(_kept(features[layer], photo[layer]) for layer in layers)


def style_error(
    features: Mapping[str, Tensor],
    grams: Mapping[str, Tensor],
    *,
    layers: Sequence[str] = STYLE_LAYERS,
) -> float:
    """Squared difference of Grams over the painting's own, a mean over layers; 0 for the painting.

    Args:
        features: of the picture, (1, C, H, W) a layer.
        grams: of the painting, (1, C, C) a layer, from `gram_matrix`.
        layers: which are compared.
    """
    return fmean(_style_error(gram_matrix(features[layer]), grams[layer]) for layer in layers)


class Judge:
    """An encoder that knows one painting."""

    def __init__(
        self, *, weights: EncoderWeights, painting: RGB, device: torch.device | str = "cpu"
    ) -> None:
        """`painting` is H×W×3 in [0,1] with a short side of PAINTING_SIDE.

        Raises:
            InputError: the encoder lacks one of LAYERS.
        """
        self.encoder = VGGEncoder(weights=weights, layers=LAYERS).to(device)
        self.device = device
        self.grams = {layer: gram_matrix(seen) for layer, seen in self.look(painting).items()}

    @torch.no_grad()
    def look(self, image: RGB) -> Features:
        """Features of an H×W×3 image in [0,1] at LAYERS, on the CPU."""
        features = self.encoder(to_tensor(image).to(self.device), LAYERS)
        return {layer: seen.cpu() for layer, seen in features.items()}

    def __call__(self, picture: Features, photo: Features) -> Verdict:
        """Judge what `look` saw of a picture, by what it saw of the photograph."""
        return Verdict(kept=kept(picture, photo), style_error=style_error(picture, self.grams))


def _kept(features: Tensor, photo: Tensor) -> float:
    seen, there = (_centered(each) for each in (features, photo))
    variance = there.square().sum(dim=1)
    scale = (seen.square().sum(dim=1) * variance).sqrt().clamp_min(FAINT)
    correlation = (seen * there).sum(dim=1) / scale
    return float((variance * correlation).sum() / variance.sum().clamp_min(FAINT))


def _centered(features: Tensor) -> Tensor:
    """(1, C, H, W) -> (C, H*W) without the means; in float64, for there are many terms."""
    rows = features[0].flatten(1).double()
    return rows - rows.mean(dim=1, keepdim=True)


def _style_error(gram: Tensor, painting: Tensor) -> float:
    return float((gram - painting).square().sum() / painting.square().sum().clamp_min(FAINT))
