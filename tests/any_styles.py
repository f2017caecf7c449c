"""A small network for any painting whose parameters are all different, and its two files."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from impasto.export.any_export import export_any
from impasto.models.any_style import AnyStyleNet
from impasto.models.fast_net import FastNet


def small_any() -> AnyStyleNet:
    torch.manual_seed(0)
    model = AnyStyleNet(net=FastNet(width=2, residual_blocks=1))
    for parameter in model.parameters():
        nn.init.normal_(parameter, mean=0.05, std=0.2)
    for name, buffer in model.named_buffers():
        if name.startswith(("mean", "variance")):
            nn.init.uniform_(buffer, 0.1, 0.3)
    return model.eval()


@dataclass(frozen=True)
class ExportedAny:
    """A model, its file, and what `export_any` said of their difference."""

    model: AnyStyleNet
    path: Path
    difference: float


def exported_any(folder: Path) -> ExportedAny:
    model, path = small_any(), folder / "any" / "any.onnx"
    path.parent.mkdir()
    difference = export_any(model, path, metadata={"name": "any", "steps": "3"})
    return ExportedAny(model, path, difference)
