"""Photographs that a study looks at, the taps it looks with, the pictures it makes."""

from collections.abc import Sequence
from pathlib import Path

from impasto.errors import InputError
from impasto.images import find_images, sample_photos
from impasto.vgg import EncoderWeights


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


def first_taps(weights: EncoderWeights) -> list[str]:
    """The first relu of every block, shallowest first."""
    names = [name for name in weights.convolutions if name.endswith("_1")]
    return [name.replace("conv", "relu") for name in names]
