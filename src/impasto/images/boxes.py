"""What AVIF and JPEG 2000 files say of their colors and depth, which Pillow leaves out."""

import struct
from typing import BinaryIO

from impasto.images.profiles import of_codes

WITHIN = 1 << 22  # bytes from the beginning, where headers and profiles are
CODESTREAM = b"\xff\x4f\xff\x51"  # of JPEG 2000: its start, and the marker of its sizes
COMPONENTS = 40  # bytes from there to their number, three bytes each (ISO 15444-1, A.5.1)


def profile(file: BinaryIO, *, grey: bool) -> bytes | None:
    """From boxes `colr`, the ICC profile of a file, or one for its codes of H.273; or None.

    Raises:
        InputError: it is HDR.
    """
    file.seek(0)
    data = file.read(WITHIN)
    place = data.find(b"colr")
    if place < 4:
        return None
    end = place - 4 + struct.unpack_from(">I", data, place - 4)[0]
    content = data[place + 4 : end]
    if content[:4] == b"nclx" and len(content) >= 8:  # ISO 23008-12
        primaries, transfer = struct.unpack_from(">HH", content, 4)
        return of_codes(primaries, transfer, grey=grey)
    if content[:1] in (b"\2", b"\3"):  # ISO 15444-1 and -2: method, precedence, approximation
        return content[3:]
    return None


def bits(file: BinaryIO) -> int:
    """Of the deepest component of a JPEG 2000 file; 0 if it does not say."""
    file.seek(0)
    start = (data := file.read(WITHIN)).find(CODESTREAM)
    if start < 0 or len(data) < start + COMPONENTS + 2:
        return 0
    (count,) = struct.unpack_from(">H", data, start + COMPONENTS)
    depths = data[start + COMPONENTS + 2 :][: 3 * count : 3]
    return max((depth & 127) + 1 for depth in depths) if depths else 0
