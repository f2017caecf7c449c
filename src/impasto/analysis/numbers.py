"""What a study found, in files: CSV, or JSON beside Markdown."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from impasto.errors import InputError
from impasto.files import write_atomically


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


def write_record(path: Path, record: Mapping[str, Any], *, text: str) -> None:
    """Write a record as JSON, whole or not at all, and `text` as Markdown beside it.

    Makes the folders above.

    Raises:
        InputError: the place cannot be written.
    """
    content = json.dumps(record, indent=1, allow_nan=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda temporary: temporary.write_text(content, "utf-8"))
        path.with_suffix(".md").write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot write to {path.parent} ({error.strerror}): choose another --output"
        ) from error
