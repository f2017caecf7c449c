"""What passes over a picture leave for those that follow: rows of tensors, and statistics."""

import mmap
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Copy = tuple[Array, mmap.mmap]


class Pages:
    """Memory of its own for what is kept, of which there is no more than it may take.

    In the heap it would leave holes, between large tensors that come and go, that nothing fits.
    What is given back is used again: new pages cost time, as the system clears them.
    """

    def __init__(self, most: float) -> None:
        """None yet; `most` bytes are held, unless more are in use."""
        self._most, self._held = most, 0
        self._free: list[mmap.mmap] = []
        self._lock = Lock()

    def copy(self, array: Array) -> Copy:
        """A copy, and the memory that it lies in; for several threads at once."""
        with self._lock:
            pages = self._take(max(1, array.nbytes))
        copy = np.ndarray(array.shape, array.dtype, pages)
        copy[...] = array
        return copy, pages

    def give(self, pages: mmap.mmap) -> None:
        """What nobody reads any more."""
        with self._lock:
            self._free.append(pages)

    def _take(self, size: int) -> mmap.mmap:
        fits = (each for each in self._free if size <= len(each) <= 2 * size)
        pages = next(fits, None)
        if pages is not None:
            self._free.remove(pages)
            return pages
        while self._free and self._held + size > self._most:
            self._held -= len(self._free.pop(0))
        self._held += size
        return mmap.mmap(-1, size)


class Rows:
    """A tensor (C, H, W) that is written and read from top to bottom, and forgotten behind."""

    def __init__(self, pages: Pages) -> None:
        """No rows yet; where they are kept."""
        self._pages = pages
        self._chunks: list[tuple[int, Array, mmap.mmap]] = []
        self.count = 0

    def append(self, rows: Copy) -> None:
        """(C, h, W), copied to the pages."""
        self._chunks.append((self.count, *rows))
        self.count += rows[0].shape[1]

    def take(self, start: int, stop: int | None) -> Array:
        """(1, C, stop - start, W), to the end without `stop`."""
        stop = self.count if stop is None else stop
        parts = [
            chunk[:, max(0, start - first) : stop - first]
            for first, chunk, _ in list(self._chunks)  # others may forget meanwhile
            if first < stop and first + chunk.shape[1] > start
        ]
        return np.concatenate(parts, axis=1)[None]

    def forget(self, before: int) -> None:
        """Give back the memory of rows before one."""
        while self._chunks and self._chunks[0][0] + self._chunks[0][1].shape[1] <= before:
            self._pages.give(self._chunks.pop(0)[2])


class Moments:
    """Mean and variance of the channels of a tensor that comes in parts."""

    def __init__(self) -> None:
        """Of nothing yet."""
        self._count = 0
        self._sums = self._squares = np.zeros(1)

    def add(self, part: Array) -> None:
        """(C, h, W) float32."""
        flat = [channel.reshape(-1) for channel in part]  # views, unlike of all at once
        sums = [float(row.sum()) for row in flat]
        squares = [float(np.einsum("i,i", row, row)) for row in flat]  # no BLAS, with its threads
        self._join(part[0].size, np.array(sums), np.array(squares))

    def add_all(self, other: "Moments") -> None:
        """What another one has seen."""
        self._join(other._count, other._sums, other._squares)

    def _join(self, count: int, sums: Array, squares: Array) -> None:
        self._count += count
        self._sums, self._squares = self._sums + sums, self._squares + squares

    def over(self, channels: int) -> tuple[Array, Array]:
        """Mean and variance, (channels,) float32 each.

        If there are fewer than of the tensor, each of them is that of neighbors taken together.
        """
        sums, squares = (each.reshape(channels, -1).sum(1) for each in (self._sums, self._squares))
        count = self._count * (len(self._sums) // channels)
        mean = sums / count
        variance = np.maximum(squares / count - mean**2, 0)
        return mean.astype(np.float32), variance.astype(np.float32)
