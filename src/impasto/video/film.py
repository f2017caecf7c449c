"""Stylize films: `stylize_video("film.mp4", "painted.mp4", Stylizer("starry"))`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from impasto.errors import InputError
from impasto.files import check_places
from impasto.images.io import RGB
from impasto.video.extra import video_extra

STEADY = 0.8


class Progress(NamedTuple):
    """How far a film is."""

    frames: int  # done
    of: int | None  # about how many there are, None if nobody knows
    now: int  # done by this call, which may have continued an earlier one
    seconds: float  # since it began


Watch = Callable[[Progress], object]


def stylize_video(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    stylizer: Callable[[RGB], RGB],
    *,
    size: int | None = None,
    quality: int = 95,
    steady: float = STEADY,
    live: bool = False,
    overwrite: bool = False,
    key: str = "",
    watch: Watch = lambda _: None,
) -> int:
    """Stylize a film, with its sound, rate, length and the time of every frame.

    After Ctrl-C, `target` is a film as far as it came, and the same call goes on from there. So it
    does after a crash, which costs two seconds of film.

    Args:
        source: a film, or a camera if `live`.
        target: .mp4, .m4v, .mov, .mkv or .webm.
        stylizer: frame -> stylized, both H×W×3 float32 RGB in [0,1], such as a `Stylizer`. It is
            always called from the calling thread.
        size: short side in pixels, by default the film's. An odd side loses its last row.
        quality: 1..100; 95 is x264's rate factor 20.
        steady: how much of the frames before is kept against flicker, 0 for none, below 1.
        live: record a camera until Ctrl-C, which is then no error; frames that come faster than
            they can be stylized are left out. A file is read as slowly as a camera.
        overwrite: replace a film that exists, or was begun with other settings.
        key: what `stylizer` is, such as the name of its style: a film that was begun with another
            key is not continued.
        watch: called after every frame, in the calling thread; what it raises ends the work.

    Returns:
        How many frames the film has.

    Raises:
        InputError: PyAV or OpenCV is missing, no such film, or a place that takes none.
        KeyboardInterrupt: Ctrl-C; says how much is done.
    """
    if not 0 <= steady < 1:
        raise InputError(f"steady is {steady}: give at least 0, and less than 1")
    with video_extra():
        from impasto.video.encoder import check_suffix
        from impasto.video.join import check_sound
        from impasto.video.making import Making
        from impasto.video.partial import PartialFilm
        from impasto.video.reader import FilmReader
    source, target = Path(source), Path(target)
    check_suffix(target)
    partial = PartialFilm(target)
    if live:
        partial.remove()
    if os.path.exists(target) and not overwrite and not partial.is_there():
        raise InputError(f"{target} exists: --overwrite replaces it, -o names another")
    with FilmReader(source, size=size, live=live) as film:
        if not live:
            check_sound(source, target)
        check_places([target])
        about: dict[str, object] = {
            "film": _identity(source),
            "key": key,
            "quality": quality,
            "steady": steady,
        }
        about |= {"width": film.width, "height": film.height}
        saved = partial.begin(about, overwrite=overwrite)
        making = Making(film, partial, saved, quality=quality, steady=steady, watch=watch)
        return making.run(stylizer)


def _identity(source: Path) -> list[str | int]:
    """What tells a film from another of the same name."""
    if not os.path.isfile(source):
        return [str(source)]
    status = source.stat()
    return [source.name, status.st_size, status.st_mtime_ns]
