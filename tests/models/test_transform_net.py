"""The network: same size out for every size in, within [0,1], as many parameters as the paper's."""

from functools import partial

import pytest
import torch
from noise import rand

from impasto.models.transform_net import (
    MARGIN,
    MIN_SIDE,
    ConvBlock,
    ResidualBlock,
    TransformNet,
    Upsampling,
    stylize,
)

FOR_BOTH_UPSAMPLINGS = pytest.mark.parametrize("upsampling", ["bilinear", "nearest"])
close = partial(torch.testing.assert_close, rtol=1e-9, atol=1e-11)


def small(upsampling: Upsampling = "bilinear", width: int = 4) -> TransformNet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return TransformNet(width=width, residual_blocks=1, upsampling=upsampling).double()


def delta_block(upsampling: Upsampling) -> ConvBlock:
    """Upsampling and a convolution that passes its input through."""
    block = ConvBlock(
        in_channels=1, out_channels=1, kernel_size=3, upsampling=upsampling, norm=False, relu=False
    ).double()
    block.conv.weight.data.zero_()[..., 1, 1] = 1
    assert block.conv.bias is not None
    block.conv.bias.data.zero_()
    return block


@torch.no_grad()
def test_every_size_comes_back_as_it_went_in() -> None:
    net = small(width=1).float().eval()
    for smallest in (MIN_SIDE, 64):
        for height in range(smallest, smallest + 4):  # every remainder of 4
            for width in range(smallest, smallest + 4):
                images = torch.zeros(1, 3, height, width)
                assert net(images).shape == images.shape


@FOR_BOTH_UPSAMPLINGS
@pytest.mark.parametrize(("height", "width"), [(16, 20), (17, 18), (19, 16), (16, 19)])
@torch.no_grad()
def test_sides_are_reflected_up_to_a_multiple_of_four(
    upsampling: Upsampling, height: int, width: int
) -> None:
    net, images = small(upsampling), rand(2, 3, height, width)
    rows = [*range(height), *range(height - 2, 0, -1)][: (height + 3) // 4 * 4]
    columns = [*range(width), *range(width - 2, 0, -1)][: (width + 3) // 4 * 4]
    by_hand = torch.sigmoid(net.up(net.residual(net.down(images[:, :, rows][..., columns]))))
    assert torch.equal(net(images), by_hand[..., :height, :width])


@torch.no_grad()
def test_stylize_adds_a_margin_and_cuts_it_off_again() -> None:
    net, images = small(), rand(2, 3, 16, 29)
    wider = torch.nn.functional.pad(images, [MARGIN] * 4, mode="reflect")
    expected = net(wider)[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert torch.equal(stylize(net, images), expected)
    assert (net(images) - expected).abs().max() > 1e-3


@torch.no_grad()
def test_results_stay_within_zero_and_one_whatever_the_weights() -> None:
    net = small()
    images = rand(2, 3, 32, 24)
    result = net(images)
    assert 0 < result.min() < result.max() < 1
    last = net.up[-1].conv
    last.weight.mul_(1e4)
    saturated = net(images)
    assert saturated.min() == 0  # in both directions, and not beyond
    assert saturated.max() == 1
    last.weight.zero_()
    last.bias.copy_(torch.tensor([-2.0, 0.0, 3.0]))
    expected = torch.sigmoid(torch.tensor([-2.0, 0.0, 3.0]).double()).view(1, 3, 1, 1)
    close(net(images), expected.expand(2, 3, 32, 24))


def test_as_many_parameters_as_the_table_of_the_paper() -> None:
    norms = 2 * (32 + 64 + 128) + 5 * 2 * 2 * 128 + 2 * (64 + 32)  # a scale and a shift each
    down = 9 * 9 * 3 * 32 + 3 * 3 * 32 * 64 + 3 * 3 * 64 * 128
    residual = 5 * 2 * 3 * 3 * 128 * 128
    up = 3 * 3 * 128 * 64 + 3 * 3 * 64 * 32 + 9 * 9 * 32 * 3 + 3  # a bias where there is no norm
    assert down + residual + up + norms == 1_677_635
    for upsampling in ("bilinear", "nearest"):
        net = TransformNet(width=32, design="johnson", upsampling=upsampling)
        assert sum(parameter.numel() for parameter in net.parameters()) == 1_677_635


def test_light_design_has_the_parameters_of_its_table() -> None:
    norms = 2 * (16 + 32 + 48) + 5 * 2 * 2 * 48 + 2 * (16 + 8)
    down = 9 * 9 * 3 * 16 + 3 * 3 * 16 * 32 + 3 * 3 * 32 * 48
    residual = 5 * 2 * 3 * 3 * 48 * 48
    up = 3 * 3 * 48 * 16 + 3 * 3 * 16 * 8 + 5 * 5 * 8 * 3 + 3
    assert down + residual + up + norms == 239_547
    net = TransformNet(**TransformNet().config)
    assert sum(parameter.numel() for parameter in net.parameters()) == 239_547


@FOR_BOTH_UPSAMPLINGS
def test_images_of_a_batch_do_not_mix_and_are_left_alone(upsampling: Upsampling) -> None:
    net, images = small(upsampling), rand(3, 3, 18, 21)
    with torch.no_grad():
        together = net(images)
        alone = torch.cat([net(image[None]) for image in images])
    close(together, alone)
    assert (alone[0] - alone[1]).abs().max() > 1e-3
    assert torch.equal(images, rand(3, 3, 18, 21))


def test_gradients_reach_every_pixel_and_every_parameter_that_matters() -> None:
    """A shift after a residual block is the one thing that the next instance norm takes away."""
    net, images = small(), rand(2, 3, 18, 21).requires_grad_()
    (net(images) - rand(2, 3, 18, 21, seed=1)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        largest = parameter.grad.abs().max()
        assert largest < 1e-12 if name == "residual.0.second.norm.bias" else largest > 1e-6, name
    assert images.grad is not None
    assert images.grad.ne(0).all()


@FOR_BOTH_UPSAMPLINGS
@torch.no_grad()
def test_a_constant_picture_comes_out_constant(upsampling: Upsampling) -> None:
    """Reflection brings in no edge, and instance normalization removes any color."""
    net = small(upsampling)
    bias = net.up[-1].conv.bias
    for color in (0.0, 0.3, 1.0):
        result = net(torch.full((1, 3, 19, 22), color).double())
        close(result, torch.sigmoid(bias).view(1, 3, 1, 1).expand(1, 3, 19, 22))


@torch.no_grad()
def test_nearest_repeats_pixels_and_bilinear_blends_them() -> None:
    x = rand(1, 1, 5, 4)
    repeated = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    close(delta_block("nearest")(x), repeated)
    blended = delta_block("bilinear")(x)
    assert blended.shape == (1, 1, 10, 8)
    # pixel centres are a quarter off: 3/4 of the nearest and 1/4 of the next, both ways
    corner = 9 * x[0, 0, 1, 1] + 3 * x[0, 0, 1, 2] + 3 * x[0, 0, 2, 1] + x[0, 0, 2, 2]
    close(blended[0, 0, 3, 3], corner / 16)
    weights = small("bilinear").state_dict()
    nearest = small("nearest")
    nearest.load_state_dict(weights)  # the same parameters fit both
    images = rand(1, 3, 16, 16)
    assert (nearest(images) - small("bilinear")(images)).abs().max() > 1e-3


@torch.no_grad()
def test_residual_block_adds_to_its_input_and_stops_there() -> None:
    block, x = ResidualBlock(channels=3).double(), rand(1, 3, 6, 6) - 0.5
    assert block.second.norm is not None
    added = block(x) - x
    close(added.mean(dim=(2, 3)), torch.zeros(1, 3).double())  # normalized, no ReLU since
    close(added.var(dim=(2, 3), correction=0), torch.ones(1, 3).double(), rtol=1e-2)
    block.second.norm.weight.zero_()
    assert torch.equal(block(x), x)


@torch.no_grad()
def test_conv_block_normalizes_then_rectifies() -> None:
    options = {"in_channels": 3, "out_channels": 2, "kernel_size": 3, "stride": 2}
    block, x = ConvBlock(**options).double(), rand(1, 3, 8, 6)
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
    plain = torch.nn.functional.conv2d(padded, block.conv.weight, stride=2)
    assert plain.shape == (1, 2, 4, 3)
    centered = plain - plain.mean(dim=(2, 3), keepdim=True)
    spread = (centered.square().mean(dim=(2, 3), keepdim=True) + 1e-5).sqrt()
    close(block(x), (centered / spread).clamp(min=0))
    assert block.conv.bias is None
