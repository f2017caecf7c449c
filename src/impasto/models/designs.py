"""The transformation networks there are, by the names of their designs."""

from typing import Literal

from impasto.models.fast_net import FastNet
from impasto.models.transform_net import TransformNet, Upsampling

Design = Literal["fast", "light", "johnson"]
Net = TransformNet | FastNet


def build_net(*, design: Design, width: int = 16, upsampling: Upsampling = "nearest") -> Net:
    """A network with random parameters; `upsampling` is of no concern to `fast`."""
    if design == "fast":
        return FastNet(width=width)
    return TransformNet(width=width, design=design, upsampling=upsampling)
