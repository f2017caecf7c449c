"""The recipes in presets/gatys at work, on every encoder that has their layers."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from impasto.cli import gatys
from impasto.config import presets
from impasto.config.parser import parse
from impasto.config.settings import GatysSettings
from impasto.gatys.optimize import Progress
from impasto.images.io import load_image, save_image
from impasto.models.pretrained import random_weights

FOLDER = presets.FOLDER / "gatys"
RECIPES = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
BEYOND_THE_ASSETS = {"sgd-last-block"}  # conv5_3; their encoder ends with conv5_1


def settings_of(name: str) -> GatysSettings:
    return parse(GatysSettings, ["--config", str(RECIPES[name])], description="")


def paint(name: str, encoder: Path | str, *flags: str) -> int:
    words = ["a.png", "--style", "painting.png", "--encoder", str(encoder)]
    few = ["--config", str(RECIPES[name]), "--iterations", "3", "--size", "32", "-o", "out.png"]
    return gatys.main([*words, *few, *flags])


def save_encoder(told: GatysSettings) -> str:
    """Random weights in the shape of the VGG that a recipe names."""
    name, _, caffe = str(told.encoder).partition("-")
    blocks = [[4 + 2 * block] * depth for block, depth in enumerate(DEPTHS[name])]
    parameters = dict(random_weights(name="random", blocks=blocks).parameters)
    if caffe:  # features of 0..255: 255 * 0.225 times torchvision's, as the weights expect
        parameters["features.0.weight"] = parameters["features.0.weight"] * 57
    save_file(parameters, "random.safetensors", {"padding_mode": "reflect"})
    return "random.safetensors"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a photograph and a painting."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("a.png", "painting.png")):
        save_image(np.random.default_rng(seed).random((32, 40, 3), np.float32), name)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_runs_on_an_encoder_that_has_every_layer(name: str, steps: list[Progress]) -> None:
    told = settings_of(name)
    assert paint(name, save_encoder(told)) == 0
    assert [(step.iteration, step.iterations) for step in steps] == [(i, 3) for i in range(4)]
    assert {step.restarts for step in steps} == {0}
    assert {step.tv for step in steps} == {0}
    assert (steps[0].content == 0) == (told.start == "content")
    assert min(step.total for step in steps[1:]) < steps[0].total
    best = min(steps, key=lambda step: step.total).image[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(load_image("out.png"), best, atol=0.51 / 255)


@pytest.mark.parametrize("name", sorted(set(RECIPES) - BEYOND_THE_ASSETS))
def test_a_recipe_lowers_its_loss_with_a_trained_encoder(
    name: str, assets: Path, steps: list[Progress]
) -> None:
    encoder = assets / "encoders" / "vgg19-quarter.safetensors"
    assert paint(name, encoder, "--iterations", "12") == 0
    assert steps[-1].total < 0.8 * steps[0].total


def test_a_layer_that_an_encoder_lacks_is_named_beside_those_it_has(
    assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = assets / "encoders" / "vgg19-quarter.safetensors"
    assert paint("sgd-last-block", encoder) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "vgg19-quarter.safetensors has no layer 'conv5_3': choose from relu1_1, relu1_2" in line
    assert "relu5_1" in line
    assert not Path("out.png").exists()


def test_luo_has_three_starts(steps: list[Progress]) -> None:
    encoder = save_encoder(settings_of("luo"))
    for start in ("noise", "content", "style"):
        assert paint("luo", encoder, "--start", start, "--overwrite") == 0
    noise, content, style = (step.image for step in steps if step.iteration == 0)
    assert abs(float(noise.std()) - 0.235) < 0.02
    for image, name in ((content, "a.png"), (style, "painting.png")):
        made = image[0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(made, load_image(name), atol=1e-6)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_names_its_source_and_speaks_its_units(name: str) -> None:
    told = settings_of(name)
    assert told.encoder in ("vgg19", "vgg16-features")
    assert told.loss_scale != "relative"
    assert "\n# Source: " in RECIPES[name].read_text()
