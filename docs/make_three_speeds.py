"""Draw the picture of the three speeds in the README: one photograph, one painting, three ways.

    python docs/make_three_speeds.py QUICK.onnx GATYS.png

QUICK.onnx is what `impasto train --preset quick --style starry.jpg` has learned, GATYS.png what
`impasto gatys --style starry.jpg` has made of the sample photograph `astronaut` at SIZE pixels.
"""

import sys
from pathlib import Path

from impasto import AnyStyle, Stylizer
from impasto.images.io import contact_sheet, load_image, sample_photos, save_image

ROOT = Path(__file__).parents[1]
SIZE = 320  # pixels
PHOTO = "astronaut"


def main(quick: str, gatys: str) -> None:
    """Write docs/three-speeds.jpg: photograph, painting, at once, learned, optimized."""
    photo = load_image(
        next(path for path in sample_photos() if path.stem == PHOTO), short_side=SIZE
    )
    painting = load_image(ROOT / "data" / "styles" / "starry.jpg", short_side=SIZE)[:, :SIZE]
    network = AnyStyle()
    at_once = Stylizer(network.model(network.vector(painting)), backend="onnxruntime")
    learned = Stylizer(quick, backend="onnxruntime")
    row = [photo, painting, at_once(photo), learned(photo), load_image(gatys, short_side=SIZE)]
    save_image(contact_sheet([row]), ROOT / "docs" / "three-speeds.jpg", quality=85)


if __name__ == "__main__":
    main(*sys.argv[1:])
