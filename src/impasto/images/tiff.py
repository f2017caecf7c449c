"""What a TIFF means where Pillow's mode does not say it, which ones Pillow gets wrong, and how 16
bits a color are written, which Pillow cannot.

Found by a table of every arrangement that tifffile writes, tests/test_kinds_tiff.py.
"""

import io
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from impasto.errors import InputError

COMPRESSION, PHOTOMETRIC, BITS, INK_SET, PLANES, FORMAT = 259, 262, 258, 332, 284, 339  # tags
COLOR_MAP, OFFSETS, COUNTS = 320, (273, 324), (279, 325)  # of strips, of tiles
WIDTH, LENGTH, SAMPLES, ROWS, TILE_WIDTH, TILE_LENGTH = 256, 257, 277, 278, 322, 323
WHITE_IS_ZERO, SEPARATED = 0, 5
PREDICTOR, EXTRA_SAMPLES, PROFILE = 317, 338, 34675
DEFLATE, RGB, DIFFERENCES, UNASSOCIATED = 8, 2, 2, 2
SIGNED, FLOAT, NO_COMPRESSION, APART, CMYK_INKS = 2, 3, 1, 2, 1


def check(image: TiffImageFile, *, size: int) -> None:
    """Say in `image.info` what the mode does not say of deep grey.

    That is "numbers", the numpy type that is in the buffer; "white", which of them is white;
    "negative", if 0 is. `size` is that of the file, bytes.

    Raises:
        InputError: the pixels would come out wrong, or the file has been cut short.
    """
    if _is_cut(image, size):  # libtiff would say so on stderr
        raise InputError("it is damaged, save it again as JPEG or PNG")
    tags = image.tag_v2
    kind, bits = _all(tags.get(FORMAT, 1))[0], _all(tags.get(BITS, 1))[0]
    grey = image.mode[0] in "IF"  # more than 8 bits
    if grey and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        image.info["negative"] = True
    if bits == 12:
        image.info["white"] = 2**12 - 1
    if kind == SIGNED and bits == 16:
        image.info["white"] = 2**15 - 1
    if bits == 32 and grey:
        image.info["numbers"] = _order(image) + {1: "u4", SIGNED: "i4", FLOAT: "f4"}[kind]
    colors = tags.get(COLOR_MAP)
    if image.mode == "P" and colors and max(colors) < 256:  # 16 bits each, but old programs wrote 8
        image.putpalette(bytes(np.reshape(colors, (3, -1)).T.astype(np.uint8)))
    if problem := _problem(image, kind=kind, bits=bits):
        raise InputError(f"it is a TIFF {problem}, save it again as PNG or as 8-bit RGB")


def encode(pixels: npt.NDArray[Any], *, profile: bytes | None, exif: bytes) -> bytes:
    """A TIFF file of H×W×3 or H×W×4 numbers of 16 bits, the fourth of them alpha."""
    height, width, channels = pixels.shape
    differences = pixels.astype("<u2")
    differences[:, 1:] -= pixels[:, :-1]
    strip = zlib.compress(differences.tobytes())
    tags = ImageFileDirectory_v2()
    for tag, value in _kept(exif).items():
        tags[tag] = value
    tags[WIDTH], tags[LENGTH], tags[ROWS] = width, height, height
    tags[BITS], tags[SAMPLES] = (16,) * channels, channels
    tags[PHOTOMETRIC], tags[PLANES] = RGB, 1
    tags[COMPRESSION], tags[PREDICTOR] = DEFLATE, DIFFERENCES
    tags[OFFSETS[0]], tags[COUNTS[0]] = 0, len(strip)  # Pillow adds where the tags end
    if channels == 4:
        tags[EXTRA_SAMPLES] = UNASSOCIATED
    if profile:
        tags[PROFILE] = profile
    file = io.BytesIO()
    tags.save(file)
    return file.getvalue() + strip


def _kept(exif: bytes) -> dict[int, Any]:
    """The tags of a block of EXIF, which is a TIFF without a picture."""
    block = Image.Exif()
    if exif:
        block.load(exif)
    inner = {tag for tag in (IFD.Exif, IFD.GPSInfo) if tag in block}
    return {**block, **{int(tag): block.get_ifd(tag) for tag in inner}}


def _problem(image: TiffImageFile, *, kind: int, bits: int) -> str | None:
    """What Pillow gets wrong."""
    tags = image.tag_v2
    if kind == SIGNED and (bits == 8 or (bits == 16 and _order(image) == ">")):
        return "with signed numbers"
    if bits == 12 and tags.get(COMPRESSION) != NO_COMPRESSION:
        return "with compressed samples of 12 bits"
    if tags.get(PLANES) == APART and image.mode in ("LA", "La", "PA"):
        return "with transparency in a separate plane"
    if tags.get(PHOTOMETRIC) == SEPARATED and tags.get(INK_SET, CMYK_INKS) != CMYK_INKS:
        return "with inks other than cyan, magenta, yellow and black"
    return None


def _is_cut(image: TiffImageFile, size: int) -> bool:
    """Whether a strip or tile is said to lie, or has to, behind the end of the file."""
    tags = image.tag_v2
    starts, lengths = (_all(tags.get(s, tags.get(t, ()))) for s, t in (OFFSETS, COUNTS))
    if tags.get(COMPRESSION) == NO_COMPRESSION:  # then some programs write what they like
        width = tags.get(TILE_WIDTH, tags[WIDTH])
        rows = tags.get(TILE_LENGTH, min(tags.get(ROWS, tags[LENGTH]), tags[LENGTH]))
        samples = 1 if tags.get(PLANES) == APART else tags.get(SAMPLES, 1)
        whole = -(-width * samples * _all(tags.get(BITS, 1))[0] // 8) * rows
        lengths = tuple(min(length, whole) for length in lengths)
    return any(start + length > size for start, length in zip(starts, lengths, strict=False))


def _order(image: TiffImageFile) -> str:
    """libtiff gives the machine's order, and Pillow turns big-endian numbers once more."""
    return ">" if image.tag_v2.prefix == b"MM" else "<"


def _all(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)
