"""What a picture may keep of its photograph's EXIF: when, with what and by whom it was taken."""

import contextlib
from dataclasses import dataclass
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base

# The rest of the first directory says how the photograph's pixels are stored.
KEPT = {
    *(Base.ImageDescription, Base.Make, Base.Model, Base.XResolution, Base.YResolution),
    *(Base.ResolutionUnit, Base.Software, Base.DateTime, Base.Artist, Base.HostComputer),
    Base.Copyright,
}
# Of no use elsewhere, or broken when moved; a maker's notes may say where a photograph was taken.
DROPPED = {Base.MakerNote, IFD.Interop}
UPRIGHT, SRGB = 1, 1
LARGEST = 65_000  # bytes; a JPEG has room for 65,533


@dataclass(frozen=True, kw_only=True)
class Exif:
    """Three directories of tags."""

    main: dict[int, Any]
    photo: dict[int, Any]
    gps: dict[int, Any]


def read_exif(image: Image.Image) -> Exif | None:
    """Of an image that `decoders.opened` gives; None if there is none, or a garbled one."""
    if image.format == "PNG":  # to find a block behind the pixels Pillow reads these, and may fail
        image.load()
    with contextlib.suppress(Exception):  # Pillow raises anything, from SyntaxError to struct.error
        found = image.getexif()
        exif = Exif(
            main={tag: value for tag, value in found.items() if tag in KEPT},
            photo={
                tag: value
                for tag, value in found.get_ifd(IFD.Exif).items()
                if tag not in DROPPED and not isinstance(value, dict)
            },
            gps=dict(found.get_ifd(IFD.GPSInfo)),
        )
        if exif.main or exif.photo or exif.gps:
            return exif
    return None


def exif_bytes(exif: Exif | None, *, size: tuple[int, int], gps: bool, srgb: bool) -> bytes:
    """A block for a picture, upright and without a preview of the photograph.

    Args:
        exif: of the photograph.
        size: width and height of the picture, pixels.
        gps: keep where it was taken.
        srgb: that is what the colors are.

    Returns:
        What Pillow's savers take, b"" if nothing is left or it cannot be written.
    """
    with contextlib.suppress(Exception):  # values that Pillow has read and cannot write
        block = Image.Exif()
        for tag, value in directories(exif, size=size, gps=gps, srgb=srgb).items():
            block[tag] = value
        written = block.tobytes() if len(block) else b""
        return written if len(written) <= LARGEST else b""
    return b""


def directories(
    exif: Exif | None, *, size: tuple[int, int], gps: bool, srgb: bool
) -> dict[int, Any]:
    """The tags of `exif_bytes`, a dict for each of the inner directories; {} if nothing is left."""
    if exif is None or not (exif.main or exif.photo or (gps and exif.gps)):
        return {}
    photo = dict(exif.photo)
    sides = zip((Base.ExifImageWidth, Base.ExifImageHeight), size, strict=True)
    photo |= {tag: side for tag, side in sides if tag in photo}
    if srgb and Base.ColorSpace in photo:
        photo[Base.ColorSpace] = SRGB
    tags = {**exif.main, Base.Orientation: UPRIGHT, IFD.Exif: photo}
    return {**tags, IFD.GPSInfo: exif.gps} if gps and exif.gps else tags
