"""Feature maps of a photograph, layer by layer, encoders side by side."""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from impasto.analysis.figures import draw_sheet, false_colors
from impasto.analysis.numbers import write_csv
from impasto.analysis.pictures import find_photograph, first_layers
from impasto.analysis.progress import Tick, silent
from impasto.config.analysis import ActivationsSettings
from impasto.data.tensors import to_tensor
from impasto.errors import InputError
from impasto.images.io import RGB, load_image
from impasto.models.pretrained import load_weights
from impasto.models.vgg import RAW, EncoderWeights, VGGEncoder

logger = logging.getLogger(__name__)

ENCODERS = ["vgg16-features", "vgg19-features"]


@dataclass(frozen=True, kw_only=True)
class Activation:
    """What an encoder sees at a layer: (C, h, w)."""

    encoder: str
    layer: str
    features: Tensor


def run(settings: ActivationsSettings, *, tick: Tick = silent) -> list[Activation]:
    """Look through every encoder; writes activations.png and activations.csv.

    Raises:
        InputError: an encoder or the photograph is not there, or has no such layer or channel.
    """
    photo = find_photograph(settings.photo)
    image = load_image(photo, short_side=settings.size)
    seen: list[list[Activation]] = []
    encoders = _encoders(settings.encoders)
    for done, weights in enumerate(encoders):
        tick(done, len(encoders), weights.name)
        seen.append(look(image, weights=weights, layers=settings.layers))
    flat = [activation for row in seen for activation in row]
    folder = Path(settings.output)
    rows, labels, columns = [], [], []
    for row in seen:
        for channel in range(settings.channels) if settings.channels else [None]:
            rows.append([image] + [false_colors(_map(each, channel)) for each in row])
            labels.append(row[0].encoder + ("" if channel is None else f", channel {channel}"))
            columns.append([photo.name, *(each.layer for each in row)])
    write_csv(folder / "activations.csv", [_numbers(activation) for activation in flat])
    shown = f"the first {settings.channels} maps" if settings.channels else "the mean of all maps"
    title = f"{shown}, dark: least, light: most of each"
    draw_sheet(rows, rows=labels, columns=columns, title=title, path=folder / "activations.png")
    return flat


@torch.no_grad()
def look(
    image: RGB, *, weights: EncoderWeights, layers: list[str] | None = None
) -> list[Activation]:
    """Features of an H×W×3 image at some layers of an encoder."""
    layers = layers or [
        layer + RAW if layer in weights.projections else layer for layer in first_layers(weights)
    ]
    features = VGGEncoder(weights=weights, layers=layers)(to_tensor(image), layers)
    return [
        Activation(encoder=weights.name, layer=layer, features=features[layer][0])
        for layer in layers
    ]


def _encoders(names: list[str] | None) -> list[EncoderWeights]:
    """Those named, or of the two real VGGs those that can be had, or `lite`."""
    if names:
        return [load_weights(name) for name in names]
    found = []
    for name in ENCODERS:
        try:
            found.append(load_weights(name))
        except InputError as error:
            logger.info("left out: %s", error)
    return found or [load_weights("lite")]


def _map(activation: Activation, channel: int | None) -> Tensor:
    features = activation.features
    if channel is None:
        return features.mean(dim=0)
    if channel >= len(features):
        raise InputError(
            f"{activation.encoder} has {len(features)} channels at {activation.layer}: "
            "lower --channels"
        )
    return features[channel]


def _numbers(activation: Activation) -> dict[str, object]:
    features = activation.features
    channels, height, width = features.shape
    return {
        "encoder": activation.encoder,
        "layer": activation.layer,
        "channels": channels,
        "height": height,
        "width": width,
        "mean": float(features.mean()),
        "std": float(features.std()),
        "zeros": float((features == 0).float().mean()),
    }
