"""What the page shows of each style: its title, whose painting it is, and a picture in it."""

import io
import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from impasto.images.io import RGB, load_image, sample_photos, to_pil
from impasto.inference.hub import style_folders
from impasto.inference.model_check import read_model
from impasto.inference.protobuf import fields
from impasto.inference.stylizer import Stylizer

HIDDEN = {"base"}  # where training starts from, no style to use
SHOWN = "chelsea"  # the sample photograph of which previews are made
PREVIEW = 192  # pixels a side
METADATA = 14  # field of an ONNX model
NAME = re.compile(r"[\w-][\w.-]{0,99}")  # of a style: a part of addresses and of file names


@dataclass(frozen=True, kw_only=True)
class Style:
    """A learned style that the page offers."""

    name: str
    title: str
    credit: str  # who painted it, when, and its license; may be empty
    path: Path


def find_styles() -> list[Style]:
    """The styles that `impasto stylize --model NAME` finds, by title."""
    found: dict[str, Style] = {}
    for folder in style_folders():
        for path in folder.glob("*/*.onnx"):
            name = path.stem
            mine = name == path.parent.name and name not in HIDDEN and NAME.fullmatch(name)
            if mine and name not in found:
                title, credit = _card(path.parent / "CARD.md")
                plain = name.replace("_", " ").capitalize()
                found[name] = Style(name=name, title=title or plain, credit=credit, path=path)
    return sorted(found.values(), key=lambda style: style.title.lower())


def describe(style: Style) -> dict[str, object]:
    """An entry of styles.json. Addresses are relative to the page; sizes are in bytes.

    Raises:
        InputError: the file is no style.
    """
    data = read_model(style.path)
    return {
        "name": style.name,
        "title": style.title,
        "credit": style.credit,
        "preview": f"styles/{style.name}.jpg",
        "model": f"styles/{style.name}.onnx",
        "bytes": len(data),
        "metadata": metadata_of(data),
    }


def metadata_of(data: bytes) -> dict[str, str]:
    """The metadata of an ONNX file that `read_model` has checked, without loading it."""
    entries = [value for number, value, _ in fields(memoryview(data)) if number == METADATA]
    found = {}
    for entry in entries:
        if isinstance(entry, memoryview):
            texts = {n: text for n, text, _ in fields(entry) if isinstance(text, memoryview)}
            key, value = (bytes(texts.get(n, b"")).decode(errors="replace") for n in (1, 2))
            found[key] = value
    return found


def preview(path: Path) -> bytes:
    """A JPEG of a sample photograph in a style, PREVIEW pixels square.

    Raises:
        InputError: the file is no style.
    """
    return jpeg(Stylizer(path, threads=1, backend="onnxruntime")(_sample()), quality=82)


def jpeg(image: RGB, *, quality: int = 95) -> bytes:
    """An H×W×3 array in [0,1] as a JPEG file, as `images.io.save_image` writes it."""
    return encode(to_pil(image), "JPEG", quality=quality, subsampling=0)


def encode(image: Image.Image, kind: str, **options: int) -> bytes:
    """The bytes of an image file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _sample() -> RGB:
    """The middle square of the sample photograph, H×W×3."""
    paths = {path.stem: path for path in sample_photos()}
    image = load_image(paths[SHOWN], short_side=PREVIEW)
    top, left = ((side - PREVIEW) // 2 for side in image.shape[:2])
    return image[top : top + PREVIEW, left : left + PREVIEW]


def _card(path: Path) -> tuple[str, str]:
    """Title and credit of a style's CARD.md, empty if there is none."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return "", ""
    titles = [line[2:] for line in lines if line.startswith("# ")]
    texts = [line for line in lines if line and line[0] not in "#!-"]
    return (titles or [""])[0][:100], (texts or [""])[0][:200]
