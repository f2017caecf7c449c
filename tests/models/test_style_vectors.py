"""Styles as vectors: where they lie, what a painting's is, and what it does to a network."""

import copy

import pytest
import torch
import torch.nn.functional as F
from any_styles import small_any

from impasto.models.any_style import FAINT, RATE, AnyStyleNet, StyleSlots, at_half, build_any
from impasto.models.fast_net import FastNet

COLORS = 6


@pytest.fixture
def model() -> AnyStyleNet:
    """Small, its parameters all different."""
    return small_any()


def test_a_vector_holds_a_scale_and_a_shift_for_every_channel_of_every_norm() -> None:
    net = FastNet(width=4, residual_blocks=1)
    slots = StyleSlots(net)
    channels = [12, 16, 16, 16, 12, 12, 12, 3]  # down 2, residual 2, up 1 and 2, colors
    assert slots.size == 2 * sum(channels)
    places = sorted((slot.start, slot.stop) for slot in slots.slots.values())
    assert [start for start, _ in places] == [0, *(stop for _, stop in places[:-1])]
    assert slots.slots["down.0.norm.bias"] == slice(12, 24)
    parts = slots.split(torch.arange(2 * slots.size).view(2, -1))
    assert parts["down.1.norm.weight"].tolist()[1][0] == slots.size + 24


def test_a_networks_own_vector_is_its_norms(model: AnyStyleNet) -> None:
    own = model.slots.own(model.net)
    for name, values in model.slots.split(own).items():
        assert torch.equal(values, model.net.get_parameter(name))
    photos = torch.rand(2, 3, 16, 24)
    for vectors in (own, own[None], own.expand(2, -1)):
        torch.testing.assert_close(model(photos, vectors), model.net(photos))


def test_every_image_gets_its_own_style_as_if_it_were_alone(model: AnyStyleNet) -> None:
    photos, vectors = torch.rand(3, 3, 24, 16), torch.randn(3, model.slots.size)
    together = model(photos, vectors)
    for photo, vector, stylized in zip(photos, vectors, together, strict=True):
        alone = copy.deepcopy(model.net)
        with torch.no_grad():
            for name, values in model.slots.split(vector).items():
                alone.get_parameter(name).copy_(values)
        torch.testing.assert_close(stylized, alone(photo[None])[0], atol=1e-4, rtol=0)
    assert torch.equal(model.slots.own(model.net), model.slots.own(copy.deepcopy(model.net)))


def test_one_vector_for_all_gathers_their_gradients(model: AnyStyleNet) -> None:
    photos = torch.rand(2, 3, 16, 16)
    vector = torch.randn(1, model.slots.size, requires_grad=True)
    each = vector.detach().repeat(2, 1).requires_grad_()
    model(photos, vector).square().sum().backward()
    model(photos, each).square().sum().backward()
    assert vector.grad is not None
    assert each.grad is not None
    torch.testing.assert_close(vector.grad, each.grad.sum(0, keepdim=True))


def test_half_size_is_the_mean_of_four_pixels() -> None:
    painting = torch.rand(1, 3, 5, 6)
    expected = painting[..., :4, :].unflatten(2, (2, 2)).unflatten(4, (3, 2)).mean((3, 5))
    torch.testing.assert_close(at_half(painting), expected)


def test_gradients_reach_all_that_learns_and_nothing_else(model: AnyStyleNet) -> None:
    stylized = model(torch.rand(2, 3, 16, 16), model.encode(torch.rand(2, 3, 16, 16)))
    stylized.square().sum().backward()
    learning = {name for name, item in model.named_parameters() if item.requires_grad}
    everything = {name for name, _ in model.named_parameters()}
    assert learning == everything - {"net.colors.weight", "net.colors.bias"}
    assert {name for name, item in model.named_parameters() if item.grad is not None} == learning


def test_a_style_is_what_the_features_of_a_painting_have_for_deviations_and_means(
    model: AnyStyleNet,
) -> None:
    paintings = torch.rand(2, 3, 16, 24)
    state, vectors = model.state_dict(), model.encode(paintings)
    padded = F.pad(F.pixel_unshuffle(paintings, 4), [1] * 4, mode="reflect")
    x = F.conv2d(padded, state["net.down.0.conv.weight"])
    usual, spread = state["mean_down_0_norm"], (state["variance_down_0_norm"] + FAINT).sqrt()
    x = (x - usual.view(-1, 1, 1)) / spread.view(-1, 1, 1)
    weight, bias = state["net.down.0.norm.weight"], state["net.down.0.norm.bias"]
    x = x * weight.view(-1, 1, 1) + bias.view(-1, 1, 1)
    parts = model.slots.split(vectors)
    torch.testing.assert_close(parts["down.0.norm.weight"], x.std((2, 3), correction=0))
    torch.testing.assert_close(parts["down.0.norm.bias"], x.mean((2, 3)))
    assert parts["colors.bias"].shape == (2, 3)
    assert torch.equal(vectors[1:], model.encode(paintings[1:])) or torch.allclose(
        vectors[1:], model.encode(paintings[1:]), atol=1e-5
    )


def test_a_style_has_the_colors_of_the_painting_and_so_have_pictures(model: AnyStyleNet) -> None:
    painting = 0.5 + 0.1 * torch.rand(1, 3, 16, 16) * torch.tensor([1, 0.5, 0.2]).view(3, 1, 1)
    vector = model.encode(painting)
    red, green, blue = painting[0].flatten(1)
    kinds = [(red + green + blue) / 3**0.5, (red - blue) / 2**0.5]
    kinds += [(red - 2 * green + blue) / 6**0.5]
    deviations = [kind.std(correction=0) for kind in kinds]
    expected = torch.stack([*deviations, *(kind.mean() for kind in kinds)])
    torch.testing.assert_close(vector[0, -COLORS:], expected, atol=1e-5, rtol=1e-4)
    stylized = model(torch.rand(1, 3, 24, 32), vector)
    found = model.encode(stylized)[0, -COLORS:]
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


def test_what_is_usual_follows_in_training_only(model: AnyStyleNet) -> None:
    before = {name: value.clone() for name, value in model.named_buffers()}
    paintings = torch.rand(2, 3, 16, 24)
    model.encode(paintings)
    assert all(torch.equal(value, before[name]) for name, value in model.named_buffers())
    model.train()
    model.encode(paintings)
    padded = F.pad(F.pixel_unshuffle(paintings, 4), [1] * 4, mode="reflect")
    x = F.conv2d(padded, model.net.get_parameter("down.0.conv.weight"))
    for kind, seen in (("mean", x.mean((0, 2, 3))), ("variance", x.var((0, 2, 3)))):
        name = f"{kind}_down_0_norm"
        expected = (1 - RATE) * before[name] + RATE * seen
        torch.testing.assert_close(model.get_buffer(name), expected)


def test_settled_features_of_paintings_are_usual() -> None:
    model = build_any(width=2)
    paintings = [torch.rand(8, 3, 16, 16) for _ in range(8)]
    model.eval()
    model.settle(iter(paintings))
    assert not model.training
    assert model.rate == RATE
    vectors = torch.cat([model.encode(batch) for batch in paintings])[:, :-COLORS]
    for name, part in model.slots.split(F.pad(vectors, (0, COLORS))).items():
        if not name.startswith("colors"):
            wanted, margin = (0.75, 0.45) if name.endswith("weight") else (0, 0.3)
            assert part.mean().item() == pytest.approx(wanted, abs=margin), name


def test_a_painting_of_one_color_has_a_style_too(model: AnyStyleNet) -> None:
    vector = model.encode(torch.full((1, 3, 16, 16), 0.25))
    assert vector.isfinite().all()
    assert model(torch.rand(1, 3, 16, 16), vector).isfinite().all()


def test_what_is_built_is_small() -> None:
    model = build_any()
    assert model.slots.size == 1542
    assert sum(item.numel() for item in model.parameters()) == 434_742
    assert model.encode(torch.rand(1, 3, 16, 16)).shape == (1, 1542)  # the least size
