"""Files that are there whole or not at all, and what a disk may have against them."""

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from impasto.errors import InputError, RefusedError

# What a disk or its owner refuses; every other OSError is a bug of ours.
REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
REFUSED |= {errno.EIO, errno.ENOTDIR, errno.EEXIST, errno.ENOENT}


def sha256_of(path: Path) -> str:
    """Fingerprint of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unwritable(path: Path, error: Exception) -> InputError:
    """What to raise where a picture could not be written.

    It is a RefusedError where the next one in that folder would fare no better. A file in the way
    of a finished one, which the error names second, is its own case.
    """
    why = getattr(error, "strerror", None) or error
    place = isinstance(error, OSError) and error.errno in REFUSED and error.filename2 is None
    sort = RefusedError if place else InputError
    return sort(f"cannot write {path} ({why}): choose another place or format")


def write_atomically(
    path: Path, write: Callable[[Path], object], *, before: Path | None = None
) -> None:
    """Have `write` fill a temporary file, then move it to `path` once it is safely on disk.

    `before` gets what was at `path`.

    Raises:
        OSError: from writing; a file already at `path` is intact.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if before is not None and path.exists():
            path.replace(before)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Names have to reach the disk too. Not every system lets a folder be opened."""
    if os.name == "posix":
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
