"""What cards and README say of the styles that come along is what their files say."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from impasto.study.probes import PROBES

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))
from make_cards import in_short, read, replace_row, update  # noqa: E402

CARDS = sorted(path.with_name("CARD.md") for path in (ROOT / "checkpoints").glob("*/config.yaml"))
TABLE = """12 photographs

| style | content | style | tv | total | worth N | judge | kept | style error | grid 2 | grid 4 | grid 8 | weave | border | blobs |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
| x | 1.234 | 0.5 | 0.01 | 1.744 | 32 (27..36) | vgg | 0.321 | 0.203 (0.826) | 1 (2) | 1.46 (0.884) | 3 (4) | 11.6 (15) | 0.0374 (0.03) | 0 (0) |
"""  # noqa: E501


def rows(card: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^\| ([^|]+) \| (.*) \|$", card))


def cells_of(card: str) -> dict[str, str]:
    said = rows(card)
    cells = {"tv": re.findall(r"total variation ([\d.]+)", said["loss"])[0]}
    for name in ("content", "style", "total"):
        cells[name] = re.findall(rf"\b{name} ([\d.]+)", said["loss"])[0]
    cells["worth N"] = said["worth"].split(" iterations")[0]
    told = (
        r"([\d.]+) of the photograph kept at a style error of ([\d.]+ \([\d.]+\)), by `(.*)`, same"
    )
    for judged in re.findall(told, said["judge"]):
        cells |= dict(zip(("kept", "style error", "judge"), judged, strict=True))
    for name in PROBES:
        number = r"[\d.e-]+"
        told = rf"{name} ({number} \({number}\))"
        cells[name] = re.findall(told, said["probes (photographs)"])[0]
    return cells


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.parent.name)
def test_a_card_tells_the_settings_and_the_size_of_its_files(path: Path) -> None:
    card, folder = path.read_text(), path.parent
    settings = yaml.safe_load((folder / "config.yaml").read_text())
    size = (folder / f"{folder.name}.onnx").stat().st_size
    assert update(card, cells=cells_of(card), settings=settings, size=size) == card


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.parent.name)
def test_readme_repeats_the_cards(path: Path) -> None:
    row = f"| {path.parent.name} | {in_short(cells_of(path.read_text()))} |"
    assert row in (ROOT / "README.md").read_text().splitlines()


def test_a_table_of_the_benchmark_becomes_rows() -> None:
    (cells,) = read(TABLE)
    assert cells["style name"] == "x"
    assert cells["style"] == "0.5"
    expected = "1.23 | 0.50 | 0.01 | 1.74 | 32 (27 … 36) | 0.321 | 0.203 (0.826)"
    expected += " | 1.46 (0.88) | 12 (15) | 0.037 (0.030)"
    assert in_short(cells) == expected
    text = "| y | 1 |\n| x | old |\n| xx | 2 |\n"
    assert replace_row(text, "x", expected) == f"| y | 1 |\n| x | {expected} |\n| xx | 2 |\n"
