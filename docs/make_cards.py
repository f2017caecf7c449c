"""Bring cards and README up to date with what was measured: make cards

    python benchmarks/quality.py starry --photos DIR --iterations 100 > build/quality.md
    python docs/make_cards.py build/quality.md

In checkpoints/NAME/CARD.md the rows that settings and measurement decide are written anew, and so
is the style's row of README.md; what only people know stays as it is. sample.jpg is drawn anew.
"""

import re
import sys
from pathlib import Path
from typing import Any

import yaml
from make_gallery import chosen_photos

from impasto import Stylizer
from impasto.images import contact_sheet, save_image
from impasto.losses import TERMS
from impasto.study.probes import PROBES

ROOT = Path(__file__).parents[1]
UNKNOWN = "–"


def main(argv: list[str]) -> None:
    """Rewrite what the tables in the files named on the command line speak of."""
    readme, photos = ROOT / "README.md", chosen_photos()
    for cells in (cells for name in argv for cells in read(Path(name).read_text())):
        folder = ROOT / "checkpoints" / cells["style name"]
        model, card = folder / f"{folder.name}.onnx", folder / "CARD.md"
        settings = yaml.safe_load((folder / "config.yaml").read_text())
        size = model.stat().st_size
        card.write_text(update(card.read_text(), cells=cells, settings=settings, size=size))
        readme.write_text(replace_row(readme.read_text(), folder.name, in_short(cells)))
        stylizer = Stylizer(model)
        sheet = contact_sheet([[stylizer(photo) for photo in photos]])
        save_image(sheet, folder / "sample.jpg", quality=85)


def read(table: str) -> list[dict[str, str]]:
    """The rows of a table of quality.py by column; the first column is the `style name`."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("| ")
    ]
    names = ["style name", *rows[0][1:]]
    return [dict(zip(names, row, strict=True)) for row in rows[1:]]


def update(card: str, *, cells: dict[str, str], settings: dict[str, Any], size: int) -> str:
    """A card with the rows that settings and measurement decide."""
    terms = ", ".join(
        f"{'total variation' if name == 'tv' else name} {cells[name]}" for name in TERMS
    )
    probes = ", ".join(f"{probe} {cells[probe]}" for probe in PROBES)
    for name, text in {
        "loss": f"{terms} (weighted, 12 COCO photographs at 256 px)",
        "worth": f"{cells['worth N']} iterations of Gatys, same photographs",
        "judge": in_words(cells),
        "probes (photographs)": probes,
        "file": f"{size / 1e6:.1f} MB, parameters stored in float16",
    }.items():
        card = replace_row(card, name, text)
    return re.sub(r"(?m)^(\| encoder \| [^:]*: ).*$", rf"\g<1>{measure(settings)} |", card)


def in_words(cells: dict[str, str]) -> str:
    """What the judge says, if it was asked."""
    if "kept" not in cells:
        return UNKNOWN
    return (
        f"{cells['kept']} of the photograph kept at a style error of {cells['style error']}, "
        f"by `{cells['judge']}`, same photographs at 474 px"
    )


def measure(settings: dict[str, Any]) -> str:
    """Taps and weights of a config.yaml in words."""
    content, style = settings["content_layers"], settings["style_layers"]
    others = {"spectrum": "spectrum", "blot": "blots", "droplet": "droplets"}
    weights = {word: settings.get(f"{name}_weight", 0.0) for name, word in others.items()}
    kept = " by its structure" if settings.get("content_match") == "structure" else ""
    shares = " : ".join(f"{weight:g}" for weight in settings["style_layer_weights"] or [])
    return (
        f"content {', '.join(content)}{kept}, "
        f"style {style[0]} … {style[-1]}{f' ({shares})' if shares else ''}, all lifted; "
        f"style weight {settings['style_weight']:g}, "
        + "".join(f"{word} {weight:g}, " for word, weight in weights.items() if weight)
        + ("with the margin, " if settings.get("margin") else "")
        + f"total variation {settings['tv_weight']:g}, painting at {settings['style_size']} px"
    )


def in_short(cells: dict[str, str]) -> str:
    """The cells of README's table."""
    short = [f"{float(cells[name]):.2f}" for name in TERMS]
    short.append(cells["worth N"].replace("..", " … "))
    short += [cells.get(name, UNKNOWN) for name in ("kept", "style error")]
    for probe, digits in (("grid 4", 2), ("weave", 0), ("border", 3)):
        ours, theirs = (float(number) for number in re.findall(r"[\d.]+", cells[probe]))
        short.append(f"{ours:.{digits}f} ({theirs:.{digits}f})")
    return " | ".join(short)


def replace_row(text: str, name: str, rest: str) -> str:
    """`| name | rest |` in place of the row of that name."""
    return re.sub(rf"(?m)^\| {re.escape(name)} \|.*$", lambda _: f"| {name} | {rest} |", text)


if __name__ == "__main__":
    main(sys.argv[1:])
