"""YAML of settings from strangers: names with numbers, words and lists of them, and no more."""

from pathlib import Path
from typing import Any

import yaml

MOST = 1 << 20  # bytes
LARGEST = 1 << 64  # beyond it numbers take time to be written down


class _Plain(yaml.SafeLoader):
    """Without references, with which a few lines become billions when they are printed."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references like *a are not read")
        return super().compose_node(parent, index)


def read(path: Path) -> Any:
    """What is in a file; if it is a mapping, its values are settings.

    Raises:
        ValueError: it is too large, no UTF-8, no YAML, or holds more than settings.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MOST + 1)
    if len(data) > MOST:
        raise ValueError(f"more than {MOST:,} bytes")
    try:
        given = yaml.load(data.decode(), Loader=_Plain)  # a SafeLoader
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    for key, value in given.items() if isinstance(given, dict) else ():
        if not all(map(_is_plain, value if isinstance(value, list) else [value])):
            raise ValueError(f"{key} is neither a number nor a word nor a list of them")
    return given


def _is_plain(value: Any) -> bool:
    if isinstance(value, int):
        return abs(value) < LARGEST
    return value is None or isinstance(value, str | float)
