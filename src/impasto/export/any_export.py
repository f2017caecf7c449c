"""A stub until the real one is merged."""

from collections.abc import Mapping
from pathlib import Path

from onnx import TensorProto, helper

from impasto.files import write_atomically
from impasto.models.any_style import AnyStyleNet


def export_any(model: AnyStyleNet, path: Path, *, metadata: Mapping[str, str]) -> float:
    """Write two empty graphs with metadata."""
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in ("x", "y")]
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "stub", ends[:1], ends[1:])
    stub = helper.make_model(graph)
    helper.set_model_props(stub, dict(metadata))
    for place in (path, path.with_suffix(".predictor.onnx")):
        write_atomically(place, lambda temporary: temporary.write_bytes(stub.SerializeToString()))
    return 0.0
