"""Photographs that a study looks at, pictures made of them, the layers it looks with."""

from collections.abc import Sequence
from pathlib import Path

from impasto.data.tensors import to_rgb, to_tensor
from impasto.errors import InputError
from impasto.gatys.multiscale import fill
from impasto.images.io import RGB, find_images, sample_photos
from impasto.models.vgg import EncoderWeights

PADDED = 8  # pixels: a side that is longer by less was padded by a network, right or below
SLANT = 0.05  # of the aspect ratio: what differs by more shows something else


def find_photograph(name: str | None) -> Path:
    """A file, or the first of the sample photographs. Raises InputError if it is not there."""
    return find_photographs([name] if name else None, limit=1)[0]


def find_photographs(names: Sequence[str] | None, *, limit: int | None = None) -> list[Path]:
    """Files, and all images in folders, in order; the sample photographs where none are named.

    Raises:
        InputError: a folder or file that is not there, or folders without images.
    """
    if not names:
        return sample_photos()[:limit]
    found: list[Path] = []
    for path in map(Path, names):
        if not path.exists():
            raise InputError(f"there is no photograph {path}: give a file or a folder of images")
        found += find_images(path) if path.is_dir() else [path]
    if not found:
        raise InputError(f"no photographs in {', '.join(names)}: give a file or a folder of images")
    return found[:limit]


def match(pictures: Sequence[Path], photos: Sequence[Path], *, name: str) -> dict[Path, Path]:
    """Which picture shows which photograph, by the beginning of its name.

    `002.png` and `002_mosaic.png` show `002.jpg`, `0021.png` does not. Of several pictures the one
    that ends in `_` and `name` counts, as stylize.py writes it.

    Raises:
        InputError: several pictures of a photograph, and none or more than one ends so.
    """
    shown: dict[Path, list[Path]] = {}
    for picture in pictures:
        of = [photo for photo in photos if _begins(picture.stem, photo.stem)]
        if of:
            shown.setdefault(max(of, key=lambda photo: len(photo.stem)), []).append(picture)
    found = {}
    for photo, several in shown.items():
        ends = [each for each in several if each.stem == f"{photo.stem}_{name}"]
        chosen = several if len(several) == 1 else ends
        if len(chosen) != 1:
            names = ", ".join(each.name for each in several[:5])
            raise InputError(
                f"{several[0].parent} has {len(several)} pictures of {photo.name} ({names}): "
                f"write NAME={several[0].parent} with the NAME in {photo.stem}_NAME that is meant"
            )
        found[photo] = chosen[0]
    return found


def align(picture: RGB, photo: RGB, *, of: str) -> tuple[RGB, str | None]:
    """A picture at the size of its photograph, and a note where it had to be resized.

    A few pixels more are cut off at the right and below, where networks pad: resized, all that is
    kept would lie beside its place.

    Args:
        picture, photo: H×W×3.
        of: what picture it is, for the message.

    Raises:
        InputError: another aspect ratio.
    """
    (height, width), (tall, wide) = picture.shape[:2], photo.shape[:2]
    if 0 <= height - tall < PADDED and 0 <= width - wide < PADDED:
        return picture[:tall, :wide], None
    if abs(width * tall / (height * wide) - 1) > SLANT:
        raise InputError(
            f"{of} has {width}x{height} pixels and its photograph {wide}x{tall}: give a picture of "
            "the same aspect ratio"
        )
    resized = to_rgb(fill(to_tensor(picture), to_tensor(photo)))
    return resized, f"resized from {width}x{height} to {wide}x{tall}"


def first_layers(weights: EncoderWeights) -> list[str]:
    """The first relu of every block, shallowest first."""
    names = [name for name in weights.convolutions if name.endswith("_1")]
    return [name.replace("conv", "relu") for name in names]


def _begins(stem: str, photo: str) -> bool:
    return stem.startswith(photo) and not stem[len(photo) :][:1].isalnum()
