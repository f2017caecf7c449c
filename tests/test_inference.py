"""What is exported is the same function, differently arranged; bytes in and out by choice."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from impasto.export import export_onnx, parameters_from_onnx
from impasto.inference import InferenceNet, PhasedConv, undo_phases
from impasto.layers import ReflectConv2d, reflect_pad
from impasto.net import TransformNet
from impasto.runtime import Stylizer


def trained(*, width: int = 4, learns_with_margin: bool = False) -> TransformNet:
    torch.manual_seed(0)
    net = TransformNet(width=width, residual_blocks=1, learns_with_margin=learns_with_margin)
    for parameter in net.parameters():
        nn.init.normal_(parameter, mean=0.1, std=0.3)
    return net.eval()


@pytest.fixture(scope="module")
def taking_bytes(tmp_path_factory: pytest.TempPathFactory) -> tuple[TransformNet, Path]:
    net, path = trained(), tmp_path_factory.mktemp("bytes") / "bytes.onnx"
    difference = export_onnx(net, path, metadata={"name": "b", "steps": "7"}, uint8=True)
    assert 0 < difference <= 0.501 / 255
    return net, path


@pytest.mark.parametrize("learns_with_margin", [False, True])
@pytest.mark.parametrize("size", [(16, 16), (33, 50)])
def test_it_is_the_same_function(size: tuple[int, int], learns_with_margin: bool) -> None:
    net = trained(learns_with_margin=learns_with_margin).double()
    images = torch.rand(2, 3, *size, dtype=torch.float64)
    ours = InferenceNet(net).double()
    with torch.no_grad():
        torch.testing.assert_close(ours(images), net(images), rtol=0, atol=1e-12)
    assert net.down[0].norm.eps == 1e-5  # the copy's alone is scaled


@pytest.mark.parametrize("kernel", [3, 9])
def test_four_pixels_at_once_are_the_same_pixels(kernel: int) -> None:
    conv = ReflectConv2d(5, 3, kernel, dtype=torch.float64)
    phased = PhasedConv(conv).double()
    x = torch.rand(2, 5, 12, 18, dtype=torch.float64)
    padded = reflect_pad(x, kernel // 2)
    torch.testing.assert_close(phased(padded), conv(x), rtol=0, atol=1e-12)
    weight, bias = undo_phases(phased.conv.weight, phased.conv.bias)
    assert torch.equal(weight, conv.weight)
    assert torch.equal(bias, conv.bias)
    assert undo_phases(weight, bias)[0] is weight


def test_bytes_in_bytes_out(taking_bytes: tuple[TransformNet, Path]) -> None:
    net, path = taking_bytes
    stylizer = Stylizer(path)
    assert stylizer.metadata == {"name": "b", "steps": "7", "pixels": "uint8"}
    content = np.random.default_rng(0).integers(0, 256, (2, 3, 21, 34), np.uint8)
    (got,) = stylizer.session.run(["stylized"], {"content": content})
    assert got.dtype == np.uint8
    with torch.no_grad():
        expected = net(torch.from_numpy(content).float() / 255).numpy() * 255
    assert np.abs(got - expected).max() <= 0.501


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_the_runtime_hides_the_bytes(taking_bytes: tuple[TransformNet, Path], backend: str) -> None:
    net, path = taking_bytes
    stylizer = Stylizer(path, backend=backend, precision="32")  # type: ignore[arg-type]
    image = np.random.default_rng(1).integers(0, 256, (40, 27, 3)).astype(np.float32) / 255
    with torch.no_grad():
        expected = net(torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))
    made = stylizer(image)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected[0].permute(1, 2, 0).numpy(), rtol=0, atol=0.51 / 255)


def test_its_parameters_are_those_of_the_network(
    taking_bytes: tuple[TransformNet, Path],
) -> None:
    net, path = taking_bytes
    parameters = parameters_from_onnx(path)
    assert set(parameters) == set(net.state_dict())
    for name, value in net.state_dict().items():
        assert torch.equal(parameters[name], value)
