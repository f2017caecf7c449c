"""Settings that come with the package, by name: `impasto train --preset quick`."""

import logging
from pathlib import Path

from impasto.errors import InputError

logger = logging.getLogger(__name__)
FOLDER = Path(__file__).parent


def preset_names(command: str) -> list[str]:
    """The presets of a command, `train` or `gatys`, by the alphabet."""
    return sorted(path.stem for path in (FOLDER / command).glob("*.yaml"))


def find_preset(command: str, name: str) -> Path:
    """The YAML file of a preset.

    Raises:
        InputError: there is none of that name; lists those there are.
    """
    names = preset_names(command)
    if name not in names:
        raise InputError(f"there is no preset {name!r}: choose from {', '.join(names)}")
    return FOLDER / command / f"{name}.yaml"


def find_config(command: str | None, path: str) -> Path:
    """A YAML file, or the preset that was once kept as `configs/COMMAND/NAME.yaml`."""
    file = Path(path)
    if command is None or file.parts[-3:-1] != ("configs", command) or file.exists():
        return file
    if file.stem not in preset_names(command):
        return file
    logger.info(f"{path} is now a preset: --preset {file.stem}")
    return find_preset(command, file.stem)


def preset_words(command: str, given: str) -> list[str]:
    """The flags for a preset by its name, or for a YAML file."""
    return ["--preset" if given in preset_names(command) else "--config", given]
