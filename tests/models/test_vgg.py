"""The encoder: torchvision's features at every layer, and nothing run or kept in vain."""

from dataclasses import replace
from functools import partial

import noise
import pytest
import torch
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from impasto.errors import InputError
from impasto.models.vgg import EncoderWeights, VGGEncoder

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
TINY_RELUS = ["relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"]
close = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-6)

rand = partial(noise.rand, dtype=torch.float32)


def torchvision_layers(features: nn.Sequential, images: Tensor) -> dict[str, Tensor]:
    """Every intermediate output, named by counting torchvision's own pools."""
    layers, block, depth, x = {}, 1, 0, (images - MEAN) / STD
    for layer in features:
        x = layer(x.clone())  # its ReLUs work in place
        if isinstance(layer, nn.MaxPool2d):
            block, depth = block + 1, 0
        elif isinstance(layer, nn.Conv2d):
            depth += 1
            layers[f"conv{block}_{depth}"] = x
        else:
            layers[f"relu{block}_{depth}"] = x
    return layers


def with_projection(weights: EncoderWeights, layer: str, channels: int) -> EncoderWeights:
    projection = {
        f"lift.{layer}.weight": rand(9, channels, 1, 1) - 0.5,
        f"lift.{layer}.bias": rand(9, seed=1) - 0.5,
    }
    return replace(weights, parameters={**weights.parameters, **projection})


@pytest.mark.parametrize(("config", "convolutions"), [("D", 13), ("E", 16)], ids=["16", "19"])
@torch.no_grad()
def test_every_layer_is_torchvisions(config: str, convolutions: int) -> None:
    features = make_layers(cfgs[config]).eval()
    state = {f"features.{key}": value for key, value in features.state_dict().items()}
    weights = EncoderWeights(name="vgg", parameters=state)
    images = rand(2, 3, 32, 40)
    expected = torchvision_layers(features, images)
    assert len(expected) == 2 * convolutions
    got = VGGEncoder(weights=weights, layers=["conv5_1", "relu5_3"])(images, ["relu5_3"])
    close(got, {"relu5_3": expected["relu5_3"]})
    got = VGGEncoder(weights=weights, layers=list(expected))(images, list(expected))
    assert list(got) == list(expected)
    for layer, value in expected.items():
        assert value.std() > 0, layer  # the comparison would be empty
        close(got[layer] / value.std(), value / value.std())


@pytest.mark.parametrize("config", ["A", "B", "D", "E"])
def test_names_follow_torchvisions_layout(config: str) -> None:
    shapes = {}
    names: dict[str, int] = {}
    block = depth = 1
    for index, layer in enumerate(make_layers(cfgs[config])):
        if isinstance(layer, nn.Conv2d):
            shapes[f"features.{index}.weight"] = torch.empty(1)
            names[f"conv{block}_{depth}"] = index
            depth += 1
        elif isinstance(layer, nn.MaxPool2d):
            block, depth = block + 1, 1
    classifier = {"classifier.0.weight": torch.empty(1)}
    weights = EncoderWeights(name="vgg", parameters={**classifier, **shapes})
    assert weights.convolutions == names


def test_nothing_below_the_deepest_layer_is_kept_or_run(tiny: EncoderWeights) -> None:
    encoder = VGGEncoder(weights=tiny, layers=["relu1_1", "relu2_1"])
    assert encoder.names == ["conv1_1", "conv1_2", "conv2_1"]
    parameters = sum(p.numel() for p in encoder.parameters())
    assert parameters == 4 * 28 + 5 * (4 * 9 + 1) + 6 * (5 * 9 + 1)
    ran: list[nn.Module] = []
    for conv in encoder.convs:
        conv.register_forward_hook(lambda module, *_: ran.append(module))
    encoder(rand(1, 3, 8, 8), ["relu1_1", "conv1_2"])
    assert ran == list(encoder.convs)[:2]
    ran.clear()
    encoder(rand(1, 3, 8, 8), ["conv2_1", "relu1_1"])
    assert ran == list(encoder.convs)


@pytest.mark.parametrize("built_for", ["relu2_1", "relu2_1:raw", "relu3_1"])
def test_lifted_and_raw_features_of_one_pass(tiny: EncoderWeights, built_for: str) -> None:
    projected = with_projection(tiny, "relu2_1", 6)
    assert projected.projections == ["relu2_1"]
    images, layers = rand(2, 3, 12, 10), ["relu2_1", "relu2_1:raw", "relu1_1", "conv1_1:raw"]
    got = VGGEncoder(weights=projected, layers=[built_for])(images, layers)
    plain = VGGEncoder(weights=tiny, layers=["relu2_1"])(images, ["relu2_1", "relu1_1", "conv1_1"])
    assert list(got) == layers
    assert torch.equal(got["relu2_1:raw"], plain["relu2_1"])
    assert torch.equal(got["relu1_1"], plain["relu1_1"])
    assert torch.equal(got["conv1_1:raw"], plain["conv1_1"])
    kernel, bias = (projected.parameters[f"lift.relu2_1.{key}"] for key in ("weight", "bias"))
    mixed = torch.einsum("oc,bchw->bohw", kernel[:, :, 0, 0], plain["relu2_1"])
    close(got["relu2_1"], mixed + bias.view(1, 9, 1, 1))
    assert got["relu2_1"].min() < 0  # no activation


def test_a_conv_layer_is_not_overwritten_by_its_relu(tiny: EncoderWeights) -> None:
    layers = ["conv1_1", "relu1_1", "conv2_1", "relu2_1"]
    got = VGGEncoder(weights=tiny, layers=layers)(rand(1, 3, 12, 10), layers)
    for conv, relu in (layers[:2], layers[2:]):
        assert got[conv].min() < 0
        assert torch.equal(got[relu], got[conv].clamp(min=0))


def test_frozen_and_always_in_eval_mode(tiny: EncoderWeights) -> None:
    encoder = VGGEncoder(weights=tiny, layers=["relu3_1"])
    parent = nn.Sequential(encoder).train()
    assert parent.training
    assert not any(module.training for module in encoder.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert not encoder(rand(1, 3, 8, 8), ["relu3_1"])["relu3_1"].requires_grad


def test_gradients_reach_the_pixels_and_are_right(tiny: EncoderWeights) -> None:
    encoder = VGGEncoder(weights=with_projection(tiny, "relu2_1", 6), layers=["relu3_1"]).double()
    images = rand(1, 3, 8, 8, dtype=torch.float64).requires_grad_()

    def features(images: Tensor) -> tuple[Tensor, ...]:
        layers = ["conv1_2", "relu1_1", "relu2_1", "relu2_1:raw", "relu3_1"]
        return tuple(encoder(images, layers).values())

    (gradient,) = torch.autograd.grad(features(images)[-1].sum(), images)
    assert gradient.ne(0).all()
    assert torch.autograd.gradcheck(features, images)


def test_the_callers_batch_is_left_alone(tiny: EncoderWeights) -> None:
    images = rand(2, 3, 8, 8)
    VGGEncoder(weights=tiny, layers=["relu1_1"])(images, ["conv1_1", "relu1_1"])
    assert torch.equal(images, rand(2, 3, 8, 8))


def test_normalises_inside(tiny: EncoderWeights) -> None:
    plain = VGGEncoder(
        weights=replace(tiny, mean=(0.0,) * 3, std=(1.0,) * 3), layers=["conv1_1", "relu3_1"]
    )
    images, layers = rand(2, 3, 8, 8), ["conv1_1", "relu3_1"]
    encoder = VGGEncoder(weights=tiny, layers=layers)
    close(encoder(images, layers), plain((images - MEAN) / STD, layers))
    mean = MEAN.expand(1, 3, 8, 8)
    assert torch.equal(encoder(mean, layers)["conv1_1"], torch.zeros(1, 4, 8, 8))  # biases are 0
    assert torch.equal(plain(0 * mean, layers)["relu3_1"], encoder(mean, layers)["relu3_1"])


@pytest.mark.parametrize("layer", ["relu9_1", "relu3_2", "pool1", "relu1", "features.0", "", "1_1"])
def test_an_unknown_layer_is_refused_with_those_there_are(tiny: EncoderWeights, layer: str) -> None:
    with pytest.raises(InputError) as error:
        VGGEncoder(weights=tiny, layers=["relu1_1", layer])
    assert str(error.value).startswith(f"encoder tiny has no layer {layer!r}: ")
    assert ", ".join(TINY_RELUS) in str(error.value)


def test_a_layer_deeper_than_built_for_is_refused(tiny: EncoderWeights) -> None:
    encoder = VGGEncoder(weights=tiny, layers=["relu2_1"])
    with pytest.raises(InputError, match=r"no layer 'conv2_2': choose from .*relu2_1, or conv"):
        encoder(rand(1, 3, 8, 8), ["conv2_2"])
