"""A VGG-shaped encoder with named layers, of any widths, with weights from anywhere."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.errors import InputError
from impasto.models.layers import ReflectConv2d

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
Padding = Literal["zeros", "reflect", "replicate", "circular"]
RAW = ":raw"  # `relu3_1:raw` asks for the features before the projection


class Projection(NamedTuple):
    """A 1×1 convolution that makes a layer's features from those of the layer `source`."""

    source: str
    weight: Tensor  # (C, c, 1, 1)
    bias: Tensor  # (C,)


@dataclass(frozen=True, kw_only=True)
class EncoderWeights:
    """Parameters under torchvision's names and what else it takes to run them."""

    name: str
    parameters: Mapping[str, Tensor]
    padding_mode: Padding = "zeros"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    @property
    def convolutions(self) -> dict[str, int]:
        """{conv1_1: 0, conv1_2: 2, conv2_1: 5, ...}: names and indices in `features`.

        torchvision numbers convolutions, ReLUs and pools alike, so a step of three between two
        convolutions means that a pool, and with it a new block, lies between them.
        """
        found = (re.fullmatch(r"features\.(\d+)\.weight", key) for key in self.parameters)
        indices = sorted(int(match[1]) for match in found if match)
        names, block, depth = {}, 1, 0
        for previous, index in zip([None, *indices], indices, strict=False):
            new_block = previous is not None and index - previous == 3
            block, depth = (block + 1, 1) if new_block else (block, depth + 1)
            names[f"conv{block}_{depth}"] = index
        return names

    @property
    def projections(self) -> list[str]:
        """Layers that have a 1×1 projection, shallowest first."""
        found = (re.fullmatch(r"lift\.(\w+)\.weight", key) for key in self.parameters)
        return sorted(match[1] for match in found if match)

    @property
    def sha256(self) -> str:
        """Fingerprint of the parameters, the same however they were stored."""
        digest = hashlib.sha256()
        for key in sorted(self.parameters):
            tensor = self.parameters[key].detach().cpu().float().contiguous()
            digest.update(f"{key}{tuple(tensor.shape)}".encode())
            digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()

    @property
    def default_layers(self) -> tuple[list[str], list[str]]:
        """Content and style layers to use where none are named.

        Those of Johnson et al. 2016: content relu2_2, as in the paper's text (the authors' code has
        relu3_3, which keeps less of a photograph), and four style layers. An encoder with
        projections was made to be used through them, so its projected layers down to block four
        take the place of the style layers, and the second of them that of the content layer.
        """
        projected = [layer for layer in self.projections if layer < "relu5"]
        if projected:
            return projected[1:2] or projected, projected
        return ["relu2_2"], ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]


class VGGEncoder(nn.Module):
    """Features of images at named layers, in one pass that stops at the deepest layer asked for.

    Layers are `relu{block}_{depth}` and `conv{block}_{depth}`. A layer that has a
    projection comes projected; `<layer>:raw` gives it as it was. Frozen, always in eval mode;
    normalizes inside.
    """

    def __init__(self, *, weights: EncoderWeights, layers: Sequence[str]) -> None:
        """Keep only what the deepest of `layers` needs.

        Raises:
            InputError: the encoder lacks one of the layers, or has a shape that is not VGG's.
        """
        super().__init__()
        names = list(weights.convolutions)
        depth = max(_position(layer, names, weights.name) for layer in layers) + 1
        self.names = names[:depth]
        self.convs = nn.ModuleList(_convolution(weights, name) for name in self.names)
        reached = [
            layer for layer in weights.projections if layer.replace("relu", "conv", 1) in self.names
        ]
        self.widened = nn.ModuleDict({layer: _projection(weights, layer) for layer in reached})
        self.register_buffer("mean", torch.tensor(weights.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(weights.std).view(1, 3, 1, 1), persistent=False)
        self.encoder_name = weights.name
        self.requires_grad_(False)
        self.eval()

    @property
    def projections(self) -> dict[str, Projection]:
        """The projections, for a loss that wants their Grams without the projected features."""
        found = {}
        for layer, projection in self.widened.items():
            weight, bias = (projection.get_parameter(name) for name in ("weight", "bias"))
            found[layer] = Projection(source=layer + RAW, weight=weight, bias=bias)
        return found

    def train(self, mode: bool = True) -> "VGGEncoder":
        """Stay in eval mode: the encoder is a ruler, never a pupil."""
        return super().train(False)

    def forward(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """(B, 3, H, W) in [0,1] -> {layer: (B, C, h, w)} for each of `layers`.

        Raises:
            InputError: a layer lies deeper than those the encoder was built for, or does not exist.
        """
        depth = max(_position(layer, self.names, self.encoder_name) for layer in layers) + 1
        wanted = {layer.removesuffix(RAW) for layer in layers}
        raw: dict[str, Tensor] = {}
        x = (images - self.get_buffer("mean")) / self.get_buffer("std")
        for index, (name, conv) in enumerate(zip(self.names[:depth], self.convs, strict=False)):
            if index and name.endswith("_1"):
                x = F.max_pool2d(x, 2)
            x = conv(x)
            if name in wanted:
                raw[name] = x
                x = F.relu(x)
            else:
                x = F.relu_(x)  # nobody else looks at it: save the copy
            relu = name.replace("conv", "relu")
            if relu in wanted:
                raw[relu] = x
        projected = {
            layer: self.widened[layer](raw[layer]) for layer in layers if layer in self.widened
        }
        return {layer: projected.get(layer, raw[layer.removesuffix(RAW)]) for layer in layers}


def _position(layer: str, names: Sequence[str], encoder: str) -> int:
    """Index of the convolution that a layer needs, as a clear error where there is none."""
    plain = layer.removesuffix(RAW)
    conv = plain.replace("relu", "conv", 1)
    if not plain.startswith(("relu", "conv")) or conv not in names:
        has = ", ".join(name.replace("conv", "relu") for name in names)
        raise InputError(
            f"encoder {encoder} has no layer {layer!r}: choose from {has}, or conv in place of relu"
        )
    return names.index(conv)


def _convolution(weights: EncoderWeights, name: str) -> nn.Conv2d:
    index = weights.convolutions[name]
    return _frozen_conv(weights, f"features.{index}", padding_mode=weights.padding_mode)


def _projection(weights: EncoderWeights, layer: str) -> nn.Conv2d:
    return _frozen_conv(weights, f"lift.{layer}", padding_mode="zeros")


def _frozen_conv(weights: EncoderWeights, key: str, *, padding_mode: Padding) -> nn.Conv2d:
    kernel = weights.parameters[f"{key}.weight"]
    out_channels, in_channels, size, _ = kernel.shape
    if padding_mode == "reflect":
        conv: nn.Conv2d = ReflectConv2d(in_channels, out_channels, size)
    else:
        padding = size // 2
        conv = nn.Conv2d(
            in_channels, out_channels, size, padding=padding, padding_mode=padding_mode
        )
    conv.load_state_dict({"weight": kernel, "bias": weights.parameters[f"{key}.bias"]})
    return conv
