"""Pieces of work, each in a process of its own, until the time is up; what is done stays done.

A piece that crashes, hangs or runs out of memory takes nothing along: the next one begins in a
fresh process. Each leaves NAME.json; NAME.part.json is what an unfinished one had found so far.
"""

import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from impasto.files import write_atomically

UNFINISHED = 75  # exit code of a process that has more to do


class UnfinishedError(Exception):
    """Raised by a piece that was asked to stop: a second call goes on with it."""


class Note:
    """What a piece has found, on disk after every addition."""

    def __init__(self, path: Path) -> None:
        """Go on with what is at `path`."""
        self.path = path
        self.values: dict[str, Any] = read(path) if path.is_file() else {}

    def __call__(self, **values: Any) -> None:
        """Add some."""
        self.values |= values
        text = json.dumps(self.values, indent=1)
        write_atomically(self.path, lambda path: path.write_text(text + "\n"))

    def row(self, **cells: Any) -> None:
        """Add a line to `rows`."""
        self(rows=[*self.values.get("rows", []), cells])


@dataclass(frozen=True, kw_only=True)
class Piece:
    """`work(note)` is called in another process, so it has to be a function of a module."""

    name: str
    work: Callable[[Note], None]
    seconds: float = 3600.0  # it may take; one that takes longer has failed
    grace: float = 1.0  # s between being asked to end and being ended
    least: float = 1.0  # s below which it is not begun
    until: float = float("inf")  # time.time() at which it is cut off, beside the deadline of all


def run_all(
    pieces: Sequence[Piece],
    folder: Path,
    *,
    about: Mapping[str, object],
    deadline: float,
    say: Callable[[str], object],
) -> Iterator[Piece]:
    """Run what is not there yet, in order; yields every piece that was run.

    Args:
        pieces: names are file names.
        folder: where their JSON goes; exists.
        about: the machine, noted with every piece, for a second call may run on another one.
        deadline: time.time() at which the last process is gone.
        say: takes a line a piece.
    """
    for piece in pieces:
        done = folder / f"{piece.name}.json"
        if done.is_file():
            say(f"{piece.name}: is there")
            continue
        left = min(deadline, piece.until) - piece.grace - time.time()
        if left < piece.least:
            say(f"{piece.name}: no time left")
            continue
        start = time.time()
        why = _run(piece, done, about=about, seconds=left)
        say(f"{piece.name}: {why}, {time.time() - start:.0f} s")
        yield piece


def read(path: Path) -> dict[str, Any]:
    """A JSON file."""
    return dict(json.loads(path.read_text(encoding="utf-8")))


def one_line(error: BaseException) -> str:
    """An exception as a table has room for it."""
    text = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {text}"[:200]


def _run(piece: Piece, done: Path, *, about: Mapping[str, object], seconds: float) -> str:
    """One process; returns how it ended."""
    part = done.with_suffix(".part.json")
    process = _context().Process(target=_work, args=(piece, part, about))
    process.start()
    with _ended(process, piece.grace):
        process.join(min(seconds, piece.seconds))
        late = process.is_alive()
    if (late and seconds < piece.seconds and process.exitcode) or process.exitcode == UNFINISHED:
        return "the time was up"
    note = Note(part)
    if late and process.exitcode:
        note(failed=f"took longer than {piece.seconds:.0f} s")
    elif process.exitcode:
        note(failed=f"its process ended with code {process.exitcode}")
    part.replace(done)
    return str(note.values.get("failed", "done"))


@contextmanager
def _ended(process: BaseProcess, grace: float) -> Iterator[None]:
    """Whatever happens inside, the process is gone afterwards."""
    try:
        yield
    finally:
        if process.is_alive():
            process.terminate()
            process.join(grace)
        if process.is_alive():
            process.kill()
            process.join()


def _work(piece: Piece, part: Path, about: Mapping[str, object]) -> None:
    note = Note(part)
    note(machine=about)
    try:
        piece.work(note)
    except UnfinishedError:
        sys.exit(UNFINISHED)
    except Exception as error:  # whatever it is, it is this piece's alone
        note(failed=one_line(error))


def _context() -> Any:
    """Processes that start at once where they may, fresh ones where there is CUDA to be had."""
    fresh = torch.cuda.is_available() or not sys.platform.startswith("linux")
    return multiprocessing.get_context("spawn" if fresh else "fork")
