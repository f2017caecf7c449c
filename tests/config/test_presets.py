"""The recipes in configs/: each says what it is for, parses, and changes what it names."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from impasto.config.parser import parse
from impasto.config.settings import StylizeSettings, TrainSettings

CONFIGS = Path(__file__).parents[2] / "configs"
FOLDER = CONFIGS / "train"
SETTINGS: dict[str, type[Any]] = {"train": TrainSettings, "gatys": StylizeSettings}
RECIPES = sorted(CONFIGS.rglob("*.y*ml"))
EACH = pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
TAPS = ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]


def settings_of(path: Path) -> Any:
    return parse(SETTINGS[path.parent.name], ["--config", str(path)], description="")


def test_the_recipes_are_those_the_readme_is_about() -> None:
    names = {path.relative_to(CONFIGS).with_suffix("").as_posix() for path in RECIPES}
    needed = {"quick", "evening", "cluster", "textbook", "johnson2016"}
    assert {f"train/{name}" for name in needed} <= names
    needed = {"gatys2016", "five-layers", "adam-light", "sgd-last-block", "first-five-convs", "luo"}
    assert {f"gatys/{name}" for name in needed} <= names


@EACH
def test_a_recipe_opens_with_what_one_wants_to_know(path: Path) -> None:
    lines = path.read_text().splitlines()
    opening = lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]
    told = re.findall(r"^# (\w+): +(\S.*)$", "\n".join(opening), re.MULTILINE)
    assert [word for word, _ in told][:4] == ["Purpose", "Hardware", "Minutes", "Expect"]
    assert not [word for word, text in told if "TBD" in text or "TODO" in text]
    assert max(map(len, lines)) <= 110


@EACH
def test_a_recipe_parses_and_holds_only_what_it_changes(path: Path) -> None:
    given: dict[str, Any] = yaml.safe_load(path.read_text())
    defaults, parsed = asdict(SETTINGS[path.parent.name]()), asdict(settings_of(path))
    assert {key for key in parsed if parsed[key] != defaults[key]} == set(given)


def test_textbook_is_what_everybody_copies() -> None:
    told = settings_of(FOLDER / "textbook.yaml")
    assert (told.encoder, told.normalization) == ("vgg16", "mean")
    assert (told.content_layers, told.style_layers) == (["relu2_2"], TAPS)
    assert (told.content_weight, told.style_weight, told.tv_weight) == (1e5, 1e10, 0)
    assert (told.batch_size, told.image_size, told.lr) == (4, 256, 1e-3)
    assert told.steps == 2 * -(-82_783 // told.batch_size)  # two epochs of COCO train2014
    assert (told.schedule, told.warmup, told.clip, told.shift) == ("constant", 0, 0, 0)
    assert told.upsampling == "nearest"


def test_johnson2016_is_the_paper() -> None:
    told = settings_of(FOLDER / "johnson2016.yaml")
    assert (told.encoder, told.normalization) == ("vgg16-features", "mean")
    assert (told.content_layers, told.style_layers) == (["relu2_2"], TAPS)
    assert (told.content_weight, told.style_weight) == (1, 5)
    sums_of_bytes = 255**2 / 2 * told.batch_size * 3 * told.image_size**2
    assert told.tv_weight == pytest.approx(1e-6 * sums_of_bytes, rel=1e-4)
    assert (told.steps, told.batch_size, told.image_size, told.lr) == (40_000, 4, 256, 1e-3)
    assert (told.schedule, told.warmup, told.clip, told.shift) == ("constant", 0, 0, 0)


def test_cluster_sees_as_many_photographs_as_one_machine() -> None:
    told, one = (settings_of(FOLDER / f"{name}.yaml") for name in ("cluster", "johnson2016"))
    photographs = told.steps * told.batch_size * told.devices * told.nodes
    assert photographs == one.steps * one.batch_size
    assert told.devices * told.nodes > 1
