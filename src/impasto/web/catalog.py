"""What the page shows of each style: its title, whose painting it is, and a picture in it."""

import io
import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from impasto.images.io import RGB, load_image, sample_photos, to_pil
from impasto.inference import hub
from impasto.inference.any_style import draws_any
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
    found = []
    for name, path, _, painting in hub.find_styles():
        if name not in HIDDEN and NAME.fullmatch(name) and not draws_any(path):
            title, _, credit = painting.partition(": ")
            plain = name.replace("_", " ").capitalize()
            found.append(Style(name=name, title=title or plain, credit=credit, path=path))
    return sorted(found, key=lambda style: style.title.lower())


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
