"""Where styles lie: files, and names in `checkpoints/`."""

import os
from pathlib import Path

from impasto.errors import InputError


def find_model(model: str | os.PathLike[str]) -> Path:
    """The file of a style: a path, its folder, or a name in `checkpoints/` here or by the source.

    Raises:
        InputError: neither; lists the names there are.
    """
    path = Path(model)
    if os.path.isfile(path):  # which takes any name; Path.is_file raises where one is too long
        return path
    name = path.name.removesuffix(".onnx")  # it may have dots of its own
    folders = style_folders()
    named = [folder / name / f"{name}.onnx" for folder in folders if path.parent == Path()]
    for found in [*named, *_styles_in(path)]:
        if os.path.isfile(found):
            return found
    files = [file for folder in folders for file in folder.glob("*/*.onnx")]
    names = sorted({file.stem for file in files if file.stem == file.parent.name})
    has = f"the styles here are {', '.join(names)}" if names else "train.py makes one"
    raise InputError(f"no style {os.fspath(model)!r}: give an .onnx file or a name; {has}")


def _styles_in(folder: Path) -> list[Path]:
    """The style of a run's folder, as the shell completes it: by its name, or the only one."""
    if not os.path.isdir(folder):
        return []
    named = folder / f"{folder.resolve().name}.onnx"
    others = [file for file in folder.glob("*.onnx") if not file.match("*.previous.onnx")]
    return [named, *others] if len(others) == 1 else [named]


def style_folders() -> list[Path]:
    """Where names of styles are looked up, first to last."""
    return [Path("checkpoints"), Path(__file__).parents[3] / "checkpoints"]
