"""Pictures in overlapping tiles: where they lie, and how they are blended."""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import numpy.typing as npt

from impasto.images.io import RGB

MULTIPLE = 8  # pixels; vector units like such sides

Watch = Callable[[int, int], object]


def unwatched(done: int, tiles: int) -> None:
    """Watches nothing."""


def in_tiles(
    image: RGB,
    run: Callable[[RGB], RGB],
    *,
    tile: tuple[int, int],
    share: float,
    exact: bool = False,
    watch: Watch = unwatched,
) -> RGB:
    """Run on overlapping tiles and blend what comes out.

    Args:
        image: H×W×3.
        run: h×w×3 -> the same shape.
        tile: height and width that a tile has at most.
        share: of a tile's side that the next one covers too, at least.
        exact: every tile has that very size; a smaller picture is mirrored at its edges up to it.
        watch: called before each tile with how many are done and how many there are; what it
            raises ends the work.

    Returns:
        The shape of `image`.
    """
    height, width = image.shape[:2]
    if exact:
        below, right = max(0, tile[0] - height), max(0, tile[1] - width)
        image = np.pad(image, [(0, below), (0, right), (0, 0)], mode="symmetric")
    tall, wide = image.shape[:2]
    overlap = [min(side - 1, max(1, int(side * share))) for side in tile]
    total = np.zeros((tall, wide, 3), np.float32)
    weight = np.zeros((tall, wide, 1), np.float32)
    sides = zip((tall, wide), tile, overlap, strict=True)
    cuts = [spans(side, tile=size, overlap=shared, exact=exact) for side, size, shared in sides]
    for done, (rows, columns) in enumerate(tiles := list(product(*cuts))):
        watch(done, len(tiles))
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
