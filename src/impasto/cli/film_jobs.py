"""Which film becomes which, as `outputs` has it for photographs."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from impasto.cli.outputs import made_before, made_name, means_folder, real
from impasto.config.settings import StylizeSettings
from impasto.errors import InputError
from impasto.images.io import find_files

FILMS = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv"}
KEPT = {".mp4", ".m4v", ".mov", ".mkv", ".webm"}  # suffixes that a film has from the one before


class FilmJob(NamedTuple):
    """A film and one it becomes."""

    film: Path
    target: Path
    style: str
    in_folder: bool  # rather than named itself


class _Found(NamedTuple):
    film: Path
    below: Path  # where it lies below the folder that was named
    root: str  # what that is called, "" for none


def is_film(name: str) -> bool:
    """Whether a name that was given is a film's."""
    return Path(name).suffix.lower() in FILMS and not os.path.isdir(name)


def can_make_films() -> bool:
    """Whether the packages of the extra `video` are there."""
    return all(find_spec(name) for name in ("av", "cv2"))


def plan_films(settings: StylizeSettings, *, styles: Sequence[str]) -> list[FilmJob]:
    """Pairs of films before anything is made: those that are named, and those in folders.

    Args:
        settings: films among what is called photos, or a camera, and output.
        styles: parts of the names of new films, of which each gets one a style.

    Raises:
        InputError: several films for one file, or a camera without one.
    """
    if settings.camera is not None and (settings.photos or not settings.output):
        raise InputError("--camera makes one film: give -o FILE, and no photographs or films")
    if settings.camera is not None:
        found = [_Found(Path(settings.camera), Path(), "")]
    else:
        found = [each for word in settings.photos for each in _films(word, settings, styles)]
    alone = len(styles) == 1 and len(settings.photos) <= 1 and not any(e.root for e in found)
    output = settings.output
    if found and output and not means_folder(output):
        if not alone:
            raise InputError(f"{output} is one file for several films: name a folder")
        return [FilmJob(found[0].film, Path(output), styles[0], in_folder=False)]
    jobs = _jobs(found, settings, styles)
    if output and jobs is None:  # two folders have a name in common: each gets one of its own
        apart = [each._replace(below=Path(each.root) / each.below) for each in found]
        jobs = _jobs(apart, settings, styles)
    if jobs is None:
        raise InputError("two films have one name: name a film at a time, with -o FILE")
    return jobs


def _films(word: str, settings: StylizeSettings, styles: Sequence[str]) -> Iterator[_Found]:
    """The films that a word stands for, but for what an earlier run made of others."""
    if is_film(word):
        yield _Found(Path(word), Path(), "")
    if not os.path.isdir(word):
        return

    def names(film: Path) -> set[str]:
        return {_name(film, style, whole=whole) for style in styles for whole in (False, True)}

    root = os.path.basename(os.path.abspath(word))
    films = find_files(word, suffixes=FILMS)
    made = made_before(films, Path(word), settings.output, names=names)
    for film in films:
        if film not in made:
            yield _Found(film, film.parent.relative_to(word), root)


def _jobs(
    found: Sequence[_Found], settings: StylizeSettings, styles: Sequence[str]
) -> list[FilmJob] | None:
    """None where two of them would become one file."""
    places = [Path(settings.output) / e.below if settings.output else e.film.parent for e in found]
    names = [real(place / _name(e.film, "")) for e, place in zip(found, places, strict=True)]
    taken = Counter(names)
    jobs = []
    for style in styles:
        for each, place, name in zip(found, places, names, strict=True):
            whole = bool(each.root) and taken[name] > 1
            whole = whole and each.film.suffix.lower() not in KEPT  # a.avi_starry.mp4
            target = place / _name(each.film, style, whole=whole)
            jobs.append(FilmJob(each.film, target, style, in_folder=bool(each.root)))
    return jobs if len({real(job.target) for job in jobs}) == len(jobs) else None


def _name(film: Path, style: str, *, whole: bool = False) -> str:
    suffix = film.suffix if film.suffix.lower() in KEPT else ".mp4"
    return made_name(film, style, suffix, whole=whole)
