"""A small stylized picture brought to the size of its photograph, with the photograph's detail.

The guided filter of He, Sun and Tang (2013), in its fast form (He and Sun 2015): around each pixel
of the small pictures, a line says how the stylized one follows the photograph's luminance. The
line's slope, which is smooth, is what is enlarged; the edges come from the full photograph.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto.images import io
from impasto.images.encoding import quantize
from impasto.images.io import RGB, to_floats

Plane = npt.NDArray[np.float32]
Picture = npt.NDArray[Any]  # float32 or uint8
RADIUS = 2  # pixels of the small picture, around each in which the line is fitted
EPSILON = 1e-3  # variance of luminance: what varies much less than this is no detail
BAND = 2**15  # pixels worked on at once; temporaries then stay in the cache
_MARGIN = 2 * RADIUS + 4  # rows of the small picture that a band needs beyond its own
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709


def bands(height: int, width: int, *, times: int = 1) -> Iterator[slice]:
    """Rows of a picture, about `times` BAND pixels at once, so that temporaries stay small."""
    rows = max(1, times * BAND // width)
    for start in range(0, height, rows):
        yield slice(start, min(height, start + rows))


def in_kind(image: RGB, kind: npt.DTypeLike) -> Picture:
    """[0,1], clipped, as float32 or as uint8."""
    return quantize(image) if kind == np.uint8 else np.clip(image, 0, 1)


def resized(image: Picture, height: int, width: int) -> Picture:
    """H×W×3, float32 in [0,1] or uint8, to another size of the same kind (Lanczos)."""
    if image.dtype == np.uint8:
        size = (width, height)
        return np.array(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    return io.resized(image, height, width)


def guided_upsample(stylized: Picture, *, small: Picture, photo: Picture) -> Picture:
    """Enlarge a stylized picture along the edges of its photograph.

    He and Sun average the line's offset as well, which would smooth away strokes that the
    photograph does not have. Here the stylized picture itself is enlarged, and only what the small
    photograph lost is added, times the slope: q = up(p) + up(a) (I - up(i)).

    Args:
        stylized: h×w×3, p; float32 in [0,1] or uint8, as the other two.
        small: h×w×3, the photograph from which that was made, i in luminance.
        photo: H×W×3, at least as large, I in luminance.

    Returns:
        H×W×3, of the kind of `photo`.
    """
    tall, wide = photo.shape[:2]
    height, width = stylized.shape[:2]
    enlarged = np.empty(photo.shape, np.uint8 if photo.dtype == np.uint8 else np.float32)
    for rows in bands(tall, wide, times=8):  # more, for the margins are computed twice
        top, end = rows.start * height / tall, rows.stop * height / tall
        first, last = max(0, int(top) - _MARGIN), min(height, int(end) + 1 + _MARGIN)
        light, part = _luminance(small[first:last]), to_floats(stylized[first:last])
        box = (0, top - first, width, end - first)
        size = (wide, rows.stop - rows.start)
        detail = _luminance(photo[rows]) - _up(light, size, box)
        planes = []
        for index in range(3):
            plane = np.ascontiguousarray(part[..., index], np.float32)
            slope = _up(_slope(light, plane), size, box, Image.Resampling.BILINEAR)
            planes.append(in_kind(_up(plane, size, box) + slope * detail, photo.dtype))
        np.stack(planes, axis=-1, out=enlarged[rows])
    return enlarged


def _slope(guide: Plane, plane: Plane) -> Plane:
    """Of the line plane = a guide + b around each pixel, averaged over the lines that meet there.

    Equations 5 and 8 of He, Sun and Tang.
    """
    mean, means = _mean(guide), _mean(plane)
    covariance = _mean(guide * plane) - mean * means
    variance = _mean(guide * guide) - mean * mean
    return _mean(covariance / (variance + np.float32(EPSILON)))


def _mean(plane: Plane) -> Plane:
    """Over a square of side 2 RADIUS + 1, whose pixels outside are those of the border."""
    height, width = plane.shape
    padded = np.pad(plane, RADIUS, mode="edge")
    side = 2 * RADIUS + 1
    rows = sum((padded[start : start + height] for start in range(side)), np.float32(0))
    total = sum((rows[:, start : start + width] for start in range(side)), np.float32(0))
    mean: Plane = total / np.float32(side * side)
    return mean


def _luminance(image: Picture) -> Plane:
    light: Plane = to_floats(image) @ _LUMINANCE
    return light


def _up(
    plane: Plane,
    size: tuple[int, int],
    box: tuple[float, float, float, float],
    how: Image.Resampling = Image.Resampling.BICUBIC,
) -> Plane:
    return np.asarray(Image.fromarray(plane).resize(size, how, box))
