"""Files that are there whole or not at all, and what a disk may have against them."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from impasto.errors import InputError, RefusedError

# What a disk or its owner refuses; every other OSError is a bug of ours.
REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
REFUSED |= {errno.EIO, errno.ENOTDIR, errno.EEXIST, errno.ENOENT}


def sha256_of(path: Path) -> str:
    """Fingerprint of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def bytes_in(file: BinaryIO) -> int:
    """Bytes of a file that is open, which stays where it is."""
    place = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(place)
    return size


def unwritable(path: Path | str, error: Exception) -> InputError:
    """What to raise where a picture could not be written.

    It is a RefusedError where the next one in that folder would fare no better. A file in the way
    of a finished one, which the error names second, is its own case.
    """
    why = getattr(error, "strerror", None) or error
    place = isinstance(error, OSError) and error.errno in REFUSED and error.filename2 is None
    sort = RefusedError if place else InputError
    return sort(f"cannot write {path} ({why}): choose another place or format")


def check_places(files: Iterable[Path]) -> None:
    """See, before the work, that files can be written: make their folders, write a byte in each.

    Raises:
        InputError: a folder that cannot be made or written; names the first file that needs it.
    """
    for folder, file in {file.parent: file for file in reversed(list(files))}.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(b"0")
        except OSError as error:
            raise unwritable(file, error) from error


def check_log_folder(folder: Path) -> None:
    """See that TensorBoard can write into a folder.

    Raises:
        InputError: its name is no UTF-8, which TensorBoard cannot spell.
    """
    try:
        os.path.abspath(folder).encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"cannot write {folder}: TensorBoard needs a name in UTF-8, name another"
        ) from error


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


def write_output(path: Path, write: Callable[[Path], object]) -> None:
    """`write_atomically`, folders above included, for what a user asked for.

    Raises:
        InputError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, write)
    except OSError as error:
        raise unwritable(path, error) from error


def _sync_folder(path: Path) -> None:
    """Names have to reach the disk too. Not every system lets a folder be opened."""
    if os.name == "posix":
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
