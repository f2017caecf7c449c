"""What a card says of a style that comes with the project is what its files say."""

import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from impasto.config.parser import parse
from impasto.config.settings import TrainSettings

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
from make_cards import FILLED_IN, PAINTINGS, card, command, matches, table  # noqa: E402

STYLES = sorted(path.parent for path in (ROOT / "checkpoints").glob("*/config.yaml"))
EACH = pytest.mark.parametrize("folder", STYLES, ids=lambda path: path.name)


def test_cards_are_written_for_every_style() -> None:
    assert {folder.name for folder in STYLES} == set(PAINTINGS)
    assert len(STYLES) >= 10


@EACH
def test_card_has_the_command_and_the_size_of_its_files(folder: Path) -> None:
    told = (folder / "CARD.md").read_text()
    settings = yaml.safe_load((folder / "config.yaml").read_text())
    size = (folder / f"{folder.name}.onnx").stat().st_size
    assert f"`{command(settings)}`" in told
    assert f"- {size / 1e6:.1f} MB," in told
    assert size <= 1e6
    assert len(re.findall(r"(?m)^.*\S", told)) <= 12


@EACH
def test_command_of_a_card_gives_the_settings_of_its_file(folder: Path) -> None:
    settings = yaml.safe_load((folder / "config.yaml").read_text())
    again = parse(TrainSettings, shlex.split(command(settings))[2:], description="")
    filled_in = {key: settings[key] for key in FILLED_IN}
    assert replace(again, **filled_in) == TrainSettings(**settings)


@EACH
def test_settings_of_a_style_name_no_place_of_one_machine(folder: Path) -> None:
    text = (folder / "config.yaml").read_text()
    assert not re.search(r"(?m)(^|[\s'\"])(/|\.\./|~)", text)


def test_card_tells_what_the_judge_found() -> None:
    mean = {
        "starry": {"kept": 0.514, "style_error": 0.149},
        "photograph": {"kept": 1.0, "style_error": 0.83},
    }
    judged = {"encoder": "vgg16-features", "photos": [{}] * 12, "mean": mean}
    settings = dict(vars(TrainSettings(style_weight=2.0, onnx_float16=True)))
    told = card("starry", settings=settings, size=512_345, judged=judged, iterations="23")
    found = "Photograph kept 0.51, style error 0.15 (photographs 0.83), judged by"
    assert f"{found}\n  vgg16-features on 12 COCO photographs." in told
    learned = "impasto train --style starry.jpg --photos DIR --style-weight 2.0 --onnx-float16"
    assert f"`{learned}`" in told
    assert "after 23 iterations of Gatys' method" in told
    assert "| `starry` | Starry | 0.51 | 0.15 | 0.83 | 23 |" in table({"starry": told}).splitlines()


@pytest.mark.parametrize(("never", "told"), [(0, "23"), (1, ">60")])
def test_a_style_better_than_the_whole_run_says_so(never: int, told: str) -> None:
    mean = 60.0 if never else 23.0
    assert matches({"summary": [{"never_reached": never, "matches": {"mean": mean}}]}) == told


def test_results_have_the_figures_of_the_cards() -> None:
    cards = {folder.name: (folder / "CARD.md").read_text() for folder in STYLES}
    assert table(cards) in (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
