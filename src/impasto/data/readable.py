"""Which images can be learned from: one rule for training and for the check before it.

Without torch, which every process of that check would load.
"""

from collections.abc import Sequence
from pathlib import Path

from impasto.errors import InputError

SMALLEST = 16  # pixels a side: what is less has nothing to learn from
NAMED = 3  # of what was skipped
PHOTOGRAPHS, PAINTINGS = "photographs", "paintings"
FLAGS = {PHOTOGRAPHS: "--photos", PAINTINGS: "--paintings"}


def too_many(bad: int, total: int) -> bool:
    """More than half: then it is the folder that is wrong, not a file in it."""
    return 2 * bad > total


def check_share(bad: Sequence[Path], total: int, *, kind: str = PHOTOGRAPHS) -> None:
    """Raise InputError if more than half of `total` photographs, or paintings, are bad."""
    if too_many(len(bad), total):
        raise InputError(
            f"{len(bad)} of {total} {kind} cannot be read, more than half ({names(bad)}): "
            f"name another folder with {FLAGS[kind]}, --verify-photos says why"
        )


def names(paths: Sequence[Path]) -> str:
    """The first few, and how many more."""
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return ", ".join(map(str, paths[:NAMED])) + more
