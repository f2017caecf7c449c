"""The presets: each says what it is for, parses, and changes what it names."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from impasto.config import presets
from impasto.config.parser import parse
from impasto.config.presets import preset_names, preset_words
from impasto.config.settings import GatysSettings, TrainSettings
from impasto.errors import InputError

CONFIGS = presets.FOLDER
FOLDER = CONFIGS / "train"
SETTINGS: dict[str, type[Any]] = {"train": TrainSettings, "gatys": GatysSettings}
RECIPES = sorted(CONFIGS.rglob("*.y*ml"))
EACH = pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
LAYERS = ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]


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
    assert (told.encoder, told.loss_scale) == ("vgg16", "mean")
    assert (told.content_layers, told.style_layers) == (["relu2_2"], LAYERS)
    assert (told.content_weight, told.style_weight, told.tv_weight) == (1e5, 1e10, 0)
    assert (told.batch_size, told.image_size, told.lr) == (4, 256, 1e-3)
    assert told.steps == 2 * -(-82_783 // told.batch_size)  # two epochs of COCO train2014
    assert (told.schedule, told.warmup, told.gradient_clip, told.random_shift) == (
        "constant",
        0,
        0,
        0,
    )
    assert told.upsampling == "nearest"


def test_johnson2016_is_the_paper() -> None:
    told = settings_of(FOLDER / "johnson2016.yaml")
    assert (told.encoder, told.loss_scale) == ("vgg16-features", "mean")
    assert (told.content_layers, told.style_layers) == (["relu2_2"], LAYERS)
    assert (told.content_weight, told.style_weight) == (1, 5)
    sums_of_bytes = 255**2 / 2 * told.batch_size * 3 * told.image_size**2
    assert told.tv_weight == pytest.approx(1e-6 * sums_of_bytes, rel=1e-4)
    assert (told.steps, told.batch_size, told.image_size, told.lr) == (40_000, 4, 256, 1e-3)
    assert (told.schedule, told.warmup, told.gradient_clip, told.random_shift) == (
        "constant",
        0,
        0,
        0,
    )


def test_cluster_sees_as_many_photographs_as_one_machine() -> None:
    told, one = (settings_of(FOLDER / f"{name}.yaml") for name in ("cluster", "johnson2016"))
    photographs = told.steps * told.batch_size * told.devices * told.nodes
    assert photographs == one.steps * one.batch_size
    assert told.devices * told.nodes > 1


def test_a_preset_is_taken_by_its_name_and_flags_and_files_win_over_it(tmp_path: Path) -> None:
    told = parse(TrainSettings, ["--preset", "quick"], description="")
    assert told == settings_of(FOLDER / "quick.yaml") == TrainSettings(**yaml_of("train", "quick"))
    (tmp_path / "mine.yaml").write_text("minutes: 5\nwarmup: 7\n")
    words = ["--config", str(tmp_path / "mine.yaml"), "--preset", "quick", "--warmup", "9"]
    changed = {**yaml_of("train", "quick"), "minutes": 5.0, "warmup": 9}
    assert parse(TrainSettings, words, description="") == TrainSettings(**changed)


def test_a_wrong_name_lists_the_presets_there_are() -> None:
    names = ", ".join(preset_names("gatys"))
    assert "luo" in names
    with pytest.raises(InputError, match=f"there is no preset 'quick': choose from {names}"):
        parse(GatysSettings, ["--preset", "quick"], description="")


def test_the_path_that_a_preset_once_had_still_works_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    caplog.set_level("INFO")
    told = parse(TrainSettings, ["--config", "configs/train/quick.yaml"], description="")
    assert told == TrainSettings(**yaml_of("train", "quick"))
    assert caplog.messages == ["configs/train/quick.yaml is now a preset: --preset quick"]
    for missing in ("configs/train/luo.yaml", "other/quick.yaml", "configs/gatys/quick.yaml"):
        with pytest.raises(InputError, match=f"cannot read --config {missing}"):
            parse(TrainSettings, ["--config", missing], description="")
    Path("configs/train").mkdir(parents=True)
    Path("configs/train/quick.yaml").write_text("steps: 5\n")
    told = parse(TrainSettings, ["--config", "configs/train/quick.yaml"], description="")
    assert told == TrainSettings(steps=5)


def test_what_may_be_a_preset_or_a_file_is_the_preset_of_that_name() -> None:
    assert preset_words("gatys", "luo") == ["--preset", "luo"]
    assert preset_words("train", "luo") == ["--config", "luo"]


def yaml_of(command: str, name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((CONFIGS / command / f"{name}.yaml").read_text()))
