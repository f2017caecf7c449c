"""Stylize films: `stylize_video("film.mp4", "painted.mp4", Stylizer("starry"))`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from impasto.images.io import RGB
from impasto.video.extra import video_extra

STEADY = 0.85


class Progress(NamedTuple):
    """How far a film is."""

    frames: int  # done
    of: int | None  # about how many there are, None if nobody knows
    now: int  # done by this call, which may have continued an earlier one
    seconds: float  # since it began


Watch = Callable[[Progress], object]


class Options(NamedTuple):
    """How a film is made; see `stylize_video`."""

    size: int | None
    quality: int
    steady: float
    live: bool
    overwrite: bool
    key: str
    watch: Watch


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
    """Stylize a film, and keep its sound, rate, length and the time of every frame.

    Args:
        source: a film, or a camera if `live`.
        target: .mp4, .m4v, .mov, .mkv or .webm. Begun and not finished, it is continued.
        stylizer: frame -> stylized, H×W×3 float32 RGB in [0,1]; called in the calling thread.
        size: short side in pixels, by default the film's. An odd side loses its last row.
        quality: 1..100; 95 is x264's rate factor 20.
        steady: weight of the frames before, in [0,1), against flicker; 0 for none.
        live: record until Ctrl-C, at the pace of a camera; what comes too fast is left out.
        overwrite: replace a film that exists, or was begun with other settings.
        key: names `stylizer`, so that a film begun with another is not continued.
        watch: called after every frame; what it raises ends the work.

    Returns:
        How many frames the film has.

    Raises:
        InputError: a package is missing, no such film, or a place that takes none.
        KeyboardInterrupt: `target` is a film as far as it came, the same call goes on.
    """
    with video_extra():
        from impasto.video.making import make
    options = Options(size, quality, steady, live, overwrite, key, watch)
    return make(Path(source), Path(target), stylizer, options)
