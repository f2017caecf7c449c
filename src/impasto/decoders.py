"""The one place that opens image files: which kinds, how large, and what Pillow needs help with.

Pillow by itself tries some forty formats on any file, whatever its name, and starts Ghostscript for
PostScript. A photograph is one of ten here.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from PIL import Image, TiffImagePlugin

from impasto import boxes, png, tiff
from impasto.errors import InputError
from impasto.unreadable import LARGEST, StrPath, check_file

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF", "PPM")
BOXES = {"AVIF", "JPEG2000"}
BY_NAME = {".tga": "TGA"}  # it begins with nothing that tells it from noise
SCANS = 100  # of a progressive JPEG, ordinary ones have ten; every one passes over all its pixels
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # but not what stands within a scan
SCAN, END = b"\xff\xda", b"\xff\xd9"
_pillow = threading.Lock()  # around settings that Pillow has for a whole process only


@contextmanager
def opened(path: StrPath) -> Iterator[Image.Image]:
    """An image file with its size and mode, whose pixels are still to be loaded.

    Yields:
        A Pillow image of any mode. Its `info` may have an "icc_profile", and "white", the number
        that is white, and "negative" if 0 is, where the mode does not say.

    Raises:
        InputError: the reason alone, without the file's name, and what is known to come out wrong.
        Exception: whatever Pillow's decoders raise.
    """
    check_file(path)
    with Path(path).open("rb") as file:
        source, profile = png.mend(file) if png.begins(file) else (file, None)
        with _settings():
            image = Image.open(source, formats=_formats(path))
        with image:
            if image.format in BOXES and "icc_profile" not in image.info:
                profile = boxes.profile(file, grey=image.mode[0] in "LI")
            if profile:
                image.info["icc_profile"] = profile
            if image.format == "TIFF":
                tiff.check(cast(TiffImagePlugin.TiffImageFile, image))
            if image.info.get("progressive"):
                file.seek(0)
                if _scans(file.read()) > SCANS:
                    raise InputError(f"it is a JPEG of more than {SCANS} scans, save it anew")
            yield image


def _formats(path: StrPath) -> tuple[str, ...]:
    named = BY_NAME.get(Path(path).suffix.lower())
    return (*FORMATS, named) if named else FORMATS


@contextmanager
def _settings() -> Iterator[None]:
    """Our bound on pixels, twice which Pillow refuses, and libtiff for every TIFF.

    Pillow's own reader of plain TIFF takes separate planes of 16 bits for planes of 8.
    """
    with _pillow:
        before = Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF
        Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF = LARGEST // 2, True
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF = before


def _scans(data: bytes) -> int:
    """Of the first picture in a JPEG file; behind it there may be a film, or a second one."""
    count, place = 0, 2
    while (found := MARKER.search(data, place)) and found[0] != END:
        count += found[0] == SCAN
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return count
