"""Make the README's pictures: python docs/make_gallery.py (or make gallery)

docs/hero.jpg: our painting and three sample photographs, below them the photographs stylized;
docs/gallery.jpg: two of the photographs in every style, two styles a row. Stylized at twice the
size that is shown, since strokes have a size in pixels and photographs have thousands. All of it is
free or in the public domain, see data/README.md and src/impasto/samples/README.md.
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
ORDER = ("starry", "the_great_wave", "mondrian", "the_scream", "in_the_rain", "starry_night")
ORDER += ("naruto_whirlpools", "landscape_with_stars", "adam_and_eve", "udnie")


def main() -> None:
    """Read, stylize, lay out, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    parser.add_argument("--style", type=Path, default=Path("data/styles/starry.jpg"))
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder")
    given = parser.parse_args()
    photos = chosen_photos(2 * SIDE)
    models = [given.checkpoints / name / f"{name}.onnx" for name in ORDER]
    stylizers = [Stylizer(model, backend="onnxruntime") for model in models if model.exists()]
    if not stylizers:
        parser.error(f"no styles in {given.checkpoints}: train one, or name another folder")
    styles = [[as_shown(stylizer(photo)) for photo in photos] for stylizer in stylizers]
    shown = [as_shown(photo) for photo in photos]
    painting = square(load_image(given.style, short_side=SIDE))
    hero = [[painting, *shown], [np.ones_like(painting), *styles[0]]]
    save_image(contact_sheet(hero), given.output / "hero.jpg", quality=78)
    pairs = [style[:2] for style in [shown, shown, *styles]]
    rows = [left + right for left, right in zip(pairs[::2], pairs[1::2], strict=False)]
    save_image(contact_sheet(rows), given.output / "gallery.jpg", quality=72)


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
