"""The one exception that users are meant to read."""

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence that names the file or setting and the remedy. The scripts print
    it without a traceback and exit with code 2; every other exception is a bug of ours. What it
    quotes may be a stranger's, so what a terminal would act on is escaped.
    """

    def __init__(self, message: str) -> None:
        """One sentence."""
        super().__init__(printable(message))


def printable(text: str) -> str:
    """The text with everything escaped that is no visible character or space."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class RefusedError(InputError):
    """A folder or its disk takes no picture, so that the others for it need not be tried."""


@contextmanager
def train_extra() -> Iterator[None]:
    """Around what needs torch and its like, which `pip install .` leaves out.

    Raises:
        InputError: names the package that is missing, and how to get it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("impasto"):
            raise
        raise InputError(
            f"this needs {error.name}, which is not installed: install impasto with its "
            "`train` extra (in a checkout: pip install '.[train]')"
        ) from error
