"""Which photograph becomes which picture."""

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from impasto.config.settings import PictureSettings
from impasto.errors import InputError
from impasto.images.io import find_images, sample_photos

logger = logging.getLogger(__name__)
Job = tuple[Path, Path]  # a photo and the picture it becomes
KEPT = {".jpg", ".jpeg", ".png", ".webp"}  # suffixes that a picture has from its photo
LONGEST = 255  # bytes that a file system gives to a name


def plan(settings: PictureSettings, *, style: str) -> list[Job]:
    """Pairs of photo and picture, before anything is made.

    Args:
        settings: photos, which may be folders, and output.
        style: part of the names of the pictures.

    Raises:
        InputError: nothing to do, or two photos for one picture.
    """
    photos = list(_photos(settings, style))
    output = Path(settings.output) if settings.output else None
    if not photos:
        raise InputError(f"no photographs in {', '.join(settings.photos)}: name files or folders")
    folder_is_meant = str(settings.output).endswith(os.sep)  # one with a dot that is yet to be made
    one_file = output and output.suffix and not os.path.isdir(output) and not folder_is_meant
    if one_file and len(photos) > 1:
        raise InputError(f"{output} is one file for {len(photos)} photos: name a folder")
    jobs: dict[Path, Job] = {}
    places = []
    for photo, below in photos:
        home = photo.parent if settings.photos else Path()  # never write into the package
        places.append(home if output is None else output / below)
    named = [place / _name(photo, style) for place, (photo, _) in zip(places, photos, strict=True)]
    taken = Counter(named)
    for (photo, _), place, name in zip(photos, places, named, strict=True):
        twice = taken[name] > 1 and photo.suffix.lower() not in KEPT
        own = place / _name(photo, style, whole=True) if twice else name  # scan.tif_starry.png
        picture = output if output and one_file else own
        other, _ = jobs.setdefault(_real(picture), (photo, picture))
        if _real(other) != _real(photo):
            raise InputError(f"{other} and {photo} both become {picture}: name two folders")
    return list(jobs.values())


def missing(jobs: list[Job], settings: PictureSettings) -> list[Job]:
    """The jobs whose pictures are not there yet, so that a second run does what the first left.

    Raises:
        InputError: a single photo was named, and its picture is there.
    """
    if settings.overwrite:
        return jobs
    todo = [(photo, picture) for photo, picture in jobs if not os.path.isfile(picture)]
    if len(jobs) == 1 and not todo and not any(map(os.path.isdir, settings.photos)):
        raise InputError(f"{jobs[0][1]} exists: --overwrite replaces it, -o names another")
    if len(todo) < len(jobs):
        logger.info(f"{len(jobs) - len(todo)} exist already: --overwrite makes them again")
    return todo


def _photos(settings: PictureSettings, style: str) -> Iterator[tuple[Path, Path]]:
    """Each photo and its folder below the one that was named."""
    if not settings.photos:
        sample = sample_photos()[0]
        logger.info(f"no photo given: taking the sample {sample.name}")
        yield sample, Path()
    for path in map(Path, settings.photos):
        if not os.path.isdir(path):  # Path.is_dir raises what it thinks of names that are too long
            yield path, Path()
            continue
        found = find_images(path)
        made = _made_before(found, path, settings.output, style)
        yield from ((photo, photo.parent.relative_to(path)) for photo in found if photo not in made)


def _made_before(found: list[Path], folder: Path, output: str | None, style: str) -> set[Path]:
    """Results of an earlier run: what a photo here becomes, beside it or below `output`."""
    results = set()
    for photo in found:
        for place in (photo.parent, Path(output or folder) / photo.parent.relative_to(folder)):
            results |= {_real(place) / _name(photo, style, whole=whole) for whole in (False, True)}
    return {photo for photo in found if _real(photo.parent) / photo.name in results}


def _name(photo: Path, style: str, *, whole: bool = False) -> str:
    """Of the picture: the photo's, the style's, and a suffix that pictures are written with.

    What is too long for a file system is cut, and told apart by a checksum.
    """
    tail = f"_{style}{photo.suffix if photo.suffix.lower() in KEPT else '.png'}"
    stem = photo.name if whole else photo.stem
    room = LONGEST - len(os.fsencode(tail))
    if len(os.fsencode(stem)) > room:
        mark = "-" + hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]
        stem = os.fsencode(stem)[: room - len(mark)].decode(errors="ignore") + mark
    return stem + tail


def _real(path: Path) -> Path:
    """Without links; unlike Path.resolve before Python 3.13 it takes those that lead in circles."""
    return Path(os.path.realpath(path))
