"""Settings under the names they had before, in flags, YAML and the metadata of .onnx files."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

logger = logging.getLogger(__name__)

NEW_NAMES = {
    "shift": "random_shift",
    "half": "onnx_float16",
    "uint8": "onnx_uint8",
    "normalization": "loss_scale",
    "check_photos": "verify_photos",
    "clip": "gradient_clip",
}

# What was done before there was a setting for it: for files and unfinished runs that lack it.
ADDED: dict[str, object] = {
    "content_match": "features",
    "design": "johnson",
    "minutes": None,
    "grid_weight": 0.0,
}


def flag(name: str) -> str:
    """--batch-size for batch_size."""
    return "--" + name.replace("_", "-")


def with_new_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings, all under today's names."""
    return {NEW_NAMES.get(key, key): value for key, value in settings.items()}


def complete(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a file or run of any age: today's names, and what was not yet said."""
    return ADDED | with_new_names(settings)


def with_new_flags(argv: Sequence[str], *, known: Sequence[str]) -> list[str]:
    """The words of a command line with today's flags, and a notice for each that is replaced.

    Args:
        argv: the words, `--flag value` or `--flag=value`.
        known: the settings of the command; what is none of it stays as it is.
    """
    switches = {flag(old): flag(new) for old, new in NEW_NAMES.items() if new in known}
    switches |= {f"--no{old[1:]}": f"--no{new[1:]}" for old, new in switches.items()}
    words = []
    for word in argv:
        name, *value = word.split("=", 1)
        if name in switches:
            logger.info(f"{name} is now called {switches[name]}")
            name = switches[name]
        words.append("=".join([name, *value]))
    return words
