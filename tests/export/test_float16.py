"""Half the bytes, nearly the same pixels, and nothing left to do at run time."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from networks import Exported

from impasto.export import onnx_export
from impasto.export.float16 import halve
from impasto.export.inference_net import FIRST
from impasto.export.onnx_export import (
    HALF_TOLERANCE,
    ExportError,
    export_onnx,
    parameters_from_onnx,
    save_checked,
)


def halved_graph(exported: Exported) -> onnx.ModelProto:
    model = exported.graph()
    halve(model)
    return model


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory, exported: Exported) -> Path:
    path = tmp_path_factory.mktemp("half") / "h.onnx"
    save_checked(halved_graph(exported), path, exported.net, tolerance=HALF_TOLERANCE)
    return path


def test_halved_file_has_half_the_bytes(halved: Path, exported: Exported) -> None:
    assert halved.stat().st_size < 0.6 * exported.path.stat().st_size


def test_halved_parameters_are_those_of_the_network_rounded(
    halved: Path, exported: Exported
) -> None:
    read = parameters_from_onnx(halved)
    for name, parameter in exported.net.state_dict().items():
        assert read[name].dtype == torch.float32
        least = 2**-25 * (255 if name == FIRST else 1)
        torch.testing.assert_close(read[name], parameter, rtol=2**-11, atol=least)


def test_casts_are_folded_when_the_file_is_loaded(halved: Path) -> None:
    graph = onnx.load(halved).graph
    stored = {item.name for item in graph.initializer if item.data_type == 10}
    assert len(stored) == 8  # seven kernels, and what makes phases of the last
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(halved.with_name("optimized.onnx"))
    onnxruntime.InferenceSession(halved, options, providers=["CPUExecutionProvider"])
    optimized = onnx.load(halved.with_name("optimized.onnx")).graph
    assert not [item.name for item in optimized.initializer if item.data_type == 10]
    assert not stored & {name for node in optimized.node for name in node.input}


def test_halved_graph_that_differs_too_much_is_not_written(
    tmp_path: Path, exported: Exported
) -> None:
    with pytest.raises(ExportError, match="more than 1e-07"):
        save_checked(halved_graph(exported), tmp_path / "h.onnx", exported.net, tolerance=1e-7)
    assert not list(tmp_path.iterdir())


def test_export_halves_where_asked_and_allows_for_the_rounding(
    tmp_path: Path, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "trace", lambda net, uint8: exported.graph())
    path, about = tmp_path / "h.onnx", {"name": "h", "steps": "7"}
    difference = export_onnx(exported.net, path, metadata=about, half=True)
    assert exported.difference < difference <= HALF_TOLERANCE
    assert 10 in {item.data_type for item in onnx.load(path).graph.initializer}


def test_small_arrays_are_not_halved(halved: Path) -> None:
    for item in onnx.load(halved).graph.initializer:
        if item.name.endswith(".bias"):
            assert onnx.numpy_helper.to_array(item).dtype == np.float32
