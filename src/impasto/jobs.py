"""Which photograph becomes which picture."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from impasto.errors import InputError
from impasto.images import find_images, sample_photos
from impasto.settings import StylizeSettings

Job = tuple[Path, Path]  # a photo and the picture it becomes


def plan(settings: StylizeSettings, *, style: str, say: Callable[[str], object]) -> list[Job]:
    """Pairs of photo and picture, before anything is made.

    Args:
        settings: photos, which may be folders, and output.
        style: part of the names of the pictures.
        say: takes a plain line for a choice that was made for the user.

    Raises:
        InputError: nothing to do, or two photos for one picture.
    """
    photos = list(_photos(settings, style, say))
    output = Path(settings.output) if settings.output else None
    if not photos:
        raise InputError(f"no photographs in {', '.join(settings.photos)}: name files or folders")
    folder_is_meant = str(settings.output).endswith(os.sep)  # one with a dot that is yet to be made
    one_file = output and output.suffix and not output.is_dir() and not folder_is_meant
    if one_file and len(photos) > 1:
        raise InputError(f"{output} is one file for {len(photos)} photos: name a folder")
    jobs: dict[Path, Job] = {}
    for photo, below in photos:
        home = photo.parent if settings.photos else Path()  # never write into the package
        folder = home if output is None else output / below
        picture = output if output and one_file else folder / _default_name(photo, style)
        other, _ = jobs.setdefault(_real(picture), (photo, picture))
        if _real(other) != _real(photo):
            raise InputError(f"{other} and {photo} both become {picture}: name two folders")
    return list(jobs.values())


def missing(
    jobs: list[Job], settings: StylizeSettings, *, say: Callable[[str], object]
) -> list[Job]:
    """The jobs whose pictures are not there yet, so that a second run does what the first left.

    Raises:
        InputError: a single photo was named, and its picture is there.
    """
    if settings.overwrite:
        return jobs
    todo = [(photo, picture) for photo, picture in jobs if not picture.is_file()]
    if len(jobs) == 1 and not todo and not any(Path(name).is_dir() for name in settings.photos):
        raise InputError(f"{jobs[0][1]} exists: --overwrite replaces it, -o names another")
    if len(todo) < len(jobs):
        say(f"{len(jobs) - len(todo)} were there already: --overwrite makes them anew")
    return todo


def _photos(
    settings: StylizeSettings, style: str, say: Callable[[str], object]
) -> Iterator[tuple[Path, Path]]:
    """Each photo and its folder below the one that was named."""
    if not settings.photos:
        sample = sample_photos()[0]
        say(f"no photo given: taking the sample {sample.name}")
        yield sample, Path()
    for path in map(Path, settings.photos):
        if not path.is_dir():
            yield path, Path()
            continue
        found = find_images(path)
        made = _made_before(found, path, settings.output, style)
        yield from ((photo, photo.parent.relative_to(path)) for photo in found if photo not in made)


def _made_before(found: list[Path], folder: Path, output: str | None, style: str) -> set[Path]:
    """Results of an earlier run: named so, with the photo beside them or in an inner `output`."""
    tail, names = f"_{style}", {str(photo.with_suffix("")) for photo in found}
    target = _real(Path(output or folder))
    inner = target if _real(folder) in target.parents else None
    return {
        photo
        for photo in found
        if photo.stem.endswith(tail)
        and (
            str(photo.with_suffix("")).removesuffix(tail) in names or inner in _real(photo).parents
        )
    }


def _default_name(photo: Path, style: str) -> str:
    suffix = photo.suffix if photo.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") else ".png"
    return f"{photo.stem}_{style}{suffix}"


def _real(path: Path) -> Path:
    """Without links; unlike Path.resolve before Python 3.13 it takes those that lead in circles."""
    return Path(os.path.realpath(path))
