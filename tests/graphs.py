"""Styles that are one line of arithmetic: a test knows every pixel of what they make."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FREE = ("batch", 3, "height", "width")
Shape = Sequence[int | str]


def save_graph(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    *,
    constants: Mapping[str, object],
    inputs: Sequence[str] = ("content",),
    outputs: Sequence[str] = ("stylized",),
    shape: Shape = FREE,
    kind: int = TensorProto.FLOAT,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write an ONNX file, and the folders above it; with metadata like ours unless told."""
    if metadata is None:
        metadata = {"name": path.stem, "steps": "7"}
    arrays = [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info(name, kind, shape) for name in outputs],
        arrays,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(metadata))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def save_negative(path: Path, *, name: str | None = None) -> Path:
    """1 - content: pointwise, so that tiles must not show at all."""
    node = helper.make_node("Sub", ["one", "content"], ["stylized"])
    about = {"name": name, "steps": "7"} if name else None
    return save_graph(path, [node], constants={"one": np.float32(1)}, metadata=about)


def save_mirror(path: Path) -> Path:
    """Left and right changed, red kept, green halved, blue gone: tells every axis apart."""
    nodes = [
        helper.make_node("Slice", ["content", "first", "last", "axis", "step"], ["mirrored"]),
        helper.make_node("Mul", ["mirrored", "gains"], ["stylized"]),
    ]
    slicing = dict(first=[-1], last=[-(1 << 31)], axis=[3], step=[-1])
    constants: dict[str, object] = {key: np.array(v, np.int64) for key, v in slicing.items()}
    constants["gains"] = np.array([1, 0.5, 0], np.float32).reshape(3, 1, 1)
    return save_graph(path, nodes, constants=constants)


def save_mean(path: Path) -> Path:
    """Every pixel becomes the mean of the picture: what a tile sees shows everywhere in it."""
    nodes = [
        helper.make_node("ReduceMean", ["content"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["content", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "mean"], ["stylized"]),
    ]
    return save_graph(path, nodes, constants={"zero": np.float32(0)})
