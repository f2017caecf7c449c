"""The one place that opens image files: which kinds, how large, what Pillow needs help with, and
what to say of a file that is no picture.

Pillow by itself tries some forty formats on any file, whatever its name, and starts Ghostscript for
PostScript. A photograph is one of ten here.
"""

import contextlib
import io
import os
import re
import stat
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from impasto.errors import InputError
from impasto.files import bytes_in
from impasto.images import boxes, png, tiff

StrPath = str | os.PathLike[str]
Source = str | os.PathLike[str] | io.BytesIO  # a file, or what one would hold
LARGEST = 2**28  # pixels; phones take 200 million, and 16,384² is as much as WebP and AVIF can have
_EMPTY = "it is empty, save it again as JPEG or PNG"
_NO_IMAGE = "it is not an image of a supported format, save it again as JPEG or PNG"
_TIFF = "it is a TIFF variant that Pillow cannot read, save it again as PNG or as 8-bit RGB"
_HEIC = "it is a HEIC file, which needs one more package: pip install 'impasto[heif]'"
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_REASONS: dict[type[Exception], str] = {  # the first that fits
    FileNotFoundError: "there is no such file, check the name",
    IsADirectoryError: "it is a folder, name an image in it",
    PermissionError: "you have no permission to read it, change its permissions",
    Image.DecompressionBombError: f"it has more than {LARGEST:,} pixels, scale it down first",
    MemoryError: "it does not fit in memory, scale it down first",
}

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF", "PPM")
BY_NAME = {".tga": "TGA"}  # it begins with nothing that tells it from noise
SCANS = 100  # of a progressive JPEG, ordinary ones have ten; every one passes over all its pixels
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # but not what stands within a scan
SCAN, END = b"\xff\xda", b"\xff\xd9"


@contextlib.contextmanager
def opened(path: Source) -> Iterator[Image.Image]:
    """An image file, or its bytes, with size and mode; its pixels are still to be loaded.

    Yields:
        A Pillow image of any mode. Its `info` may have an "icc_profile", "opaque" if what is in the
        place of transparency is none, and "numbers", "white" and "negative" as from `tiff.check`.

    Raises:
        InputError: the reason alone, without the file's name, and what is known to come out wrong.
        Exception: whatever Pillow's decoders raise.
    """
    _check_file(path)
    with _pillow, _stream(path) as file:
        source, profile = png.mend(file) if png.begins(file) else (file, None)
        with _begun(source, formats=_formats(path)) as image:
            if profile:
                image.info["icc_profile"] = profile
            if help_is_needed := HELP.get(str(image.format)):
                help_is_needed(image, file)
            yield image


def _begun(file: BinaryIO, *, formats: tuple[str, ...]) -> Image.Image:
    """An image of which the header has been read; HEIC needs an extra."""
    start = file.read(12)
    file.seek(0)
    if not (start[4:8] == b"ftyp" and start[8:] in _HEIC_BRANDS and b"avif" not in _brands(file)):
        return Image.open(file, formats=formats)
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise InputError(_HEIC) from error
    image: Image.Image = HeifImageFile(file)  # nothing is registered with Pillow
    if image.width * image.height > LARGEST:
        raise Image.DecompressionBombError
    return image


def _brands(file: BinaryIO) -> bytes:
    """What a file of boxes says it is compatible with, in the first of them; it stays where it is.

    An AVIF may begin with the brand of all still pictures, mif1.
    """
    (length,) = struct.unpack(">I", file.read(4))
    brands = file.read(min(length, 1024))
    file.seek(0)
    return brands


def reason(path: Source, error: Exception) -> str:
    """What is wrong with a file that raised `error`, and the remedy, without the file's name."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        return _unidentified(path)
    for kind, text in _REASONS.items():
        if isinstance(error, kind):
            return text
    if isinstance(error, OSError) and error.strerror:  # links in circles, a disk that fails
        return f"{error.strerror}, check the file system"
    return "it is damaged, save it again as JPEG or PNG"


def _unidentified(path: Source) -> str:
    with contextlib.suppress(OSError), _stream(path) as file:
        file.seek(0)
        start = file.read(12)
        if start[:2] in (b"II", b"MM"):
            return _TIFF
    return _NO_IMAGE


def _check_file(path: Source) -> None:
    """Refuse what no decoder should be given: folders, pipes (they would wait), empty files.

    Raises:
        InputError: the reason alone, without the file's name.
        OSError: it is not there or may not be looked at.
    """
    if isinstance(path, io.BytesIO):
        if not path.getbuffer().nbytes:
            raise InputError(_EMPTY)
        return
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError
    if not stat.S_ISREG(status.st_mode):
        raise InputError("it is a pipe or a device, name a file")
    if not status.st_size:
        raise InputError(_EMPTY)


def _tiff(image: Image.Image, file: BinaryIO) -> None:
    tiff.check(cast(TiffImagePlugin.TiffImageFile, image), size=bytes_in(file))


def _jpeg(image: Image.Image, file: BinaryIO) -> None:
    file.seek(0)
    if image.info.get("progressive") and _scans(file.read()) > SCANS:
        raise InputError(f"it is a JPEG with more than {SCANS} scans, save it again")


def _avif(image: Image.Image, file: BinaryIO) -> None:
    if "icc_profile" not in image.info:
        image.info["icc_profile"] = boxes.profile(file, grey=image.mode[0] in "LI")


def _jpeg_2000(image: Image.Image, file: BinaryIO) -> None:
    """Of more than 8 bits in color Pillow makes white black: it rounds beyond the last level."""
    if image.mode not in ("L", "I;16") and boxes.bits(file) not in range(1, 9):
        raise InputError("it is a JPEG 2000 with more than 8 bits per color, save it again as PNG")
    _avif(image, file)


def _targa(image: Image.Image, file: BinaryIO) -> None:
    """Transparency that the file says it has none of."""
    file.seek(16)
    depth, flags = file.read(2)
    image.info["opaque"] = depth == 16 or not flags & 15


HELP = {"TIFF": _tiff, "JPEG": _jpeg, "AVIF": _avif, "JPEG2000": _jpeg_2000, "TGA": _targa}
HELP["HEIF"] = _avif


def _stream(path: Source) -> contextlib.AbstractContextManager[BinaryIO]:
    return contextlib.nullcontext(path) if isinstance(path, io.BytesIO) else Path(path).open("rb")


def _formats(path: Source) -> tuple[str, ...]:
    if isinstance(path, io.BytesIO):
        return FORMATS
    named = BY_NAME.get(Path(path).suffix.lower())
    return (*FORMATS, named) if named else FORMATS


class _Settings:
    """Our bound on pixels, twice which Pillow refuses, and libtiff for every TIFF.

    Pillow's own reader of plain TIFF takes separate planes of 16 bits for planes of 8. Both are
    settings of the whole program, so they are ours only while a thread of ours needs them.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.before: tuple[int | None, bool] = (None, False)

    def __enter__(self) -> None:
        with self.lock:
            if not self.users:
                self.before = Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF
                Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF = LARGEST // 2, True
            self.users += 1

    def __exit__(self, *_error: object) -> None:
        with self.lock:
            self.users -= 1
            if not self.users:
                Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF = self.before


_pillow = _Settings()


def _scans(data: bytes) -> int:
    """Of the first picture in a JPEG file; behind it there may be a film, or a second one."""
    count, place = 0, 2
    while (found := MARKER.search(data, place)) and found[0] != END:
        count += found[0] == SCAN
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return count
