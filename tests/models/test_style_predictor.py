"""Styles as vectors: where they lie, what a painting's is, and what it does to a network."""

import copy
import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from impasto.models.any_style import (
    COLORS,
    FAINT,
    AnyStyleNet,
    StylePredictor,
    StyleSlots,
    at_half,
    build_any,
    moments,
)
from impasto.models.fast_net import FastNet
from impasto.models.pretrained import load_weights
from impasto.models.vgg import EncoderWeights, VGGEncoder


class Colors(nn.Module):
    """An encoder whose features are the colors."""

    def forward(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        return dict.fromkeys(layers, images)


@pytest.fixture
def model(tiny: EncoderWeights) -> AnyStyleNet:
    """Small, its predictor no longer new."""
    torch.manual_seed(1)
    net = FastNet(width=4, residual_blocks=1)
    for parameter in net.parameters():
        nn.init.normal_(parameter, mean=0.1, std=0.3)
    layers = {"relu1_2": 5, "relu2_2": 7}
    encoder = VGGEncoder(weights=tiny, layers=list(layers))
    size = StyleSlots(net).size
    predictor = StylePredictor(encoder=encoder, layers=layers, size=size, rank=3, hidden=8)
    nn.init.normal_(predictor.last.weight, std=0.3)
    return AnyStyleNet(net=net, predictor=predictor)


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


def test_gradients_reach_all_that_learns_and_nothing_else(model: AnyStyleNet) -> None:
    stylized = model(torch.rand(2, 3, 16, 16), model.predictor(torch.rand(2, 3, 16, 16)))
    stylized.square().sum().backward()
    learning = {name for name, item in model.named_parameters() if item.requires_grad}
    norms = {f"net.{name}" for name in model.slots.slots}
    everything = {name for name, _ in model.named_parameters()}
    encoder = {name for name in everything if name.startswith("predictor.encoder.")}
    projections = {name for name in everything if name.startswith("predictor.projections.")}
    assert learning == everything - norms - encoder - projections
    reached = {name for name, item in model.named_parameters() if item.grad is not None}
    assert reached == learning
    assert all(model.get_parameter(name).grad.abs().sum() > 0 for name in learning)  # type: ignore[union-attr]


def test_one_vector_for_all_gathers_their_gradients(model: AnyStyleNet) -> None:
    photos = torch.rand(2, 3, 16, 16)
    vector = torch.randn(1, model.slots.size, requires_grad=True)
    each = vector.detach().repeat(2, 1).requires_grad_()
    model(photos, vector).square().sum().backward()
    model(photos, each).square().sum().backward()
    assert vector.grad is not None
    assert each.grad is not None
    torch.testing.assert_close(vector.grad, each.grad.sum(0, keepdim=True))


def test_a_new_predictor_gives_the_networks_own_style_in_the_colors_of_the_painting() -> None:
    net = FastNet(width=4, residual_blocks=1)
    nn.init.normal_(net.get_parameter("up.0.norm.bias"))
    slots = StyleSlots(net)
    predictor = StylePredictor(encoder=Colors(), layers={"rgb": 3}, size=slots.size, rank=2)
    model = AnyStyleNet(net=net, predictor=predictor)
    paintings = torch.rand(2, 3, 16, 16) * torch.rand(2, 3, 1, 1)
    for vector, painting in zip(model.predictor(paintings), paintings, strict=True):
        torch.testing.assert_close(vector[:-COLORS], slots.own(net)[:-COLORS])
        (red, green, blue) = painting.flatten(1)
        kinds = [(red + green + blue) / 3**0.5, (red - blue) / 2**0.5]
        kinds += [(red - 2 * green + blue) / 6**0.5]
        expected = [*(kind.std() for kind in kinds), *(kind.mean() for kind in kinds)]
        torch.testing.assert_close(vector[-COLORS:], torch.stack(expected), atol=1e-5, rtol=1e-4)


def test_pictures_have_the_colors_of_the_vector() -> None:
    torch.manual_seed(0)
    net = FastNet(width=4, residual_blocks=1)
    vector = StyleSlots(net).own(net)
    vector[-COLORS:] = torch.tensor([0.1, 0.05, 0.02, 0.9, 0.1, -0.05])  # far from 0 and 1
    layers = {"rgb": 3}
    predictor = StylePredictor(encoder=Colors(), layers=layers, size=len(vector), rank=2)
    model = AnyStyleNet(net=net, predictor=predictor)
    stylized = model(torch.rand(1, 3, 24, 32), vector)
    found = predictor.colors(stylized)[0]
    torch.testing.assert_close(found, vector[-COLORS:], atol=2e-3, rtol=0)


def test_one_that_has_learned_keeps_what_it_learned(model: AnyStyleNet) -> None:
    before = model.predictor.last.bias.detach().clone()
    again = AnyStyleNet(net=FastNet(width=4, residual_blocks=1), predictor=model.predictor)
    assert torch.equal(again.predictor.last.bias, before + 0)
    assert not torch.equal(before, again.slots.own(again.net))


def test_moments_are_means_and_covariances() -> None:
    features = torch.randn(2, 4, 5, 6, dtype=torch.float64)
    found = moments(features)
    for image, m, v, c in zip(features.flatten(2), *found, strict=True):
        torch.testing.assert_close(m.double(), image.mean(1), atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(v.double(), image.var(1, correction=0), atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(c.double(), torch.cov(image, correction=0), atol=1e-6, rtol=1e-5)


def test_statistics_are_means_log_deviations_and_projected_correlations() -> None:
    predictor = StylePredictor(encoder=Colors(), layers={"rgb": 3}, size=4, rank=2)
    with torch.no_grad():
        predictor.projections[0].copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 2.0]]))
    red = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    green = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    painting = torch.stack([red, green, 1 - red])[None]  # blue is against red
    (found,) = predictor.statistics(painting)
    spread = math.log(0.5)
    # correlations R: rr 1, rg 0, rb -1, gb 0; P R P': [r, r(g+2b); (g+2b)(g+2b)] = 1, -2, 1+4
    expected = [0.5] * 3 + [spread] * 3 + [1.0, -2.0, 5.0]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_correlations_do_not_depend_on_contrast() -> None:
    predictor = StylePredictor(encoder=Colors(), layers={"rgb": 3}, size=4, rank=2)
    painting = torch.rand(1, 3, 16, 16)
    full, half = (predictor.statistics(x)[0] for x in (painting, painting / 2))
    torch.testing.assert_close(full[6:], half[6:])
    torch.testing.assert_close(full[3:6] - half[3:6], torch.full((3,), math.log(2.0)))


def test_a_painting_of_one_color_has_a_style_too(model: AnyStyleNet) -> None:
    flat = torch.full((1, 3, 16, 16), 0.25)
    assert model.predictor(flat).isfinite().all()
    predictor = StylePredictor(encoder=Colors(), layers={"rgb": 3}, size=4, rank=2)
    expected = [0.25] * 3 + [math.log(FAINT) / 2] * 3 + [0.0] * 3
    torch.testing.assert_close(predictor.statistics(flat)[0], torch.tensor(expected))


def test_standardized_statistics_have_no_mean_and_a_deviation_of_one() -> None:
    predictor = StylePredictor(encoder=Colors(), layers={"rgb": 3}, size=4, rank=2)
    paintings = [torch.rand(8, 3, 6, 6) ** torch.rand(8, 3, 1, 1).mul(9) for _ in range(4)]
    predictor.standardize(iter(paintings))
    seen = torch.cat([predictor.statistics(batch) for batch in paintings])
    standard = (seen - predictor.get_buffer("mean")) / predictor.get_buffer("deviation")
    torch.testing.assert_close(standard.mean(0), torch.zeros(9), atol=1e-4, rtol=0)
    torch.testing.assert_close(standard.std(0), torch.ones(9), atol=1e-3, rtol=0)
    colors = torch.cat([predictor.colors(batch) for batch in paintings]).mean(0)
    torch.testing.assert_close(predictor.get_buffer("usual_colors"), colors)
    predictor.standardize([torch.full((4, 3, 6, 6), 0.5)])  # nothing varies
    assert torch.equal(predictor.get_buffer("deviation"), torch.full((9,), 0.05))


def test_the_average_style_is_the_bias_in_the_usual_colors(model: AnyStyleNet) -> None:
    model.predictor.get_buffer("usual_colors").fill_(0.5)
    expected = model.predictor.last.bias.detach().clone()
    expected[-6:] += 0.5
    assert torch.equal(model.average(), expected)


def test_half_size_is_the_mean_of_four_pixels() -> None:
    painting = torch.rand(1, 3, 5, 6)
    expected = painting[..., :4, :].unflatten(2, (2, 2)).unflatten(4, (3, 2)).mean((3, 5))
    torch.testing.assert_close(at_half(painting), expected)


def test_what_is_built_is_small_and_looks_through_the_encoder_of_the_package() -> None:
    model = build_any()
    learning = [item for item in model.predictor.parameters() if item.requires_grad]
    assert sum(item.numel() for item in learning) == 724_486
    assert model.slots.size == model.predictor.last.out_features == 1542
    first = load_weights("lite").parameters["features.0.weight"]
    assert torch.equal(model.predictor.encoder.state_dict()["convs.0.weight"], first)
    assert model.predictor(torch.rand(1, 3, 16, 16)).shape == (1, 1542)  # the least size
