"""Numbers as CSV."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from impasto.errors import InputError


def write_csv(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows of the same keys under a line of those keys; makes the folders above.

    Raises:
        InputError: the place cannot be written.
    """
    rows = list(rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise InputError(
            f"cannot write {path} ({error.strerror}): choose another --output"
        ) from error
