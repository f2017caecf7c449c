"""Files that say what they were trained on, as train.py writes them."""

from pathlib import Path

import numpy as np
from graphs import save_graph
from onnx import helper
from safetensors.torch import save_file

from impasto.cli import train
from impasto.config.settings import TrainSettings
from impasto.models.vgg import EncoderWeights
from impasto.training.build import resolve


def save_encoder(weights: EncoderWeights, path: Path) -> Path:
    """As a file that `--encoder` takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(dict(weights.parameters), path, metadata={"padding_mode": weights.padding_mode})
    return path


def about(encoder: str, *, style: str = "starry.jpg", steps: int = 7) -> dict[str, str]:
    """The metadata of a style trained at 32 px with layers that a tiny encoder has."""
    settings = TrainSettings(
        style=style,
        photos="samples",
        encoder=encoder,
        content_layers=["relu2_1"],
        style_layers=["relu1_1", "relu2_2"],
        style_layer_weights=[0.5, 2.0],
        style_weight=3.0,
        tv_weight=0.5,
        content_match="structure",
        loss_scale="mean",
        image_size=32,
        style_size=40,
        width=4,
    )
    return train.describe(resolve(settings), name="tiny", steps=steps)


def save_style(path: Path, metadata: dict[str, str]) -> Path:
    """A network that darkens: 0.5 * content, without the seconds that a real export takes."""
    node = helper.make_node("Mul", ["content", "half"], ["stylized"])
    return save_graph(path, [node], constants={"half": np.float32(0.5)}, metadata=metadata)
