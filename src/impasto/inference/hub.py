"""Where styles lie: files, and names in `checkpoints/` or in the package."""

import os
from pathlib import Path
from typing import NamedTuple

from impasto.errors import InputError

SAVED = ".safetensors"  # suffix of a painting's style that was saved


def find_model(model: str | os.PathLike[str]) -> Path:
    """The file of a style: a path, its folder, or a name in `checkpoints/` or the package.

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
    names = ", ".join(style.name for style in find_styles())
    has = f"the styles here are {names}" if names else "`impasto train` makes one"
    raise InputError(f"no style {os.fspath(model)!r}: give an .onnx file or a name; {has}")


def find_saved(name: str) -> Path | None:
    """The file of a saved style of a painting: a .safetensors, or a name; None if it is neither."""
    path = Path(name)
    if path.suffix == SAVED and os.path.isfile(path):
        return path
    if path.name != name:
        return None
    files = (folder / name / f"{name}{SAVED}" for folder in style_folders())
    return next((file for file in files if os.path.isfile(file)), None)


def saved_styles() -> dict[str, Path]:
    """Every saved style of a painting that has a name, by the alphabet."""
    files = [file for folder in reversed(style_folders()) for file in folder.glob(f"*/*{SAVED}")]
    named = {file.stem: file for file in files if file.stem == file.parent.name}
    return dict(sorted(named.items()))


class Style(NamedTuple):
    """A style that can be called by its name."""

    name: str
    file: Path
    preview: Path | None
    painting: str  # a line on what it learned from, "" if nobody wrote one


def find_styles() -> list[Style]:
    """Every style that has a name, by the alphabet; one of `./checkpoints` hides a shipped one."""
    files = [file for folder in reversed(style_folders()) for file in folder.glob("*/*.onnx")]
    named = {file.stem: file for file in files if file.stem == file.parent.name}
    return [_style(name, named[name]) for name in sorted(named)]


def _style(name: str, file: Path) -> Style:
    preview, card = file.with_name("sample.jpg"), file.with_name("CARD.md")
    return Style(
        name=name,
        file=file,
        preview=preview if preview.is_file() else None,
        painting=_painting(card) if card.is_file() else "",
    )


def _painting(card: Path) -> str:
    """The title of a card and its first line of text: 'The Scream: Edvard Munch, 1893.'"""
    lines = [line for line in card.read_text("utf-8", "replace").splitlines() if line.strip()]
    titles = [line.lstrip("# ") for line in lines if line.startswith("#")]
    texts = [line for line in lines if not line.startswith(("#", "!"))]
    return ": ".join([*titles[:1], *texts[:1]])


def _styles_in(folder: Path) -> list[Path]:
    """The style of a run's folder, as the shell completes it: by its name, or the only one."""
    if not os.path.isdir(folder):
        return []
    named = folder / f"{folder.resolve().name}.onnx"
    others = [file for file in folder.glob("*.onnx") if not file.match("*.previous.onnx")]
    return [named, *others] if len(others) == 1 else [named]


def style_folders() -> list[Path]:
    """Where names of styles are looked up, first to last: here, the package, its checkout."""
    package = Path(__file__).parents[1]
    return [Path("checkpoints"), package / "styles", package.parents[1] / "checkpoints"]
