"""A small network for any painting whose parameters are all different, and its two files."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from impasto.export.any_export import export_any
from impasto.models.any_style import AnyStyleNet, StylePredictor, StyleSlots
from impasto.models.fast_net import FastNet
from impasto.models.pretrained import random_weights
from impasto.models.vgg import VGGEncoder

LAYERS = {"relu1_2": 4, "relu2_2": 8}


def small_any() -> AnyStyleNet:
    torch.manual_seed(0)
    net = FastNet(width=2, residual_blocks=1)
    weights = random_weights(name="small", blocks=[[4, 4], [8, 8]])
    encoder = VGGEncoder(weights=weights, layers=list(LAYERS))
    size = StyleSlots(net).size
    predictor = StylePredictor(encoder=encoder, layers=LAYERS, size=size, rank=3, hidden=16)
    model = AnyStyleNet(net=net, predictor=predictor)
    for parameter in (*net.parameters(), *predictor.parameters()):
        if parameter.requires_grad:
            nn.init.normal_(parameter, mean=0.05, std=0.2)
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
