"""stdin and stdout as places of pictures, and what else is printed then."""

import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from typing import TextIO

from impasto.errors import InputError
from impasto.files import unwritable
from impasto.images.decoders import opened

STREAM = "-"  # for a photograph from stdin, a picture to stdout
SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp"}


@contextlib.contextmanager
def messages_aside(words: Sequence[str]) -> Iterator[TextIO]:
    """Have all that is printed go to stderr where stdout is for something else.

    Yields:
        stdout, for that.
    """
    aside = "--json" in words or any(word == STREAM or word.endswith("=-") for word in words)
    stdout = sys.stdout
    with contextlib.redirect_stdout(sys.stderr) if aside else contextlib.nullcontext():
        yield stdout


def read_stdin() -> io.BytesIO:
    """What is piped into this process.

    Raises:
        InputError: nothing is.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("- stands for a photograph from a pipe: cat photo.jpg | impasto ... -")
    data = sys.stdin.buffer.read()
    if not data:
        raise InputError("nothing came from stdin: pipe a photograph into it")
    return io.BytesIO(data)


def suffix_of(data: io.BytesIO) -> str:
    """What a file of these bytes would be called, "" if pictures are not written like that."""
    with contextlib.suppress(Exception), opened(data) as image:  # told when its turn comes
        return SUFFIXES.get(str(image.format), "")
    return ""


def write_stdout(data: bytes, stdout: TextIO) -> None:
    """Write the bytes of a picture, all of them.

    Raises:
        InputError: stdout is closed, or a disk behind it is full.
    """
    try:
        stdout.flush()
        with open(stdout.fileno(), "wb", closefd=False) as file:
            file.write(data)
    except OSError as error:
        raise unwritable("stdout", error) from error


def check_stdout(stdout: TextIO) -> None:
    """See, before the work, that stdout is no terminal.

    Raises:
        InputError: it is one.
    """
    if stdout.isatty():
        raise InputError("a picture cannot be shown in a terminal: add > FILE, or -o FILE")
