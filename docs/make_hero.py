"""Make the README's first picture: python docs/make_hero.py --model checkpoints/starry/starry.onnx

A painting and three sample photographs above, the photographs stylized below; all of them ours or
free, see data/README.md and src/impasto/samples/README.md.
"""

import argparse
from pathlib import Path

import numpy as np

from impasto import Stylizer
from impasto.images import RGB, contact_sheet, load_image, sample_photos, save_image

CHOSEN = ("chelsea", "astronaut", "coffee")
SIDE = 384  # pixels


def main() -> None:
    """Read, stylize, lay out, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="starry")
    parser.add_argument("--style", type=Path, default=Path("data/styles/starry.jpg"))
    parser.add_argument("--output", type=Path, default=Path("docs/hero.jpg"))
    given = parser.parse_args()
    stylizer = Stylizer(given.model)
    samples = {path.stem: path for path in sample_photos()}
    photos = [square(load_image(samples[name], short_side=SIDE)) for name in CHOSEN]
    painting = square(load_image(given.style, short_side=SIDE))
    blank = np.ones_like(painting)
    rows = [[painting, *photos], [blank, *(stylizer(photo) for photo in photos)]]
    save_image(contact_sheet(rows), given.output, quality=88)


def square(image: RGB) -> RGB:
    """The middle of an image."""
    top, left = ((side - SIDE) // 2 for side in image.shape[:2])
    return np.ascontiguousarray(image[top : top + SIDE, left : left + SIDE])


if __name__ == "__main__":
    main()
