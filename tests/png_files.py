"""PNG files of every kind, written here byte by byte so that their pixels are known."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of each type of color
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))
ADAM7 += ((1, 0, 2, 1),)  # first row and column, steps
Chunk = tuple[bytes, bytes]


def chunk(name: bytes, data: bytes, *, checksum: int | None = None) -> bytes:
    """Length, name, data, and a checksum that is right unless it is given."""
    right = zlib.crc32(name + data)
    return (
        struct.pack(">I", len(data))
        + name
        + data
        + struct.pack(">I", right if checksum is None else checksum)
    )


def encode(
    samples: np.ndarray,
    *,
    kind: int,
    depth: int,
    interlaced: bool = False,
    before: Sequence[Chunk] = (),
) -> bytes:
    """H×W×channels samples, chunks `before` their data, every row with another filter."""
    height, width = samples.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    rows = b"".join(
        _filtered(part, depth) for y, x, dy, dx in passes if (part := samples[y::dy, x::dx]).size
    )
    parts = [(b"IHDR", head), *before, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


def _filtered(samples: np.ndarray, depth: int) -> bytes:
    height, width, channels = samples.shape
    if depth == 16:
        rows = samples.astype(">u2").view(np.uint8).reshape(height, -1)
    elif depth == 8:
        rows = samples.astype(np.uint8).reshape(height, -1)
    else:
        bits = np.unpackbits(samples.astype(np.uint8).reshape(height, width, 1), axis=2)
        rows = np.packbits(bits[..., 8 - depth :].reshape(height, -1), axis=1)
    return b"".join(_row(rows, y, max(1, channels * depth // 8)) for y in range(height))


def _row(rows: np.ndarray, y: int, step: int) -> bytes:
    """Row y by filter y % 5: none, left, above, mean, Paeth (PNG 9.2)."""
    row = rows[y].astype(int)
    above = rows[y - 1].astype(int) if y else np.zeros_like(row)
    left, corner = (
        np.concatenate([np.zeros(step, int), line])[: len(row)] for line in (row, above)
    )
    guess = left + above - corner
    distances = np.abs([guess - left, guess - above, guess - corner])
    paeth = np.choose(np.argmin(distances, axis=0), [left, above, corner])
    predicted = [0 * row, left, above, (left + above) // 2, paeth][y % 5]
    return bytes([y % 5]) + ((row - predicted) % 256).astype(np.uint8).tobytes()
