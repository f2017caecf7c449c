"""Where paintings and photographs are: names and embedded defaults become files."""

import logging
import re
from pathlib import Path

from impasto.errors import InputError
from impasto.images.io import SUFFIXES, find_images, sample_photos

COCO = Path("data/coco/train2014")
SAMPLES = "samples"  # what `photos` says when the bundled photographs are meant
GET_COCO = "`make coco` fetches 82,783 photographs (13 GB) to data/coco/train2014"

logger = logging.getLogger(__name__)


def find_style(name: str) -> Path:
    """A painting: a file, or a name, with or without suffix, in data/styles or the package.

    Raises:
        InputError: neither; lists the names there are.
    """
    path = Path(name)
    if path.exists():
        return path
    package = Path(__file__).parents[1]
    folders = [Path("data/styles"), package / "paintings", package.parents[1] / "data" / "styles"]
    found = [file for folder in folders if folder.is_dir() for file in find_images(folder)]
    for file in found:
        if name in (file.name, file.stem):
            return file
    names = ", ".join(sorted({file.name for file in found})) or "nothing"
    raise InputError(
        f"no painting {name!r}: give an image file, or a name in data/styles ({names})"
    )


def style_name(path: Path) -> str:
    """What a style is called unless somebody says: the painting's name, fit to name files."""
    return re.sub(r"[^\w.-]+", "_", path.stem)


def find_photos(folder: str | None) -> tuple[list[Path], str]:
    """The photographs of a folder, of COCO or the samples, and what settings call them.

    Raises:
        InputError: a folder without any.
    """
    if folder is None and COCO.is_dir():
        folder = str(COCO)
        logger.info("photographs: COCO in %s", COCO)
    if folder is None or folder == SAMPLES:
        photos = sample_photos()
        if folder is None:
            logger.info(
                "COCO not found: learning from %d sample photographs, fine for a try; "
                "`make coco` fetches it",
                len(photos),
            )
        return photos, SAMPLES
    photos = find_images(folder)
    if not photos:
        kinds = ", ".join(sorted(SUFFIXES))
        raise InputError(f"no photographs in {folder} or below it (looked for {kinds}): {GET_COCO}")
    return photos, folder


def find_paintings(folder: str | None) -> list[Path]:
    """The paintings of a folder.

    Raises:
        InputError: no folder, or one without any.
    """
    if folder is None:
        raise InputError("there are no paintings to learn from: name a folder with --paintings")
    paintings = find_images(folder)
    if not paintings:
        kinds = ", ".join(sorted(SUFFIXES))
        raise InputError(
            f"no paintings in {folder} or below it (looked for {kinds}): name another --paintings"
        )
    return paintings
