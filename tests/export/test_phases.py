"""Convolutions of phases give the numbers of those of pixels, and files keep the plain weights."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import Exported
from noise import randn

from impasto.export.inference_net import InferenceNet
from impasto.export.onnx_export import parameters_from_onnx
from impasto.export.phases import phase_kernel, phase_taps
from impasto.models.transform_net import MARGIN, TransformNet, stylize


def test_phase_taps_of_a_doubled_image_meet_the_same_pixel_twice() -> None:
    first, second = phase_taps(3, doubled=True)[:, :, 0].unbind(1)
    assert first.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert second.tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7, 9])
def test_phase_taps_use_every_tap_once_a_phase(kernel_size: int) -> None:
    for doubled in (True, False):
        taps = phase_taps(kernel_size, doubled=doubled)
        assert torch.equal(taps.sum((2, 3)), torch.ones(kernel_size, 2))


def test_phase_kernel_of_a_doubled_image_is_upsampling_reflection_and_convolution() -> None:
    x, weight = randn(2, 3, 7, 5), randn(4, 3, 3, 3, seed=1)
    doubled = F.interpolate(x, scale_factor=2, mode="nearest")
    expected = F.conv2d(F.pad(doubled, [1] * 4, mode="reflect"), weight)
    kernel = phase_kernel(weight.float(), doubled=True).double()
    found = F.conv2d(F.pad(x, [1] * 4, mode="replicate"), kernel)
    torch.testing.assert_close(F.pixel_shuffle(found, 2), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kernel_size", [3, 5, 9])
def test_phase_kernel_is_the_convolution_of_pixels(kernel_size: int) -> None:
    x, weight = randn(1, 2, 12, 16), randn(3, 2, kernel_size, kernel_size, seed=1)
    expected = F.conv2d(x, weight, padding=kernel_size // 2)
    kernel = phase_kernel(weight.float(), doubled=False).double()
    found = F.conv2d(F.pixel_unshuffle(x, 2), kernel, padding=kernel.shape[-1] // 2)
    torch.testing.assert_close(F.pixel_shuffle(found, 2), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("design", ["light", "johnson"])
def test_inference_net_paints_what_the_network_paints_up_to_the_last_pixel(design: str) -> None:
    torch.manual_seed(0)
    net = TransformNet(width=4, design=design, residual_blocks=1).eval()  # type: ignore[arg-type]
    assert net.up[2].conv.kernel_size[0] // 2 + 3 < MARGIN  # zeros around, and a side's surplus
    images = torch.rand(2, 3, 21, 34)
    with torch.no_grad():
        torch.testing.assert_close(InferenceNet(net)(images), stylize(net, images))


def test_exported_file_holds_plain_weights(exported: Exported) -> None:
    found = parameters_from_onnx(exported.path)
    for name, parameter in exported.net.state_dict().items():
        np.testing.assert_allclose(found[name], parameter, rtol=1e-6, atol=1e-6)
    graph = exported.graph().graph
    sizes = [tuple(item.dims) for item in graph.initializer if "up.2.conv.weight" in item.name]
    assert sizes == [(3, 8, 5, 5)]
    assert "Resize" not in {node.op_type for node in graph.node}
