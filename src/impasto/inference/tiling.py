"""Pictures in overlapping tiles: where they lie, and how they are blended."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from impasto.images.io import RGB

MULTIPLE = 8  # pixels; vector units like such sides


def in_tiles(
    image: RGB,
    run: Callable[[RGB], RGB],
    *,
    tile: tuple[int, int],
    share: float,
    exact: bool = False,
) -> RGB:
    """Run on overlapping tiles and blend what comes out.

    Args:
        image: H×W×3.
        run: h×w×3 -> the same shape.
        tile: height and width that a tile has at most.
        share: of a tile's side that the next one covers too, at least.
        exact: every tile has that very size; a smaller picture is mirrored at its edges up to it.

    Returns:
        The shape of `image`.
    """
    height, width = image.shape[:2]
    if exact:
        missing = [
            (0, max(0, side - have)) for side, have in zip(tile, (height, width), strict=True)
        ]
        image = np.pad(image, [*missing, (0, 0)], mode="symmetric")
    tall, wide = image.shape[:2]
    overlap = [min(side - 1, max(1, int(side * share))) for side in tile]
    total = np.zeros((tall, wide, 3), np.float32)
    weight = np.zeros((tall, wide, 1), np.float32)
    for rows in spans(tall, tile=tile[0], overlap=overlap[0], exact=exact):
        for columns in spans(wide, tile=tile[1], overlap=overlap[1], exact=exact):
            down = ramp(rows, tall, overlap=overlap[0])[:, None, None]
            window = down * ramp(columns, wide, overlap=overlap[1])[None, :, None]
            total[rows, columns] += window * run(image[rows, columns])
            weight[rows, columns] += window
    return (total / weight)[:height, :width]


def spans(length: int, *, tile: int, overlap: int, exact: bool = False) -> Iterator[slice]:
    """As few tiles of at most `tile` as cover 0..length overlapping by `overlap`; all alike.

    Unless they are `exact`, they are as small as their number allows: a length of twice a tile
    takes three, but those of three quarters the size, which in two dimensions is little more than
    half the work.
    """
    count = max(1, -(-(length - overlap) // (tile - overlap)))
    even = -(-(length + (count - 1) * overlap) // count)
    size = tile if exact else min(length, tile, -(-even // MULTIPLE) * MULTIPLE)
    for index in range(count):
        start = (length - size) * index // max(1, count - 1)
        yield slice(start, start + size)


def ramp(span: slice, length: int, *, overlap: int) -> npt.NDArray[np.float32]:
    """Blending weights along a side of a tile: they rise from its edges inside the picture."""
    position = np.arange(span.start, span.stop, dtype=np.float32)
    rise = np.ones_like(position)
    if span.start > 0:
        rise = np.minimum(rise, (position - span.start + 1) / max(1, overlap))
    if span.stop < length:
        rise = np.minimum(rise, (span.stop - position) / max(1, overlap))
    return rise
