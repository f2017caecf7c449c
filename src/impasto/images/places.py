"""Whether pictures can be written, asked before the work and not after it."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from impasto.errors import InputError
from impasto.files import unwritable
from impasto.images.io import output_format


def check_places(files: Iterable[Path]) -> None:
    """Make the folders of `files`, and write a byte in each of them.

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


def check_board(folder: Path) -> None:
    """Whether TensorBoard can write into a folder.

    Raises:
        InputError: a name that is no UTF-8, which TensorBoard cannot spell.
    """
    try:
        os.path.abspath(folder).encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"cannot write {folder}: TensorBoard needs a name in UTF-8, choose another"
        ) from error


def check_pictures(pictures: Iterable[Path]) -> None:
    """Likewise, for files whose names have to end in a format that can be written.

    Raises:
        InputError: a suffix that stands for none, or a folder as above.
    """
    pictures = list(pictures)
    for picture in pictures:
        output_format(picture)
    check_places(pictures)
