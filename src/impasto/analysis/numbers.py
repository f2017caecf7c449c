"""What a study found, in files: CSV, or JSON beside Markdown."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from impasto.files import write_output


def write_csv(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows of the same keys under a line of those keys; makes the folders above.

    Raises:
        InputError: the place cannot be written.
    """
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _write(path, text.getvalue())


def write_record(path: Path, record: Mapping[str, Any], *, text: str) -> None:
    """Write a record as JSON, and `text` as Markdown beside it; makes the folders above.

    Raises:
        InputError: the place cannot be written.
    """
    _write(path, json.dumps(record, indent=1, allow_nan=False))
    _write(path.with_suffix(".md"), text)


def _write(path: Path, text: str) -> None:
    write_output(path, lambda temporary: temporary.write_bytes(text.encode()))
