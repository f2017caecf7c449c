"""Where styles lie: files, and names in `checkpoints/`."""

import os
from pathlib import Path

from impasto.errors import InputError


def find_model(model: str | os.PathLike[str]) -> Path:
    """The file of a style: a path, or a name in `checkpoints/` here or beside the source.

    Raises:
        InputError: neither; lists the names there are.
    """
    path = Path(model)
    if os.path.isfile(path):  # which takes any name; Path.is_file raises where one is too long
        return path
    folders = style_folders()
    for folder in folders:
        found = folder / path.stem / f"{path.stem}.onnx"
        if os.path.isfile(found) and path.suffix in ("", ".onnx") and path.parent == Path():
            return found
    files = [file for folder in folders for file in folder.glob("*/*.onnx")]
    names = sorted({file.stem for file in files if file.stem == file.parent.name})
    has = f"the styles here are {', '.join(names)}" if names else "train.py makes one"
    raise InputError(f"no style {os.fspath(model)!r}: give an .onnx file or a name; {has}")


def style_folders() -> list[Path]:
    """Where names of styles are looked up, first to last."""
    return [Path("checkpoints"), Path(__file__).parents[2] / "checkpoints"]
