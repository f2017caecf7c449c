"""Make the README's pictures: python docs/make_gallery.py (or make gallery)

docs/hero.jpg shows two photographs, each beside the same photograph in three styles.
docs/gallery.jpg shows two photographs in every style, two styles a row. Pictures are stylized at
twice the size that is shown, because strokes have a size in pixels and photographs have thousands.
All of it is free or in the public domain, see data/README.md and src/impasto/samples/README.md.
"""

import argparse
from pathlib import Path

import numpy as np

from impasto import Stylizer
from impasto.images.io import (
    RGB,
    contact_sheet,
    fit_short_side,
    load_image,
    sample_photos,
    save_image,
    to_array,
    to_pil,
)

CHOSEN = ("astronaut", "coffee", "chelsea")
SIDE = 320  # pixels, as shown
HERO = {"chelsea": ("in_the_rain", "the_great_wave", "starry")}
HERO |= {"astronaut": ("starry_night", "mondrian", "naruto_whirlpools")}
ORDER = ("starry", "the_great_wave", "mondrian", "the_scream", "in_the_rain", "starry_night")
ORDER += ("naruto_whirlpools", "landscape_with_stars", "adam_and_eve", "udnie")


def main() -> None:
    """Read, stylize, lay out, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder")
    given = parser.parse_args()
    files = [given.checkpoints / name / f"{name}.onnx" for name in ORDER]
    there = [file for file in files if file.exists()]
    stylizers = {file.stem: Stylizer(file, backend="onnxruntime") for file in there}
    if not stylizers:
        parser.error(f"no styles in {given.checkpoints}: train one, or name another folder")
    photos = dict(zip(CHOSEN, chosen_photos(2 * SIDE), strict=True))
    rows = [
        [photos[photo], *(stylizers[name](photos[photo]) for name in names if name in stylizers)]
        for photo, names in HERO.items()
    ]
    save_sheet(rows, given.output / "hero.jpg", quality=78)
    two = [photos[name] for name in CHOSEN[:2]]
    cells = [two, two, *([stylizer(photo) for photo in two] for stylizer in stylizers.values())]
    rows = [left + right for left, right in zip(cells[::2], cells[1::2], strict=False)]
    save_sheet(rows, given.output / "gallery.jpg", quality=72)


def save_sheet(rows: list[list[RGB]], path: Path, *, quality: int) -> None:
    """Rows of images at the size they have in the README, in one file."""
    save_image(
        contact_sheet([[as_shown(image) for image in row] for row in rows]), path, quality=quality
    )


def chosen_photos(side: int = SIDE) -> list[RGB]:
    """The photographs that every style is shown on, `side` pixels square."""
    samples = {path.stem: path for path in sample_photos()}
    return [square(load_image(samples[name], short_side=side)) for name in CHOSEN]


def square(image: RGB) -> RGB:
    """The middle of an image."""
    short = min(image.shape[:2])
    top, left = ((side - short) // 2 for side in image.shape[:2])
    return np.ascontiguousarray(image[top : top + short, left : left + short])


def as_shown(image: RGB) -> RGB:
    """An image at the size it has in the README."""
    return to_array(fit_short_side(to_pil(image), SIDE))


if __name__ == "__main__":
    main()
