"""Large pictures in overlapping pieces: where they lie and how they are blended."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

MULTIPLE = 8  # pixels; vector units like such sides


def spans(length: int, *, tile: int, overlap: int) -> Iterator[slice]:
    """As few tiles of at most `tile` as cover 0..length overlapping by `overlap`; all alike.

    They are as small as their number allows: a length of twice a tile takes three, but those of
    three quarters the size, which in two dimensions is little more than half the work.
    """
    count = max(1, -(-(length - overlap) // (tile - overlap)))
    even = -(-(length + (count - 1) * overlap) // count)
    size = min(length, tile, -(-even // MULTIPLE) * MULTIPLE)
    for index in range(count):
        start = (length - size) * index // max(1, count - 1)
        yield slice(start, start + size)


def ramp(span: slice, length: int, *, overlap: int) -> npt.NDArray[np.float32]:
    """Blending weights along a side of a tile: they rise from its edges inside the picture."""
    position = np.arange(span.start, span.stop, dtype=np.float32)
    rise = np.ones_like(position)
    if span.start > 0:
        rise = np.minimum(rise, (position - span.start + 1) / overlap)
    if span.stop < length:
        rise = np.minimum(rise, (span.stop - position) / overlap)
    return rise
