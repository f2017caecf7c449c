"""A network of any style becomes two ONNX files: one that draws, one that looks at paintings.

The first is a style like every other, with one more input that may be left out: `style`, the vector
to draw with. The second makes such vectors of paintings.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from impasto.export.float16 import halve
from impasto.export.onnx_export import (
    TOLERANCE,
    ExportError,
    copy_of,
    graph_of,
    parameters_from_onnx,
    read_arrays,
    save_checked,
    trace,
)
from impasto.files import write_atomically
from impasto.inference.any_style import PAINTING, STYLE, Predictor, predictor_of
from impasto.models.any_style import COLORS, AnyStyleNet, StylePredictor, StyleSlots

TRACED_PAINTING = (1, 3, 64, 72)
PARITY_PAINTINGS = ((96, 96), (64, 101))  # height, width
VECTOR_TOLERANCE = 0.02  # of scales and shifts about 1, by a predictor stored in 16 bits


def export_any(model: AnyStyleNet, path: Path, *, metadata: Mapping[str, str]) -> float:
    """Write `path`, which draws, and `predictor_of(path)`, which looks at paintings.

    `path` is a file as `export_onnx` writes it, whose style is `model.average`, plus the optional
    input `style`, (P,). The other maps `painting`, (1, 3, H, W) float32 RGB in [0,1], to `style`.
    Both are compared with the model first; neither is there half made.

    Args:
        model: any device; left as it was.
        path: its folder exists.
        metadata: of both; `name` and `steps` must be among it.

    Returns:
        The largest difference of pixels seen, in units of [0,1].

    Raises:
        ExportError: a check or a comparison failed; what was there before is intact.
        OSError: the folder cannot be written.
    """
    look = predictor_graph(model.predictor)
    onnx.helper.set_model_props(look, dict(metadata))
    draw = styled_graph(model)
    onnx.helper.set_model_props(draw, dict(metadata))
    net = copy_of(model.net)
    slots = StyleSlots(net)
    net.load_state_dict(slots.split(model.average().cpu()), strict=False)
    write_atomically(predictor_of(path), lambda place: _write_checked(look, place, model.predictor))
    return save_checked(draw, path, net, tolerance=TOLERANCE)


def styled_graph(model: AnyStyleNet) -> onnx.ModelProto:
    """The graph of the network, its norms' parameters cut out of the input `style`."""
    net = copy_of(model.net)
    slots = StyleSlots(net)
    distinct = torch.linspace(0.5, 1.5, slots.size)  # equal parameters would be stored once
    net.load_state_dict(slots.split(distinct), strict=False)
    graph_model = trace(net)
    graph = graph_model.graph
    given = {f"net.{name}": slot for name, slot in slots.slots.items()}
    kept = [item for item in graph.initializer if item.name not in given]
    if len(kept) + len(given) != len(graph.initializer):
        raise ExportError("the exported graph has lost some of the norms' parameters")
    del graph.initializer[:]
    graph.initializer.extend(kept)
    vector = model.average().cpu().numpy()
    graph.initializer.append(numpy_helper.from_array(vector, STYLE))
    graph.input.append(helper.make_tensor_value_info(STYLE, TensorProto.FLOAT, [slots.size]))
    sizes = np.array([slot.stop - slot.start for slot in given.values()])
    graph.initializer.append(numpy_helper.from_array(sizes, "sizes"))
    graph.node.insert(0, helper.make_node("Split", [STYLE, "sizes"], list(given), axis=0))
    return graph_model


def parameters_of_any(path: Path) -> dict[str, Tensor]:
    """The inverse of `export_any`: parameters under their names in `AnyStyleNet`.

    Without those of the predictor's encoder, which never change, and of the norms, which are not
    used. What is stored in 16 bits comes with their precision.

    Raises:
        InputError: one of the two files cannot be read, or is no ONNX file.
    """
    draw, look = read_arrays(path), read_arrays(predictor_of(path))
    found = {f"net.{name}": value for name, value in parameters_from_onnx(path).items()}
    found |= {
        name: value
        for name, value in look.items()
        if name.startswith("predictor.") and not name.startswith("predictor.encoder.")
    }
    if STYLE in draw and "predictor.last.bias" in found:
        colors = draw[STYLE] - found["predictor.last.bias"]
        found["predictor.usual_colors"] = colors[-COLORS:]
    found.pop("predictor.opponent", None)  # a constant
    return found


class _Look(nn.Module):
    """The predictor with its input under the name that `graph_of` expects."""

    def __init__(self, predictor: StylePredictor) -> None:
        super().__init__()
        self.predictor = predictor

    def forward(self, images: Tensor) -> Tensor:
        """(1, 3, H, W) in [0,1] -> (1, P)."""
        vectors: Tensor = self.predictor(images)
        return vectors


def predictor_graph(predictor: StylePredictor) -> onnx.ModelProto:
    """The graph of a predictor, its large arrays in 16 bits."""
    device, training = next(predictor.parameters()).device, predictor.training
    look = _Look(predictor).cpu().eval()
    free = {axis: torch.export.Dim(f"side{axis}", min=32, max=1 << 12) for axis in (2, 3)}
    model = graph_of(look, torch.rand(TRACED_PAINTING), sizes=free, ends=(PAINTING, STYLE))
    predictor.to(device).train(training)
    halve(model)
    return model


def _write_checked(model: onnx.ModelProto, path: Path, predictor: StylePredictor) -> None:
    path.write_bytes(model.SerializeToString())
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"the exported graph is not valid ONNX: {error}") from error
    generator, exported = torch.Generator().manual_seed(0), Predictor(path)
    device = next(predictor.parameters()).device
    for height, width in PARITY_PAINTINGS:
        painting = torch.rand((1, 3, height, width), generator=generator)
        with torch.no_grad():
            expected = predictor(painting.to(device))[0].cpu().numpy()
        got = exported.run(painting[0].permute(1, 2, 0).numpy())
        difference = float(np.abs(got - expected).max())
        if not difference <= VECTOR_TOLERANCE:
            raise ExportError(f"ONNX and the predictor differ by {difference:.2g} in a style")
