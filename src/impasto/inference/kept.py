"""What passes over a picture leave for those that follow: rows of tensors, and statistics."""

import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Rows:
    """A tensor (C, H, W) that is written and read from top to bottom, and forgotten behind."""

    def __init__(self) -> None:
        """No rows yet."""
        self._chunks: list[tuple[int, Array]] = []
        self.count = 0

    def append(self, rows: Array) -> None:
        """(C, h, W)."""
        if rows.size:
            self._chunks.append((self.count, _mapped(rows)))
        self.count += rows.shape[1]

    def take(self, start: int, stop: int | None) -> Array:
        """(1, C, stop - start, W), to the end without `stop`."""
        stop = self.count if stop is None else stop
        parts = [
            chunk[:, max(0, start - first) : stop - first]
            for first, chunk in self._chunks
            if first < stop and first + chunk.shape[1] > start
        ]
        return np.concatenate(parts, axis=1)[None]

    def forget(self, before: int | None) -> None:
        """Give back the memory of rows before one, or of all."""
        self._chunks = [
            (first, chunk)
            for first, chunk in self._chunks
            if before is not None and first + chunk.shape[1] > before
        ]


def _mapped(rows: Array) -> Array:
    """A copy in pages of its own, which go back to the system with it.

    Between the large tensors that come and go in the heap it would leave holes that nothing fits.
    """
    copy = np.frombuffer(mmap.mmap(-1, rows.nbytes), rows.dtype).reshape(rows.shape)
    copy[...] = rows
    return copy


class Moments:
    """Mean and variance of the channels of a tensor that comes in parts."""

    def __init__(self) -> None:
        """Of nothing yet."""
        self._count = 0
        self._sums = self._squares = np.zeros(1)

    def add(self, part: Array) -> None:
        """(C, h, W) float32."""
        flat = part.reshape(len(part), -1)
        ones = np.ones(flat.shape[1], np.float32)
        self._count += flat.shape[1]
        self._sums = self._sums + np.array([row @ ones for row in flat], np.float64)
        self._squares = self._squares + np.array([row @ row for row in flat], np.float64)

    def over(self, channels: int) -> tuple[Array, Array]:
        """Mean and variance, (channels,) float32 each.

        If there are fewer than of the tensor, each of them is that of neighbors taken together.
        """
        sums, squares = (each.reshape(channels, -1).sum(1) for each in (self._sums, self._squares))
        count = self._count * (len(self._sums) // channels)
        mean = sums / count
        variance = np.maximum(squares / count - mean**2, 0)
        return mean.astype(np.float32), variance.astype(np.float32)
