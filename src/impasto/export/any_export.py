"""A network of any style becomes two ONNX files: one that draws, one that looks at paintings.

The first is a style like every other, with one more input that may be left out: `style`, the vector
to draw with. The second makes such vectors of paintings.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from impasto.errors import InputError
from impasto.export.float16 import halve
from impasto.export.onnx_export import (
    HALF_TOLERANCE,
    ExportError,
    check_graph,
    copy_of,
    graph_of,
    named_parameters,
    read_arrays,
    save_checked,
    trace,
)
from impasto.files import write_atomically
from impasto.inference.any_style import LEAST, MOST, PAINTING, StyleEncoder, encoder_of
from impasto.inference.model_check import STYLE
from impasto.models.any_style import AnyStyleNet, StyleSlots

TRACED_PAINTING = (1, 3, 64, 72)
PARITY_PAINTINGS = ((96, 96), (64, 101))  # height, width
VECTOR_TOLERANCE = 0.02  # of scales and shifts about 1, by parameters of 16 bits


def export_any(model: AnyStyleNet, path: Path, *, metadata: Mapping[str, str]) -> float:
    """Write `path`, which draws, and `encoder_of(path)`, which looks at paintings.

    `path` is a file as `export_onnx` writes it, whose style is `model.average`, plus the optional
    input `style`, (P,). The other maps `painting`, (1, 3, H, W) float32 RGB in [0,1], to `style`,
    (1, P). The parameters of both are stored in float16. Both are compared with the model first;
    neither is there half made.

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
    copy = deepcopy(model).cpu().eval()
    look, draw = encoding_graph(copy), drawing_graph(copy)
    for graph in (look, draw):
        halve(graph)
        onnx.helper.set_model_props(graph, dict(metadata))
    write_atomically(encoder_of(path), lambda place: _write_checked(look, place, copy))
    return save_checked(draw, path, copy.net, tolerance=HALF_TOLERANCE)


def drawing_graph(model: AnyStyleNet) -> onnx.ModelProto:
    """The graph of the network, its norms' parameters cut out of the input `style`."""
    net = copy_of(model.net)
    slots = StyleSlots(net)
    distinct = torch.linspace(0.5, 1.5, slots.size)  # equal parameters would be stored once
    net.load_state_dict(slots.split(distinct), strict=False)
    made = trace(net)
    graph = made.graph
    given = {f"net.{name}": slot for name, slot in slots.slots.items()}
    kept = [item for item in graph.initializer if item.name not in given]
    if len(kept) + len(given) != len(graph.initializer):
        raise ExportError("the exported graph has lost some of the norms' parameters")
    del graph.initializer[:]
    graph.initializer.extend(kept)
    graph.initializer.append(numpy_helper.from_array(model.average().numpy(), STYLE))
    graph.input.append(helper.make_tensor_value_info(STYLE, TensorProto.FLOAT, [slots.size]))
    sizes = np.array([slot.stop - slot.start for slot in given.values()])
    graph.initializer.append(numpy_helper.from_array(sizes, "sizes"))
    graph.node.insert(0, helper.make_node("Split", [STYLE, "sizes"], list(given), axis=0))
    return made


def parameters_of_any(path: Path, slots: StyleSlots) -> dict[str, Tensor]:
    """The parameters of the network in a file of `export_any`, its average style among them.

    Args:
        path: the file that draws.
        slots: of such a network.

    Raises:
        InputError: it cannot be read, or is another file.
    """
    arrays = read_arrays(path)
    if STYLE not in arrays:
        raise InputError(f"{path} has one style: name a network of impasto train-any")
    return named_parameters(arrays) | slots.split(arrays[STYLE])


class _Encode(nn.Module):
    """What `AnyStyleNet.encode` does, as a module of one input that `graph_of` expects."""

    def __init__(self, model: AnyStyleNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """(1, 3, H, W) in [0,1] -> (1, P)."""
        return self.model.encode(images)


def encoding_graph(model: AnyStyleNet) -> onnx.ModelProto:
    """The graph that makes style vectors of paintings; the model is in eval mode."""
    free = {axis: torch.export.Dim(f"side{axis}", min=LEAST, max=3 * MOST) for axis in (2, 3)}
    example = torch.rand(TRACED_PAINTING)
    return graph_of(_Encode(model), example, sizes=free, ends=(PAINTING, STYLE))


def _write_checked(graph: onnx.ModelProto, path: Path, model: AnyStyleNet) -> None:
    path.write_bytes(graph.SerializeToString())
    check_graph(path)
    generator, exported = torch.Generator().manual_seed(0), StyleEncoder(path)
    for height, width in PARITY_PAINTINGS:
        painting = torch.rand((1, 3, height, width), generator=generator)
        with torch.no_grad():
            expected = model.encode(painting)[0].numpy()
        got = exported.run(painting[0].permute(1, 2, 0).numpy())
        difference = float(np.abs(got - expected).max())
        if not difference <= VECTOR_TOLERANCE:
            raise ExportError(f"ONNX and the network differ by {difference:.2g} in a style")
