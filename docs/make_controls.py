"""Make the pictures of docs/stylizing.md: python docs/make_controls.py

Each docs/control-*.jpg is one photograph of the package under one control of `impasto stylize`.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

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

SIDE = 300  # pixels of the short side, as shown
CUP = ((66, 62, 484, 390), (166, 12, 412, 215), (375, 60, 440, 140))  # ellipses in coffee.jpg


def main() -> None:
    """Read, stylize, lay out, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder")
    folder = parser.parse_args().output
    photos = {path.stem: load_image(path) for path in sample_photos()}
    starry = Stylizer("starry", backend="onnxruntime")
    astronaut, coffee, cat = (photos[name] for name in ("astronaut", "coffee", "chelsea"))
    table = ~cup(coffee)
    sheets: dict[str, list[RGB]] = {
        "strength": [starry(astronaut, strength=share) for share in (0.25, 0.5, 0.75, 1)],
        "color": [astronaut, starry(astronaut), starry(astronaut, keep_color=True)],
        "strokes": [face(starry(astronaut, stroke_size=size)) for size in (0.5, 1, 2, 4)],
        "mask": [
            np.repeat(table[..., None], 3, axis=2).astype(np.float32),
            starry(coffee, mask=table, feather=0),
            starry(coffee, mask=table, feather=40),
        ],
        "together": [
            cat,
            starry(cat),
            starry(cat, stroke_size=2, keep_color=True, strength=0.8),
        ],
    }
    for name, row in sheets.items():
        shown = [to_array(fit_short_side(to_pil(image), SIDE)) for image in row]
        save_image(contact_sheet([shown]), folder / f"control-{name}.jpg", quality=72)


def cup(photo: RGB) -> np.ndarray:
    """Where in coffee.jpg cup and saucer are: H×W of true and false."""
    mask = Image.new("1", (photo.shape[1], photo.shape[0]))
    for box in CUP:
        ImageDraw.Draw(mask).ellipse(box, fill=1)
    return np.asarray(mask)


def face(astronaut: RGB) -> RGB:
    """A part of astronaut.jpg, pixel for pixel."""
    return astronaut[:SIDE, 90 : 90 + SIDE]


if __name__ == "__main__":
    main()
