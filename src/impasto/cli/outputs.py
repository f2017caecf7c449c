"""Which photograph becomes which picture."""

import hashlib
import io
import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from impasto.cli.streams import STREAM, read_stdin, suffix_of
from impasto.config.settings import PictureSettings
from impasto.errors import InputError
from impasto.images.decoders import Source
from impasto.images.encoding import KINDS, output_format
from impasto.images.io import find_images, sample_photos

logger = logging.getLogger(__name__)
KEPT = {".jpg", ".jpeg", ".png", ".webp"}  # suffixes that a picture has from its photo
MADE = (*sorted(KEPT), ".tif")  # those that an earlier run may have given
LONGEST = 255  # bytes that a file system gives to a name
STDOUT = Path(STREAM)


class Job(NamedTuple):
    """A photograph and a picture it becomes."""

    photo: Path
    picture: Path  # STDOUT is none
    style: str
    source: Source  # the photo's file, or what stdin gave
    kind: str  # of the picture: JPEG, PNG, WEBP, TIFF


class Found(NamedTuple):
    """A photograph, where it lies below the folder that was named, and what that is called."""

    photo: Path
    below: Path
    root: str
    source: Source


def plan(settings: PictureSettings, *, styles: Sequence[str]) -> list[Job]:
    """Pairs of photo and picture, before anything is made; those of one photo follow each other.

    Args:
        settings: photos, which may be folders or stdin, and output.
        styles: parts of the names of the pictures, of which each photo gets one a style.

    Raises:
        InputError: nothing to do, or two photos for one picture.
    """
    found = list(_photos(settings, styles))
    if not found:
        raise InputError(f"no photographs in {', '.join(settings.photos)}: name files or folders")
    count = len(found) * len(styles)
    output = Path(settings.output) if settings.output else None
    if settings.output == STREAM or (output is None and settings.photos == [STREAM]):
        if count > 1:
            raise InputError(f"stdout takes one picture of {count}: -o names a folder")
        kind = output_format(f"it{_suffix(found[0].photo, settings)}")
        return [Job(found[0].photo, STDOUT, styles[0], found[0].source, kind)]
    if output and not means_folder(str(settings.output)):
        if count > 1:
            raise InputError(f"{output} is one file for {count} {_what(styles)}: name a folder")
        kind = output_format(output)
        return [Job(found[0].photo, output, styles[0], found[0].source, kind)]
    try:
        return _jobs(found, settings, styles)
    except InputError:
        roots = {each.root for each in found}
        if output is None or len(roots) == 1 or "" in roots:
            raise
        # Two folders have a name in common: each gets one of its own.
        apart = [each._replace(below=Path(each.root) / each.below) for each in found]
        return _jobs(apart, settings, styles)


def _what(styles: Sequence[str]) -> str:
    return "photos" if len(styles) == 1 else "pictures"


def _jobs(found: list[Found], settings: PictureSettings, styles: Sequence[str]) -> list[Job]:
    jobs: dict[Path, Job] = {}
    places = []
    for photo, below, _, _ in found:
        home = photo.parent if settings.photos else Path()  # never write into the package
        places.append(home if settings.output is None else Path(settings.output) / below)
    suffixes = [_suffix(each.photo, settings) for each in found]
    rows = list(zip(found, places, suffixes, strict=True))
    first = [place / made_name(each.photo, styles[0], suffix) for each, place, suffix in rows]
    taken = Counter(first)
    for (each, place, suffix), name in zip(rows, first, strict=True):
        whole = taken[name] > 1 and suffix != each.photo.suffix  # scan.tif_starry.png
        for style in styles:
            picture = place / made_name(each.photo, style, suffix, whole=whole)
            job = Job(each.photo, picture, style, each.source, output_format(picture))
            other = jobs.setdefault(real(picture), job).photo
            if real(other) != real(each.photo):
                raise InputError(
                    f"{other} and {each.photo} both become {picture}: name two folders"
                )
    return list(jobs.values())


def missing(jobs: list[Job], settings: PictureSettings) -> list[Job]:
    """The jobs whose pictures are not there yet, so that a second run does what the first left.

    Raises:
        InputError: a single photo was named, and its picture is there.
    """
    if settings.overwrite:
        return jobs
    todo = [job for job in jobs if job.picture == STDOUT or not os.path.isfile(job.picture)]
    if len(jobs) == 1 and not todo and not any(map(os.path.isdir, settings.photos)):
        raise InputError(f"{jobs[0].picture} exists: --overwrite replaces it, -o names another")
    if len(todo) < len(jobs):
        logger.info(f"{len(jobs) - len(todo)} exist already: --overwrite makes them again")
    return todo


def _photos(settings: PictureSettings, styles: Sequence[str]) -> Iterator[Found]:
    """Each photo and its folder below the one that was named."""
    if not settings.photos:
        sample = sample_photos()[0]
        logger.info(f"no photo given: taking the sample {sample.name}")
        yield Found(sample, Path(), "", sample)
    stdin: io.BytesIO | None = None
    for word in settings.photos:
        path = Path(word)
        if word == STREAM:
            stdin = stdin or read_stdin()
            yield Found(Path(f"stdin{suffix_of(stdin)}"), Path(), "", stdin)
        elif not os.path.isdir(path):  # Path.is_dir raises what it thinks of too long names
            yield Found(path, Path(), "", path)
        else:
            photos = find_images(path)
            made = _pictures_of(photos, path, settings, styles)
            root = os.path.basename(os.path.abspath(path))
            for photo in photos:
                if photo not in made:
                    yield Found(photo, photo.parent.relative_to(path), root, photo)


def _pictures_of(
    found: list[Path], folder: Path, settings: PictureSettings, styles: Sequence[str]
) -> set[Path]:
    """Which of the photographs an earlier run has made of others."""

    def names(photo: Path) -> set[str]:
        return {
            made_name(photo, style, suffix, whole=whole)
            for style in styles
            for suffix in {photo.suffix if photo.suffix.lower() in KEPT else ".png", *MADE}
            for whole in (False, True)
        }

    sheet = {real(Path(settings.contact_sheet))} if settings.contact_sheet else set()
    return made_before(found, folder, settings.output, names=names, results=sheet)


def made_before(
    found: Sequence[Path],
    folder: Path,
    output: str | None,
    *,
    names: Callable[[Path], set[str]],
    results: Collection[Path] = (),
) -> set[Path]:
    """Results of an earlier run among files: what one becomes, beside it or below `output`.

    Args:
        found: the files of a folder and those below it.
        folder: that folder.
        output: where new files go, None for beside.
        names: of what is made of a file.
        results: of the run that are known already, without links.
    """
    home, root = Path(output or folder), os.path.basename(os.path.abspath(folder))
    results = set(results)
    links = {place: real(place) for place in {file.parent for file in found}}
    for file in found:
        below, made = file.parent.relative_to(folder), names(file)
        for place in (file.parent, home / below, home / root / below):
            if place not in links:
                links[place] = real(place)
            results |= {links[place] / name for name in made}
    return {file for file in found if links[file.parent] / file.name in results}


def means_folder(output: str) -> bool:
    """Whether `--output` names a folder; one with a dot that is yet to be made ends in a slash."""
    return os.path.isdir(output) or output.endswith(os.sep) or not Path(output).suffix


def _suffix(photo: Path, settings: PictureSettings) -> str:
    """Of the picture: what --format says, else the photo's own if pictures are written with it."""
    own = photo.suffix if photo.suffix.lower() in KEPT else ".png"
    if settings.format:
        same = KINDS.get(photo.suffix.lower()[1:]) == KINDS[settings.format]
        return photo.suffix if same else f".{settings.format}"
    return own if settings.depth == 8 or own.lower() == ".png" else ".png"


def made_name(photo: Path, style: str, suffix: str, *, whole: bool = False) -> str:
    """Of the picture: the photo's, the style's, and a suffix that pictures are written with.

    What is too long for a file system is cut, and told apart by a checksum.
    """
    tail = f"_{style}{suffix}"
    stem = photo.name if whole else photo.stem
    room = LONGEST - len(os.fsencode(tail))
    if len(os.fsencode(stem)) > room:
        mark = "-" + hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]
        stem = os.fsencode(stem)[: room - len(mark)].decode(errors="ignore") + mark
    return stem + tail


def real(path: Path) -> Path:
    """Without links; unlike Path.resolve before Python 3.13 it takes those that lead in circles."""
    return Path(os.path.realpath(path))
