"""A bar on a terminal while a large picture is made, without tqdm, which is for training."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from impasto.inference.tiling import Watch, unwatched

WIDTH = 30  # characters of the bar itself


def redraw(line: str) -> None:
    """Put a line where the last one was, on stderr, which is a terminal; "" wipes it."""
    print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def room() -> int:
    """Characters that such a line may have."""
    return shutil.get_terminal_size().columns - 1


@contextmanager
def watched(name: str, *, also: Watch = unwatched) -> Iterator[Watch]:
    """Yield what calls `also` and shows how many of the tiles or strips of a picture are done.

    On stderr, if that is a terminal and there is more than one; the line is cleared in the end.
    """
    shown = False

    def watch(done: int, tiles: int) -> None:
        nonlocal shown
        also(done, tiles)
        if tiles > 1 and sys.stderr.isatty():
            shown = True
            bar = ("#" * (WIDTH * done // tiles)).ljust(WIDTH, ".")
            redraw(f"{name[:40]}  {bar}  {done}/{tiles}"[: room()])

    try:
        yield watch
    finally:
        if shown:
            redraw("")
