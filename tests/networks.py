"""Networks that look trained, and one that is exported: their parameters are all different."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from impasto.models.transform_net import TransformNet


def trained(*, width: int = 4, **config: Any) -> TransformNet:
    torch.manual_seed(0)
    net = TransformNet(width=width, **({"residual_blocks": 1} | config))
    for parameter in net.parameters():
        nn.init.normal_(parameter, mean=0.1, std=0.3)
    return net.eval()


@dataclass(frozen=True)
class Exported:
    """A network, its file, and what `export_onnx` said of their difference."""

    net: TransformNet
    path: Path
    difference: float

    def graph(self) -> onnx.ModelProto:
        """A copy that a test may change: to export takes seconds, to read milliseconds."""
        return onnx.load(self.path)
