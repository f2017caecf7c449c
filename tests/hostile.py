"""Image files that want to run, read, take or wait for something: each is small.

Every entry writes one file. What is asked of it is only that it ends soon, in little memory, as a
picture or as a sentence; test_faults_hostile.py has the limits.
"""

import gzip
import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from bad_files import content, encoded
from PIL import Image
from png_files import SIGNATURE, chunk

from impasto.images.decoders import LARGEST

Write = Callable[[Path], object]
SIDE = round(LARGEST**0.5)
MEGABYTE = 1 << 20


def png(*chunks: bytes, size: tuple[int, int] = (64, 64), kind: int = 2) -> bytes:
    head = struct.pack(">IIBBBBB", *size, 8, kind, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", head) + b"".join(chunks) + chunk(b"IEND", b"")


def pixels(size: tuple[int, int] = (64, 64)) -> bytes:
    return chunk(b"IDAT", zlib.compress(bytes((size[0] * 3 + 1) * size[1])))


@cache
def bomb(megabytes: int) -> bytes:
    """A thousandth of that, compressed."""
    pack = zlib.compressobj(9)
    parts = [pack.compress(bytes(MEGABYTE)) for _ in range(megabytes)]
    return b"".join([*parts, pack.flush()])


def claims(kind: str, at: int, layout: str, *numbers: int) -> Write:
    """A picture whose header, at a place, says something else."""
    data = bytearray(encoded(kind))
    struct.pack_into(layout, data, at, *numbers)
    return content(bytes(data))


def tiff(
    entries: dict[int, tuple[int, int, int]], data: bytes = bytes(64), after: int = 0
) -> Write:
    """Tags as (type, count, value or place); those of a small picture where they are missing."""
    plain = {256: (4, 1, 8), 257: (4, 1, 8), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1)}
    plain |= {273: (4, 1, 8), 277: (3, 1, 1), 278: (4, 1, 8), 279: (4, 1, len(data))}
    table = b"".join(
        struct.pack("<HHII", tag, *entry) for tag, entry in sorted((plain | entries).items())
    )
    place = 8 + len(data)
    head = struct.pack("<2sHI", b"II", 42, place) + data
    return content(
        head + struct.pack("<H", len(plain | entries)) + table + struct.pack("<I", after)
    )


def scans(count: int) -> Write:
    """A progressive JPEG that says the same again and again over many pixels."""
    buffer = io.BytesIO()
    Image.new("L", (64, 64)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    frame, scan = data.index(b"\xff\xc2"), data.index(b"\xff\xda")
    big = data[: frame + 5] + struct.pack(">HH", SIDE, SIDE) + data[frame + 9 : scan]
    end = data.index(b"\xff\xda", scan + 2) if data.count(b"\xff\xda") > 1 else len(data) - 2
    return content(big + data[scan:end] * count + b"\xff\xd9")


def jp2(*, tiles: int = 64, size: int = 64, parts: int = 3) -> bytes:
    """A codestream of nothing but its header."""
    sizes = struct.pack(">HIIIIIIII", 0, size, size, 0, 0, tiles, tiles, 0, 0)
    sizes += struct.pack(">H", parts) + b"\7\1\1" * parts
    style = b"\xff\x52\x00\x0c\0\0\0\1\1\5\4\4\0\1" + b"\xff\x5c\x00\x13\x40" + b"\x40" * 16
    start = b"\xff\x90\x00\x0a\0\0\0\0\0\x0e\0\1\xff\x93"
    return b"\xff\x4f\xff\x51" + struct.pack(">H", len(sizes) + 2) + sizes + style + start


def box(name: bytes, data: bytes, *, length: int | None = None) -> bytes:
    return struct.pack(">I4s", len(data) + 8 if length is None else length, name) + data


JP2 = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
HEADER = box(b"ihdr", struct.pack(">IIHBBBB", 64, 64, 3, 7, 7, 0, 0))
GIF = struct.pack("<6sHHBBB", b"GIF89a", 64, 64, 0xF0, 0, 0) + bytes(6)
BMP = struct.pack("<2sIHHI", b"BM", 0, 0, 0, 54)
FITS = [
    f"{key:8}= {value:>20}"
    for key, value in (
        ("SIMPLE", "T"),
        ("BITPIX", 8),
        ("NAXIS", 2),
        ("NAXIS1", 64),
        ("NAXIS2", 64),
        ("ZIMAGE", "T"),
        ("ZCMPTYPE", "'GZIP_1  '"),
        ("ZBITPIX", 8),
        ("ZNAXIS", 2),
        ("ZNAXIS1", 64),
        ("ZNAXIS2", 64),
        ("ZTILE1", 64),
    )
]
LOOPING = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 32\n%%BeginBinary: -60\n" + bytes(50)
SLOW = {"fewer scans.jpg", "runs.bmp", "long tile.tif"}  # what the bounds allow, seconds each
HOSTILE: dict[str, Write] = {
    # other kinds
    "postscript.jpg": content(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n{} loop\n"),
    "negative.eps.jpg": content(LOOPING),
    "fits.jpg": content(
        "".join(f"{line:80}" for line in [*FITS, "END"]).ljust(2880).encode()
        + gzip.compress(bytes(64 * MEGABYTE))
    ),
    "emf.png": content(b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(100)),
    "icons.png": content(b"icns" + struct.pack(">I", 1 << 31) + bytes(100)),
    "layers.tif": content(b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 30000, 30000, 8, 3)),
    "markup.jpg": content(b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/>"),
    # PNG
    "large.png": content(png(pixels(), size=(SIDE, SIDE))),
    "larger.png": content(png(pixels(), size=(1 << 31, 1 << 31))),
    "more than its pixels.png": lambda path: path.write_bytes(png(chunk(b"IDAT", bomb(256)))),
    "text.png": lambda path: path.write_bytes(png(chunk(b"zTXt", b"a\0\0" + bomb(256)), pixels())),
    "texts.png": lambda path: path.write_bytes(
        png(*[chunk(b"zTXt", b"a\0\0" + bomb(1))] * 500, pixels())
    ),
    "profile.png": lambda path: path.write_bytes(
        png(chunk(b"iCCP", b"a\0\0" + bomb(256)), pixels())
    ),
    "length.png": content(SIGNATURE + b"\xff\xff\xff\xffIHDR" + bytes(100)),
    "lengths.png": content(SIGNATURE + b"\x7f\xff\xff\xffaaaa" * 1000),
    "chunks.png": content(png(chunk(b"aaAa", b"") * 100_000, pixels())),
    "frames.png": content(png(chunk(b"acTL", struct.pack(">II", 1 << 31, 0)), pixels())),
    "window.png": content(png(chunk(b"IDAT", b"\x78\x9c" + bytes(10)))),
    # JPEG
    "large.jpg": claims("JPEG", encoded("JPEG").index(b"\xff\xc0") + 5, ">HH", SIDE, SIDE),
    "larger.jpg": claims("JPEG", encoded("JPEG").index(b"\xff\xc0") + 5, ">HH", 65500, 65500),
    "scans.jpg": scans(5000),
    "fewer scans.jpg": scans(90),
    "endless.jpg": content(encoded("JPEG")[:-2] + b"\xff\xda" * 100_000),
    "segments.jpg": content(b"\xff\xd8" + b"\xff\xe1\x00\x02" * 100_000 + encoded("JPEG")[2:]),
    "exif in a circle.jpg": content(
        b"\xff\xd8\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\1\0"
        + struct.pack("<HHII", 0x8769, 4, 1, 8)
        + bytes(4)
        + encoded("JPEG")[2:]
    ),
    "pictures.jpg": content(
        b"\xff\xd8\xff\xe2\x00\x28MPF\0II*\0\x08\0\0\0\1\0"
        + struct.pack("<HHII", 0xB001, 4, 1, 1 << 31)
        + bytes(6)
        + encoded("JPEG")[2:]
    ),
    # TIFF
    "large.tif": tiff({256: (4, 1, SIDE), 257: (4, 1, SIDE)}),
    "larger.tif": tiff({256: (4, 1, 1 << 30), 257: (4, 1, 1 << 30)}),
    "tile.tif": tiff({322: (4, 1, 1 << 30), 323: (4, 1, 1 << 30), 324: (4, 1, 8), 325: (4, 1, 64)}),
    "long tile.tif": tiff({322: (4, 1, 16), 323: (4, 1, 1 << 26), 324: (4, 1, 8), 325: (4, 1, 64)}),
    "strip.tif": tiff({278: (4, 1, 1 << 31), 279: (4, 1, 1 << 31)}),
    "tags.tif": tiff({34675: (7, (1 << 32) - 1, 8)}),
    "many tags.tif": tiff({34675: (12, 1 << 28, 8)}),
    "circle.tif": tiff({}, after=72),
    "parts.tif": tiff({330: (4, 1, 72), 34665: (4, 1, 72)}),
    "samples.tif": tiff({277: (4, 1, 1 << 30)}),
    "palette.tif": tiff({262: (3, 1, 3), 320: (3, 1 << 30, 8)}),
    "bomb.tif": tiff({259: (3, 1, 8)}, bomb(64)),
    "lzma.tif": tiff(
        {259: (3, 1, 34925)}, b"\xfd7zXZ\0\0\4\xe6\xd6\xb4\x46\2\0!\1\x28" + bytes(64)
    ),
    "zstd.tif": tiff({259: (3, 1, 50000)}, b"\x28\xb5\x2f\xfd\x00\xf8" + bytes(64)),
    # GIF, BMP, WebP
    "large.gif": content(
        GIF[:6]
        + struct.pack("<HH", SIDE, SIDE)
        + GIF[10:]
        + b"\x2c"
        + struct.pack("<HHHHBB", 0, 0, SIDE, SIDE, 0, 2)
        + bytes(20)
    ),
    "larger.gif": content(
        GIF[:6]
        + b"\xff\xff\xff\xff"
        + GIF[10:]
        + b"\x2c"
        + bytes(4)
        + b"\xff\xff\xff\xff\0\2"
        + bytes(20)
    ),
    "outside.gif": content(GIF + b"\x2c\xff\xff\xff\xff\x40\0\x40\0\0\2\1\0\0;"),
    "comments.gif": content(GIF + b"\x21\xfe\1a\0" * 200_000 + b";"),
    "large.bmp": content(
        BMP + struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 24, 0, 0, 0, 0, 0, 0)
    ),
    "runs.bmp": content(
        BMP
        + struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 8, 1, 0, 0, 0, 0, 0)
        + b"\0\2\xff\xff" * 10_000
    ),
    "colors.bmp": content(
        BMP + struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 8, 0, 0, 0, 0, 1 << 31, 0)
    ),
    "lowest.bmp": content(BMP + struct.pack("<IiiHHIIiiII", 40, 8, -(1 << 31), 1, 24, *[0] * 6)),
    "large.webp": content(
        b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0"
        + b"\xff\x3f\0" * 2
        + b"ANIM\6\0\0\0\0\0\0\0\0\0ANMF\x18\0\0\0"
        + bytes(24)
    ),
    # JPEG 2000, AVIF
    "large.j2k": content(jp2(size=SIDE, tiles=SIDE)),
    "tiles.j2k": content(jp2(size=SIDE, tiles=64)),
    "tile of one.j2k": content(jp2(size=255, tiles=1)),
    "parts.j2k": content(jp2(parts=16384)),
    "no length.jp2": content(JP2 + box(b"jp2h", b"", length=0) + bytes(100)),
    "one.jp2": content(JP2 + box(b"jp2h", struct.pack(">Q", 1 << 63), length=1)),
    "boxes.jp2": content(JP2 + box(b"free", b"") * 100_000),
    "inside.jp2": content(JP2 + box(b"jp2h", HEADER + box(b"res ", b"", length=1 << 31))),
    "colors.jp2": content(
        JP2 + box(b"jp2h", HEADER + box(b"pclr", struct.pack(">HB", 65535, 255) + bytes(9)))
    ),
    "colr.jp2": content(JP2 + box(b"jp2h", HEADER + box(b"colr", b"\2\0\0", length=1 << 31))),
    "large.avif": content(
        encoded("AVIF").replace(struct.pack(">II", 64, 64), struct.pack(">II", 65535, 65535))
    ),
    "items.avif": content(encoded("AVIF")[:60] + b"\xff" * 200),
    # PNM, Targa
    "large.ppm": content(b"P6 %d %d 255\n" % (SIDE, SIDE)),
    "larger.ppm": content(b"P6 99999999999 99999999999 255\n"),
    "digits.ppm": content(b"P3 " + b"9" * MEGABYTE),
    "spaces.ppm": content(b"P3 8 8 255\n" + b" " * (4 * MEGABYTE)),
    "comment.ppm": content(b"P3 8 8 255\n#" + b"x" * (4 * MEGABYTE)),
    "large.tga": content(
        struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, 16000, 16000, 24, 32)
    ),
    "colors.tga": content(
        struct.pack("<BBBHHBHHHHBB", 255, 1, 9, 65535, 65535, 32, 0, 0, 64, 64, 8, 32) + bytes(9)
    ),
    "noise.tga": content(np.random.default_rng(0).bytes(5000)),
}
