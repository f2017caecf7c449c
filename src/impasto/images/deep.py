"""Colors of 16 bits, for which Pillow has no image: it reads the first 8 of each.

How the bytes of a number lie in a file is a name that Pillow's decoders are given. With the other
order's name they take the other byte. So a file is decoded twice.
"""

import sys

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps

from impasto.images.tiff import APART, PLANES

NATIVE, FOREIGN = ("L", "B") if sys.byteorder == "little" else ("B", "L")
ORDERS = {NATIVE: FOREIGN, FOREIGN: NATIVE, "N": FOREIGN}
OTHER = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA")
    for order, other in ORDERS.items()
}


def take_other_bytes(image: Image.Image) -> bool:
    """Have an image that is not loaded yet come with the lower bytes of its colors.

    Returns:
        Whether it can: a PNG or a TIFF of 16 bits a color, with alpha or without.
    """
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    if len(tiles) != 1 or "transparency" in image.info:
        return False
    if getattr(image, "tag_v2", {}).get(PLANES) == APART:
        return False
    args = tiles[0].args
    name, *more = (args,) if isinstance(args, str) else args or ("",)
    if name not in OTHER:
        return False
    other = OTHER[name] if isinstance(args, str) else (OTHER[name], *more)
    image.tile = [tiles[0]._replace(args=other)]  # type: ignore[attr-defined]
    return True


def joined(high: Image.Image, low: Image.Image) -> npt.NDArray[np.float32]:
    """H×W×3 in [0,1] of the higher bytes, upright, and the lower ones, as they lie in the file."""
    numbers = np.asarray(high).astype(np.float32)
    numbers *= 256
    numbers += np.asarray(ImageOps.exif_transpose(low))[..., :3]
    numbers /= 65535
    return numbers


def deep_grey(image: Image.Image) -> npt.NDArray[np.float32] | None:
    """H×W×3 in [0,1] of a loaded grey image of 16 bits, upright; None of any other."""
    if not image.mode.startswith("I;16") or {"white", "negative", "transparency"} & set(image.info):
        return None
    grey = np.asarray(ImageOps.exif_transpose(image)).astype(np.float32) / np.float32(65535)
    return np.repeat(grey[..., None], 3, axis=2)
