"""Write the cards of the styles that come with the project: make cards

    python docs/make_cards.py build/judge

The texts about the paintings are in this file, the command comes from checkpoints/NAME/config.yaml,
and the figures from build/judge/NAME/judge.json and compare.json (`impasto analyze judge` and
`compare`). It draws sample.jpg, and writes the table of docs/results.md. A style without a
judge.json keeps its card.
"""

import json
import re
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from make_gallery import chosen_photos

from impasto import Stylizer
from impasto.config.renamed import complete
from impasto.config.settings import TrainSettings
from impasto.images.io import contact_sheet, save_image

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results.md"
MARKS = re.compile(r"(<!-- styles -->\n).*?(<!-- end -->)", re.DOTALL)
FIGURES = re.compile(
    r"kept ([\d.]+), style error ([\d.]+) \(photographs\s+([\d.]+)\).*?after (>?\d+) iterations",
    re.DOTALL,
)
# Settings that a run fills in by itself, or that change nothing of what is learned.
FILLED_IN = {"name", "output_dir", "content_layers", "style_layers", "init", "resume"}
FILLED_IN |= {"photos", "preview_every", "checkpoint_every", "checkpoint_minutes", "workers"}


class Painting(NamedTuple):
    """What people know of a style."""

    title: str
    artist: str
    year: str
    rights: str


LONG = "public domain where the term is life and 70 years"
OLD = "public domain"
PAINTINGS = {
    "starry": Painting("Starry", "data/styles/paint_starry.py", "2026", "ours, MIT"),
    "starry_night": Painting("The Starry Night", "Vincent van Gogh", "1889", OLD),
    "the_scream": Painting("The Scream", "Edvard Munch", "1893", LONG),
    "the_great_wave": Painting("The Great Wave off Kanagawa", "Hokusai", "1831", OLD),
    "mondrian": Painting("A cubist composition", "Piet Mondrian", "about 1913", LONG),
    "landscape_with_stars": Painting("Landscape with Stars", "Henri-Edmond Cross", "1908", OLD),
    "adam_and_eve": Painting("Adam and Eve, an engraving", "Albrecht Dürer", "1504", OLD),
    "in_the_rain": Painting("In the Rain", "Franz Marc", "1912", OLD),
    "naruto_whirlpools": Painting("Naruto Whirlpools, a woodcut", "Hiroshige", "1855", OLD),
    "udnie": Painting("Udnie", "Francis Picabia", "1913", LONG),
}


def main(argv: list[str]) -> None:
    """Write the card of every style that was judged in the folder on the command line."""
    photos = chosen_photos()
    for record in sorted(Path(argv[0]).glob("*/judge.json")):
        name = record.parent.name
        folder = ROOT / "checkpoints" / name
        settings = complete(yaml.safe_load((folder / "config.yaml").read_text()))
        size = (folder / f"{name}.onnx").stat().st_size
        judged = json.loads(record.read_text())
        compared = json.loads((record.parent / "compare.json").read_text())
        told = card(name, settings=settings, size=size, judged=judged, iterations=matches(compared))
        (folder / "CARD.md").write_text(told)
        stylizer = Stylizer(name, backend="onnxruntime")
        sheet = contact_sheet([[stylizer(photo) for photo in photos]])
        save_image(sheet, folder / "sample.jpg", quality=80)
    cards = {name: (ROOT / "checkpoints" / name / "CARD.md").read_text() for name in PAINTINGS}
    page = RESULTS.read_text(encoding="utf-8")
    RESULTS.write_text(MARKS.sub(lambda marks: f"{marks[1]}\n{table(cards)}\n\n{marks[2]}", page))


def matches(compared: dict[str, Any]) -> str:
    """How many iterations of Gatys' method a style matches on one photograph, or >60."""
    (found,) = compared["summary"]
    return f"{'>' if found['never_reached'] else ''}{found['matches']['mean']:.0f}"


def card(
    name: str, *, settings: dict[str, Any], size: int, judged: dict[str, Any], iterations: str
) -> str:
    """The card of a style, eleven lines."""
    painting, photos = PAINTINGS[name], len(judged["photos"])
    ours, photographs = judged["mean"][name], judged["mean"]["photograph"]["style_error"]
    kept, error, judge = ours["kept"], ours["style_error"], Path(judged["encoder"]).stem
    return f"""# {painting.title}

![three sample photographs in this style](sample.jpg)

{painting.artist}, {painting.year}; {painting.rights}.

- Use it: `impasto stylize --model {name} photo.jpg`
- Train it again: `{command(settings)}`,
  with a reproduction of the painting, and photographs in `DIR`: ours were 3,166 from ImageNet,
  BSDS500 and PhotoArt50.
- Photograph kept {kept:.2f}, style error {error:.2f} (photographs {photographs:.2f}), judged by
  {judge} on {photos} COCO photographs. Under the same encoder its loss on a portrait is as low as
  after {iterations} iterations of Gatys' method: [what this means](../../docs/results.md).
- {size / 1e6:.1f} MB, float16 weights. All settings: [config.yaml](config.yaml).
"""


def table(cards: dict[str, str]) -> str:
    """The figures of all cards, a row each, the style that keeps most of the photograph first."""
    rows = {name: FIGURES.findall(text)[0] for name, text in cards.items()}
    lines = [
        " | ".join([f"| `{name}`", PAINTINGS[name].title, *figures]) + " |"
        for name, figures in sorted(rows.items(), key=lambda row: -float(row[1][0]))
    ]
    head = "| style | painting | photograph kept | style error | of the photographs | iterations |"
    return "\n".join([head, "|---|---|---|---|---|---|", *lines])


def command(settings: dict[str, Any]) -> str:
    """The command that learns a style again: what differs from the defaults."""
    words = ["impasto", "train", "--style", settings["style"], "--photos", "DIR"]
    for key, default in asdict(TrainSettings()).items():
        value = settings.get(key, default)  # older files lack the newest
        if key in FILLED_IN or key == "style" or value == default:
            continue
        flag = "--" + key.replace("_", "-")
        values = value if isinstance(value, list) else [value]
        words += [flag] if value is True else [flag, *(f"{item}" for item in values)]
    return shlex.join(words)


if __name__ == "__main__":
    main(sys.argv[1:])
