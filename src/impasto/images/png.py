"""PNG files: faults beside the picture, which every viewer passes over, what its colors are, and
how 16 bits a color are written, which Pillow cannot.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from impasto.errors import InputError
from impasto.files import bytes_in
from impasto.images.profiles import SRGB, Points, build, is_gamut, of_codes

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PICTURE = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"}
COLORS = {b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"cICP"}
LARGEST_PROFILE = 1 << 24  # bytes; profiles of presses have three million
UNIT = 100_000  # of the numbers in gAMA and cHRM
GAMMA = 1 / 2.2  # what nearly all files say that mean sRGB, and some that say it badly
GREY, RGB, RGBA = (0, 4), 2, 6  # types of color
SUB, UP = 1, 2  # filters of a row: less what is on the left, less what is above
ROWS = 256  # compressed at a time


def begins(file: BinaryIO) -> bool:
    """Whether a file begins as a PNG; it is left at its beginning."""
    start = file.read(len(SIGNATURE))
    file.seek(0)
    return start == SIGNATURE


def mend(file: BinaryIO) -> tuple[BinaryIO, bytes | None]:
    """The picture in a PNG file, without text and further frames, and its ICC profile.

    Chunks beside the picture (ancillary ones, PNG 3rd edition 5.4) with a wrong checksum are left
    out, as libpng does; those of the picture are kept for the decoder to judge. Where there are
    numbers for the colors instead of a profile, one is made of them (section 4.3).

    Raises:
        InputError: HDR, or transparency that 8 bits cannot tell.
    """
    kept, depth, kind = [file.read(len(SIGNATURE))], 8, RGB
    colors: dict[bytes, bytes] = {}
    for name, data, checksum in _chunks(file):
        if name[0] & 32 and checksum != _checksum(name, data):
            continue
        if name == b"IHDR" and len(data) == 13:
            depth, kind = data[8:10]
        if name in COLORS:
            colors.setdefault(name, data)
        elif name == b"tRNS":
            color = _transparent(data, depth=depth, kind=kind)
            kept += [struct.pack(">I", len(color)), name, color, _checksum(name, color)]
        elif name in PICTURE:
            kept += [struct.pack(">I", len(data)), name, data, checksum]
    return io.BytesIO(b"".join(kept)), _profile(colors, grey=kind in GREY)


def encode(pixels: npt.NDArray[Any], *, profile: bytes | None, exif: bytes) -> bytes:
    """A PNG file of H×W×3 or H×W×4 numbers of 16 bits, the fourth of them alpha."""
    height, width, channels = pixels.shape
    kind = RGB if channels == 3 else RGBA
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))]
    if profile:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(profile)))
    if exif:
        chunks.append((b"eXIf", exif.removeprefix(b"Exif\0\0")))
    pack, packed = zlib.compressobj(strategy=zlib.Z_RLE), []
    above = np.zeros((1, width * channels * 2), np.uint8)
    for start in range(0, height, ROWS):
        part = pixels[start : start + ROWS].astype(">u2")
        rows = np.concatenate([above, part.view(np.uint8).reshape(len(part), -1)])
        packed.append(pack.compress(_filtered(rows, pixel=2 * channels).tobytes()))
        above = rows[-1:]
    chunks += [(b"IDAT", b"".join([*packed, pack.flush()])), (b"IEND", b"")]
    parts = (
        part
        for name, data in chunks
        for part in (struct.pack(">I", len(data)), name, data, _checksum(name, data))
    )
    return SIGNATURE + b"".join(parts)


def _filtered(rows: npt.NDArray[np.uint8], *, pixel: int) -> npt.NDArray[np.uint8]:
    """All rows but the first, each by the filter that leaves less, which is its first byte.

    Less is the sum of the bytes as signed numbers (PNG 3rd edition, 12.7).
    """
    up, sub = rows[1:] - rows[:-1], rows[1:].copy()
    sub[:, pixel:] -= rows[1:, :-pixel]
    sums = [np.abs(each.view(np.int8).astype(np.int16)).sum(axis=1) for each in (sub, up)]
    best = (sums[1] < sums[0])[:, None]
    kind = np.where(best, np.uint8(UP), np.uint8(SUB))
    return np.concatenate([kind, np.where(best, up, sub)], axis=1)


def _transparent(data: bytes, *, depth: int, kind: int) -> bytes:
    """The color that is transparent as Pillow compares it: with levels of 8 bits, if fewer."""
    if kind == RGB and depth == 16:
        raise InputError("it is a 16-bit PNG with a transparent color, save it again as 8-bit PNG")
    if kind == GREY[0] and 1 < depth < 8 and len(data) >= 2:
        return struct.pack(">H", int.from_bytes(data[:2], "big") * 255 // (2**depth - 1))
    return data


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Name, content and checksum, to the end of the picture or of the file."""
    size = bytes_in(file)  # read(length) takes that much memory before it reads
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        yield name, file.read(min(length, size)), file.read(4)
        if name == b"IEND":
            break


def _checksum(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))


def _profile(colors: dict[bytes, bytes], *, grey: bool) -> bytes | None:
    """By the first that there is of cICP, iCCP, sRGB, and gAMA with cHRM."""
    if len(codes := colors.get(b"cICP", b"")) == 4:
        return of_codes(codes[0], codes[1], grey=grey)
    if b"iCCP" in colors:
        return _unpacked(colors[b"iCCP"])
    if b"sRGB" in colors:
        return None
    points, gamma = _points(colors.get(b"cHRM", b"")), GAMMA
    if len(data := colors.get(b"gAMA", b"")) == 4:
        gamma = int.from_bytes(data, "big") / UNIT or GAMMA
    if points is SRGB and abs(gamma / GAMMA - 1) < 0.05:
        return None
    return build(points, None if gamma == GAMMA else 1 / gamma, grey=grey)


def _points(data: bytes) -> Points:
    """White, red, green and blue; those of sRGB if they are close to it or make no sense."""
    if len(data) != 32:
        return SRGB
    numbers = np.array(struct.unpack(">8I", data)) / UNIT
    points = numbers.reshape(4, 2)
    close = np.abs(points - SRGB).max() < 0.002
    return SRGB if close or not is_gamut(points) else points


def _unpacked(data: bytes) -> bytes | None:
    """Of a chunk iCCP: a name, a null, a null for deflate, the profile. None if it is broken."""
    unpack = zlib.decompressobj()
    try:
        profile = unpack.decompress(data.partition(b"\0")[2][1:], LARGEST_PROFILE)
    except zlib.error:
        return None
    return profile if unpack.eof else None
