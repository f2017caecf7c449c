"""Half the bytes, nearly the same pixels, and nothing left to do at run time."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from networks import trained

from impasto.export.inference_net import FIRST
from impasto.export.onnx_export import (
    HALF_TOLERANCE,
    ExportError,
    export_onnx,
    parameters_from_onnx,
)
from impasto.models.transform_net import TransformNet

ABOUT = {"name": "h", "steps": "7"}


@pytest.fixture(scope="module")
def net() -> TransformNet:
    return trained(width=16)


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory, net: TransformNet) -> Path:
    path = tmp_path_factory.mktemp("half") / "h.onnx"
    assert 0 < export_onnx(net, path, metadata=ABOUT, half=True) <= HALF_TOLERANCE
    return path


def test_the_file_has_half_the_bytes(halved: Path, net: TransformNet) -> None:
    whole = halved.with_name("whole.onnx")
    export_onnx(net, whole, metadata=ABOUT)
    assert halved.stat().st_size < 0.6 * whole.stat().st_size


def test_the_parameters_are_those_of_the_network_rounded(halved: Path, net: TransformNet) -> None:
    read = parameters_from_onnx(halved)
    for name, parameter in net.state_dict().items():
        assert read[name].dtype == torch.float32
        least = 2**-25 * (255 if name == FIRST else 1)
        torch.testing.assert_close(read[name], parameter, rtol=2**-11, atol=least)


def test_the_casts_are_folded_when_it_is_loaded(halved: Path) -> None:
    graph = onnx.load(halved).graph
    stored = {item.name for item in graph.initializer if item.data_type == 10}
    assert len(stored) == 8  # seven kernels, and what makes phases of the last
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(halved.with_name("optimised.onnx"))
    onnxruntime.InferenceSession(halved, options, providers=["CPUExecutionProvider"])
    optimised = onnx.load(halved.with_name("optimised.onnx")).graph
    assert not [item.name for item in optimised.initializer if item.data_type == 10]
    assert not stored & {name for node in optimised.node for name in node.input}


def test_what_differs_too_much_is_not_written(
    tmp_path: Path, net: TransformNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.export.onnx_export.HALF_TOLERANCE", 1e-7)
    with pytest.raises(ExportError, match="more than 1e-07"):
        export_onnx(net, tmp_path / "h.onnx", metadata=ABOUT, half=True)
    assert not list(tmp_path.iterdir())


def test_small_arrays_stay_as_they_are(halved: Path) -> None:
    for item in onnx.load(halved).graph.initializer:
        if item.name.endswith(".bias"):
            assert onnx.numpy_helper.to_array(item).dtype == np.float32
