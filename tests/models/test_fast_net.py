"""The network of blocks of pixels: sizes, range, and where its numbers come from."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.models.fast_net import FastNet
from impasto.models.transform_net import stylize


@pytest.fixture
def net() -> FastNet:
    """Small, with parameters that are all different."""
    torch.manual_seed(0)
    net = FastNet(width=4, residual_blocks=1)
    for parameter in net.parameters():
        nn.init.normal_(parameter, mean=0.1, std=0.3)
    return net


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (40, 23), (16, 200)])
def test_pictures_have_the_size_of_the_photographs_and_are_in_range(
    net: FastNet, size: tuple[int, int]
) -> None:
    photos = torch.rand(2, 3, *size)
    for stylized in (net(photos).detach(), stylize(net, photos).detach()):
        assert stylized.shape == photos.shape
        assert 0 <= float(stylized.min()) < float(stylized.max()) <= 1


def test_a_side_that_is_no_multiple_of_eight_is_reflected_and_cut_off_again(net: FastNet) -> None:
    photos = torch.rand(1, 3, 21, 26)
    whole = F.pad(photos, (0, 6, 0, 3), mode="reflect")
    assert torch.equal(net(photos), net(whole)[..., :21, :26])


def plain(net: FastNet, x: Tensor) -> Tensor:
    """The same layers in torch's own words, from the state alone."""
    state = net.state_dict()

    def conv(x: Tensor, name: str, stride: int = 1) -> Tensor:
        padded = F.pad(x, [1] * 4, mode="reflect")
        x = F.conv2d(padded, state[f"{name}.conv.weight"], state.get(f"{name}.conv.bias"), stride)
        if f"{name}.norm.weight" not in state:
            return x
        weight, bias = state[f"{name}.norm.weight"], state[f"{name}.norm.bias"]
        return F.instance_norm(x, weight=weight, bias=bias)

    def block(x: Tensor, name: str) -> Tensor:
        return x + conv(F.relu(conv(x, f"{name}.first")), f"{name}.second")

    near = F.relu(conv(F.pixel_unshuffle(x, 4), "down.0"))
    deep = block(F.relu(conv(near, "down.1", 2)), "residual.0")
    wide = deep.repeat_interleave(2, 2).repeat_interleave(2, 3)
    drawn = block(F.relu(conv(wide, "up.0")) + near, "up.1")
    colors = F.pixel_shuffle(conv(drawn, "up.2"), 4)
    colors = F.instance_norm(colors, weight=state["colors.weight"], bias=state["colors.bias"])
    bright, warm, violet = colors.unbind(1)  # orthonormal: red is what it gives to each
    red = bright / 3**0.5 + warm / 2**0.5 + violet / 6**0.5
    green = bright / 3**0.5 - 2 * violet / 6**0.5
    blue = bright / 3**0.5 - warm / 2**0.5 + violet / 6**0.5
    return torch.stack([red, green, blue], 1).clamp(0, 1)


def test_it_computes_what_it_says(net: FastNet) -> None:
    photos = torch.rand(2, 3, 24, 32)
    torch.testing.assert_close(net(photos), plain(net, photos), atol=1e-4, rtol=0)


def test_a_copy_is_made_from_its_config(net: FastNet) -> None:
    copy = FastNet(**net.config)
    copy.load_state_dict(net.state_dict())
    photos = torch.rand(1, 3, 16, 24)
    assert torch.equal(copy(photos), net(photos))


def test_it_is_small() -> None:
    assert sum(item.numel() for item in FastNet().parameters()) == 434_742


def test_what_is_plain_is_drawn_plain_and_the_rest_as_before(net: FastNet) -> None:
    torch.nn.init.normal_(net.get_parameter("up.2.conv.bias"))
    torch.nn.init.normal_(net.get_parameter("up.2.conv.weight"))
    generator = torch.Generator().manual_seed(3)
    plain = torch.rand((1, 12, 1, 1), generator=generator).expand(1, 12, 6, 7)
    checked = torch.ones(1, 12, 6, 7)
    checked[..., ::2] = -1
    before = [net.up[2](features) for features in (plain, checked)]
    net.to(memory_format=torch.channels_last).flatten()
    after = [net.up[2](features) for features in (plain, checked)]
    colors = F.pixel_shuffle(after[0], 4)
    torch.testing.assert_close(colors, colors[..., :1, :1].expand_as(colors), rtol=0, atol=1e-4)
    means = [each.reshape(1, 3, 16, 6, 7).mean(2) for each in (*before, *after)]
    torch.testing.assert_close(means[2:], means[:2])
    assert (after[1].reshape(1, 3, 16, 6, 7).std(2) > 0.1).all()
