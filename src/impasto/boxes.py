"""The colors of AVIF and JPEG 2000 files, which Pillow leaves out: boxes called `colr`."""

import struct
from typing import BinaryIO

from impasto.profiles import of_codes

WITHIN = 1 << 22  # bytes from the beginning, where headers and profiles are


def profile(file: BinaryIO, *, grey: bool) -> bytes | None:
    """The ICC profile of a file, or one for its codes of H.273; None where there is none.

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
