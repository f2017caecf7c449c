"""Masks: gray pictures that say where a style goes. White is stylized, black stays a photograph."""

import warnings

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter, ImageOps

from impasto.errors import InputError
from impasto.images.color import to_rgb
from impasto.images.decoders import StrPath, opened, reason
from impasto.images.encoding import quantize

FEATHER = 0.01  # of the short side, where nobody says more


def load_mask(path: StrPath) -> Image.Image:
    """A mask from a file, upright, of mode "L".

    Of a picture with transparency, such as a cut-out, its opacity counts: opaque is stylized. Of
    any other its brightness does.

    Raises:
        InputError: the file is missing, unreadable, damaged, too large or no image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files help nobody here
            with opened(path) as image:
                image.load()
                if image.has_transparency_data and not image.info.get("opaque"):
                    with_alpha = image.convert("LA" if image.mode == "La" else "RGBA")
                    if (alpha := with_alpha.getchannel("A")).getextrema() != (255, 255):
                        return _upright(alpha, image)
                return to_rgb(image).convert("L")
    except Exception as error:  # decoders raise anything, from SyntaxError to struct.error
        raise InputError(f"cannot read the mask {path}: {reason(path, error)}") from error


def to_mask(array: npt.ArrayLike) -> Image.Image:
    """A mask from H×W numbers in [0,1], or from true and false.

    Raises:
        InputError: another shape, or something that is not a number.
    """
    numbers = np.asarray(array, np.float32)
    if numbers.ndim != 2 or not numbers.size or not np.isfinite(numbers).all():
        raise InputError(f"a mask of shape {numbers.shape} cannot be used: give H×W of 0 to 1")
    return Image.fromarray(quantize(numbers))


def fit_mask(
    mask: Image.Image, height: int, width: int, *, feather: float | None = None
) -> npt.NDArray[np.uint8]:
    """A mask as large as a picture, with soft edges.

    Args:
        mask: of mode "L"; stretched if it has another shape than the picture.
        height: of the picture, pixels.
        width: likewise.
        feather: pixels over which an edge fades, half of them on either side; None is FEATHER.

    Returns:
        H×W, 0 to 255. A byte a pixel, since pictures can have 64 million.
    """
    fitted = mask.resize((width, height), Image.Resampling.BILINEAR)
    wide = FEATHER * min(height, width) if feather is None else feather
    # Two boxes of half the width: an edge becomes an S that is 0 and 1 outside of the feather.
    if (radius := (wide / 2 - 1) / 2) > 0:
        box = ImageFilter.BoxBlur(radius)
        fitted = fitted.filter(box).filter(box)
    return np.asarray(fitted)


def _upright(alpha: Image.Image, image: Image.Image) -> Image.Image:
    alpha.info["exif"] = image.getexif().tobytes()
    return ImageOps.exif_transpose(alpha)
