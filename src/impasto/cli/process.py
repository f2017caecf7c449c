"""What a command does to its own process first; as a library impasto leaves processes alone."""

import io
import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TextIO

from impasto.errors import InputError

STOPS = [  # what a scheduler sends, and a terminal that is closed
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def prepare() -> None:
    """Lines reach their reader at once and whoever that is; plots are drawn without a window."""
    os.environ["MPLBACKEND"] = "agg"  # notebooks set one for all commands that only they have
    sys.stdout, sys.stderr = _steady(sys.stdout), _steady(sys.stderr)


def run_command(
    program: str,
    work: Callable[[], int],
    *,
    interrupted: str = "interrupted",
    below_a_bar: bool = False,
) -> int:
    """Do the work of a command, and turn what ends it early into a sentence and an exit code.

    Args:
        program: what the sentence begins with.
        work: returns the exit code.
        interrupted: what is said after Ctrl-C, unless the work says it better.
        below_a_bar: after Ctrl-C a progress bar may stand where the sentence would.

    Returns:
        The code of `work`, 2 for bad input, 130 after Ctrl-C.
    """
    show_messages()
    try:
        return work()
    except InputError as error:
        complain(program, error)
        return 2
    except KeyboardInterrupt as error:
        complain("\n" * below_a_bar + program, str(error) or interrupted)
        return 130


def complain(program: str, sentence: object) -> None:
    """On stderr, after the name of the program."""
    print(f"{program}: {sentence}", file=sys.stderr)


def show_messages() -> None:
    """Print what the library logs, from INFO up, as bare lines on stdout. Twice is as once."""
    logger = logging.getLogger("impasto")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, _Lines) for handler in logger.handlers):
        logger.addHandler(_Lines())


class _Lines(logging.Handler):
    """Messages on the stdout of the moment, above a progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if tqdm := sys.modules.get("tqdm"):
            tqdm.tqdm.write(line)
        else:
            print(line)
        sys.stdout.flush()  # a process that is killed says no more


def stop_as_ctrl_c_does() -> None:
    """Have the first of `STOPS` raise KeyboardInterrupt, and the others not disturb the clean-up.

    What is ignored stays so: that is how nohup is asked to survive its terminal.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        for other in STOPS:
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in STOPS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)


class _Lossy(io.FileIO):
    """A pipe or terminal whose other end may go away: what is written then is lost, no more."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _steady(stream: TextIO) -> TextIO:
    """The same stream, line by line; no name of a file is too odd for it."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    errors = "backslashreplace" if stream.errors == "strict" else stream.errors
    if os.name != "posix":  # the console of Windows is no file
        stream.reconfigure(errors=errors, line_buffering=True)
        return stream
    stream.flush()
    raw = io.BufferedWriter(_Lossy(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(raw, encoding=stream.encoding, errors=errors, line_buffering=True)
