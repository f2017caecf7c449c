"""presets/gatys/ against the sources: their formulas, written out literally, give our losses."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from impasto.config import presets
from impasto.config.parser import parse
from impasto.config.settings import GatysSettings
from impasto.losses.build import layer_weights
from impasto.losses.perceptual import PerceptualLoss

FOLDER = presets.FOLDER / "gatys"
FIRSTS = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]
WIDTHS = (64, 128, 256, 512, 512)
SIDE = 32  # of the pictures
Pair = tuple[Tensor, Tensor]  # of the picture, of its target


def settings_of(name: str) -> GatysSettings:
    return parse(GatysSettings, ["--config", str(FOLDER / f"{name}.yaml")], description="")


def encoder(images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Features of VGG's shapes, made up, another set for every picture."""
    found = {}
    for layer in layers:
        block = int(layer[4]) - 1
        generator = torch.Generator().manual_seed(int(layer[4] + layer[6]) + int(images.sum()))
        side = SIDE >> block
        shape = (1, WIDTHS[block], side, side)
        found[layer] = torch.rand(shape, generator=generator, dtype=torch.float64)
    return found


def ours(told: GatysSettings) -> float:
    loss = PerceptualLoss(
        encoder=encoder,
        content_layers=layer_weights(told.content_layers, told.content_layer_weights),
        style_layers=layer_weights(told.style_layers, told.style_layer_weights),
        content_weight=told.content_weight,
        style_weight=told.style_weight,
        tv_weight=told.tv_weight,
        loss_scale=told.loss_scale,
    )
    loss.set_style(picture(1))
    return float(loss(picture(0), loss.content_target(picture(2))).total)


def picture(number: int) -> Tensor:
    return torch.full((1, 1, 1, 1), 100.0 * number).double()


def pairs(layers: list[str] | None, target: int) -> list[Pair]:
    """(C, H*W) of the picture and of the photograph (2) or the painting (1)."""
    made, wanted = encoder(picture(0), layers or []), encoder(picture(target), layers or [])
    return [(made[layer][0].flatten(1), wanted[layer][0].flatten(1)) for layer in layers or []]


def mean_of_grams(f: Tensor, a: Tensor, divisor: float) -> Tensor:
    return ((f @ f.T / divisor - a @ a.T / divisor) ** 2).mean()


def test_gatys2016_and_luo_are_equations_1_to_7() -> None:
    for name, beta in (("gatys2016", 1e3), ("luo", 8e4)):
        told = settings_of(name)
        assert (told.content_layers, told.style_layers) == (["conv4_2"], FIRSTS)
        content = sum(0.5 * ((f - p) ** 2).sum() for f, p in pairs(told.content_layers, 2))
        style = sum(
            0.2 * ((f @ f.T - a @ a.T) ** 2).sum() / (4 * f.shape[0] ** 2 * f.shape[1] ** 2)
            for f, a in pairs(FIRSTS, 1)
        )
        assert ours(told) == pytest.approx(float(content + beta * style), rel=1e-9)
        assert (told.optimizer, told.start, told.encoder) == ("lbfgs", "noise", "vgg19")
    assert (settings_of("gatys2016").iterations, settings_of("luo").iterations) == (500, 4000)


@pytest.mark.parametrize("beta", [1e6, 100.0])
def test_five_layers_has_both_betas(beta: float) -> None:
    told = settings_of("five-layers")
    assert told.content_layers == told.style_layers == FIRSTS
    assert (told.iterations, told.print_every, told.loss_scale) == (1500, 50, "mean")
    content = sum(((f - p) ** 2).mean() for f, p in pairs(FIRSTS, 2))
    if beta == 1e6:
        style = sum(mean_of_grams(f, a, f.numel()) for f, a in pairs(FIRSTS, 1))
        expected, given = content + beta * style, told.style_layer_weights
    else:  # yunjey's: the file tells the weights for 512 pixels
        style = sum(mean_of_grams(f, a, 1) / f.numel() for f, a in pairs(FIRSTS, 1))
        text = (FOLDER / "five-layers.yaml").read_text().replace("\n#", " ")
        numbers = text.split("--style-layer-weights")[1].split(".")[0].split()
        given = [float(number) * (SIDE / 512) ** 2 for number in numbers]
        expected = content + beta * style
    weights = GatysSettings(
        content_layers=FIRSTS,
        style_layers=FIRSTS,
        style_layer_weights=given,
        style_weight=beta,
        tv_weight=0,
        loss_scale="mean",
    )
    assert ours(weights) == pytest.approx(float(expected), rel=1e-9)


def test_adam_light_is_tensorflows_formula() -> None:
    told = settings_of("adam-light")
    content = sum(((f - p) ** 2).mean() for f, p in pairs(["conv4_2"], 2))
    style = sum(mean_of_grams(f, a, f.shape[1]) / 5 for f, a in pairs(FIRSTS, 1))
    assert ours(told) == pytest.approx(float(0.1 * content + 0.01 * style), rel=1e-9)
    assert (told.optimizer, told.lr, told.beta1, told.epsilon) == ("adam", 0.01, 0.99, 0.1)
    assert told.iterations == 1000


def test_sgd_last_block_is_keras_formula_for_steps_in_0_to_1() -> None:
    told = settings_of("sgd-last-block")
    assert (told.content_layers, told.encoder) == (["conv5_3"], "vgg16-features")
    content = sum(((f - p) ** 2).sum() for f, p in pairs(told.content_layers, 2))
    style = sum(
        ((f @ f.T - a @ a.T) ** 2).sum() / (4 * 3**2 * (SIDE * SIDE) ** 2) / 5
        for f, a in pairs(FIRSTS, 1)
    )
    theirs = float(2.5e-8 * content + 1e-6 * style)
    # dL/dx is 255 times theirs, and a step has to be 1/255 of theirs
    assert ours(told) * 255**2 == pytest.approx(theirs, rel=1e-3)
    assert (told.optimizer, told.lr, told.iterations) == ("sgd", 100, 3000)
    assert told.decay**100 == pytest.approx(0.96, rel=1e-6)


def test_first_five_convs_is_pytorchs_tutorial_from_noise() -> None:
    told = settings_of("first-five-convs")
    layers = ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"]
    assert (told.content_layers, told.style_layers) == (["conv2_2"], layers)
    content = sum(((f - p) ** 2).mean() for f, p in pairs(["conv2_2"], 2))
    style = sum(mean_of_grams(f, a, f.numel()) for f, a in pairs(layers, 1))
    assert ours(told) == pytest.approx(float(content + 1e6 * style), rel=1e-9)
    assert (told.optimizer, told.start, told.iterations) == ("lbfgs", "noise", 600)
