"""What is exported is the same function, differently arranged; bytes in and out by choice."""

from pathlib import Path

import numpy as np
import pytest
import torch
from networks import trained

from impasto.export.inference_net import FIRST, InferenceNet
from impasto.export.onnx_export import export_onnx, parameters_from_onnx
from impasto.inference.stylizer import Stylizer
from impasto.models.transform_net import TransformNet, stylize


@pytest.fixture(scope="module")
def taking_bytes(tmp_path_factory: pytest.TempPathFactory) -> tuple[TransformNet, Path]:
    net, path = trained(), tmp_path_factory.mktemp("bytes") / "bytes.onnx"
    difference = export_onnx(net, path, metadata={"name": "b", "steps": "7"}, uint8=True)
    assert 0 < difference <= 0.501 / 255
    return net, path


@pytest.mark.parametrize("size", [(16, 16), (33, 50)])
def test_inference_net_is_the_same_function(size: tuple[int, int]) -> None:
    net = trained().double()
    images = torch.rand(2, 3, *size, dtype=torch.float64)
    ours = InferenceNet(net).double()
    with torch.no_grad():
        torch.testing.assert_close(ours(images), stylize(net, images), rtol=0, atol=1e-7)


def test_byte_graph_takes_and_gives_bytes(taking_bytes: tuple[TransformNet, Path]) -> None:
    net, path = taking_bytes
    stylizer = Stylizer(path)
    assert stylizer.metadata == {"name": "b", "steps": "7", "pixels": "uint8"}
    content = np.random.default_rng(0).integers(0, 256, (2, 3, 21, 34), np.uint8)
    (got,) = stylizer.session.run(["stylized"], {"content": content})
    assert got.dtype == np.uint8
    with torch.no_grad():
        expected = stylize(net, torch.from_numpy(content).float() / 255).numpy() * 255
    assert np.abs(got - expected).max() <= 0.501


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_stylizer_hides_the_bytes(taking_bytes: tuple[TransformNet, Path], backend: str) -> None:
    net, path = taking_bytes
    stylizer = Stylizer(path, backend=backend, precision="32")  # type: ignore[arg-type]
    image = np.random.default_rng(1).integers(0, 256, (40, 27, 3)).astype(np.float32) / 255
    with torch.no_grad():
        expected = stylize(net, torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))
    made = stylizer(image)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected[0].permute(1, 2, 0).numpy(), rtol=0, atol=0.51 / 255)


def test_exported_parameters_of_a_byte_graph_are_those_of_the_network(
    taking_bytes: tuple[TransformNet, Path],
) -> None:
    net, path = taking_bytes
    parameters = parameters_from_onnx(path)
    assert set(parameters) == set(net.state_dict())
    for name, value in net.state_dict().items():
        exact = name != FIRST  # which was divided by 255 and is multiplied again
        torch.testing.assert_close(parameters[name], value, rtol=0 if exact else 1e-6, atol=0)
