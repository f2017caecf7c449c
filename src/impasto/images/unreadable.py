"""Why a file is no picture: one reason a kind of trouble, whatever a decoder raises."""

import contextlib
import os
import stat
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from impasto.errors import InputError

StrPath = str | os.PathLike[str]
LARGEST = 2**28  # pixels; phones take 200 million, and 16,384² is as much as WebP and AVIF can have
_NO_IMAGE = "it is not an image of a supported format, save it again as JPEG or PNG"
_TIFF = "it is a TIFF variant that Pillow cannot read, save it again as PNG or as 8-bit RGB"
_HEIC = "it is a HEIC file, which is not supported, convert it to JPEG or PNG"
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_REASONS: dict[type[Exception], str] = {  # the first that fits
    FileNotFoundError: "there is no such file, check the name",
    IsADirectoryError: "it is a folder, name an image in it",
    PermissionError: "you have no permission to read it, change its permissions",
    Image.DecompressionBombError: f"it has more than {LARGEST:,} pixels, scale it down first",
    MemoryError: "it does not fit in memory, scale it down first",
}


def check_file(path: StrPath) -> None:
    """Refuse what no decoder should be given: folders, pipes (they would wait), empty files.

    Raises:
        InputError: the reason alone, without the file's name.
        OSError: it is not there or may not be looked at.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError
    if not stat.S_ISREG(status.st_mode):
        raise InputError("it is a pipe or a device, name a file")
    if not status.st_size:
        raise InputError("it is empty, save it again as JPEG or PNG")


def reason(path: StrPath, error: Exception) -> str:
    """What is wrong with a file that raised `error`, and the remedy, without the file's name."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        return _unidentified(Path(path))
    for kind, text in _REASONS.items():
        if isinstance(error, kind):
            return text
    if isinstance(error, OSError) and error.strerror:  # links in circles, a disk that fails
        return f"{error.strerror}, check the file system"
    return "it is damaged, save it again as JPEG or PNG"


def _unidentified(path: Path) -> str:
    with contextlib.suppress(OSError), path.open("rb") as file:
        start = file.read(12)
        if start[4:8] == b"ftyp" and start[8:] in _HEIC_BRANDS:
            return _HEIC
        if start[:2] in (b"II", b"MM"):
            return _TIFF
    return _NO_IMAGE
