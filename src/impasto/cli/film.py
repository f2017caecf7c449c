"""Films and cameras among what `impasto stylize` is given."""

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from time import monotonic

from impasto.cli.process import complain
from impasto.cli.progress import redraw, room
from impasto.config.settings import StylizeSettings
from impasto.errors import InputError, RefusedError
from impasto.images.io import RGB
from impasto.video.film import Progress, stylize_video

FILMS = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv"}
KEPT = {".mp4", ".m4v", ".mov", ".mkv", ".webm"}  # suffixes that a film has from the one before
APART = {"photos", "output", "overwrite", "threads", "camera"}  # settings that change no frame
APART |= {"json", "contact_sheet", "max_memory", "save_style"}
Paint = Callable[[RGB], RGB]


def is_film(name: str) -> bool:
    """Whether a name that was given is a film's."""
    return Path(name).suffix.lower() in FILMS and not os.path.isdir(name)


class Films:
    """The films of one command, or its camera."""

    def __init__(
        self,
        program: str,
        settings: StylizeSettings,
        *,
        style: str,
        identity: bytes,
        alone: bool = True,
    ) -> None:
        """Decide which film becomes which.

        Args:
            program: what messages begin with.
            settings: of the command.
            style: its name, a part of the names of the films.
            identity: of the style, by which an unfinished film knows it again.
            alone: there is no other style, whose film could be meant to go to the same file.

        Raises:
            InputError: several films for one file, or a camera without one.
        """
        self.program = program
        self.settings = settings
        given = [name for name in settings.photos if is_film(name)]
        if settings.camera is not None and (settings.photos or not settings.output):
            raise InputError("--camera makes one film: give -o FILE, and no photographs or films")
        self.live = settings.camera is not None
        sources = [Path(str(settings.camera))] if self.live else [Path(name) for name in given]
        alone = alone and len(settings.photos) <= 1
        self.jobs = [(source, _target(source, settings, style, alone)) for source in sources]
        if len({target for _, target in self.jobs}) < len(self.jobs):
            raise InputError("two films have one name: name a film at a time, with -o FILE")
        used = {key: value for key, value in asdict(settings).items() if key not in APART}
        self.key = f"{used} {hashlib.sha256(identity).hexdigest()}"

    def run(self, paint: Paint) -> tuple[int, int]:
        """Make them, one after the other; returns how many were made and how many not."""
        failed: list[str] = []
        made = 0
        try:
            for source, target in self.jobs:
                if self._is_made(target):
                    print(f"{target} exists already: --overwrite makes it again")
                    made += 1
                    continue
                try:
                    self._make(source, target, paint)
                    made += 1
                except (InputError, MemoryError) as error:
                    sentence = f"{source} does not fit in memory: --size makes it smaller"
                    failed.append(str(error) if isinstance(error, InputError) else sentence)
                    if isinstance(error, RefusedError):
                        break
        finally:
            for sentence in failed:
                complain(self.program, sentence)
        return made, len(self.jobs) - made

    def _is_made(self, target: Path) -> bool:
        """Of several films those that are there are left out; a single one is refused."""
        several = len(self.jobs) > 1 and not self.settings.overwrite
        begun = target.with_name(f".{target.name}.part").is_dir()
        return several and target.is_file() and not begun

    def _make(self, source: Path, target: Path, paint: Paint) -> None:
        began = monotonic()
        with _Line(str(target), live=self.live) as line:
            frames = stylize_video(
                source,
                target,
                paint,
                size=self.settings.size,
                quality=self.settings.quality,
                steady=self.settings.steady,
                live=self.live,
                overwrite=self.settings.overwrite,
                key=self.key,
                watch=line,
            )
        print(f"{target}  {frames} frames  {monotonic() - began:.0f} s")


def _target(source: Path, settings: StylizeSettings, style: str, alone: bool) -> Path:
    suffix = source.suffix if source.suffix.lower() in KEPT else ".mp4"
    name = f"{source.stem}_{style}{suffix}"
    if not settings.output:
        return source.parent / name
    output = Path(settings.output)
    folder = os.path.isdir(output) or settings.output.endswith(os.sep) or not output.suffix
    if not folder and not alone:
        raise InputError(f"{output} is one file for several films: name a folder")
    return output / name if folder else output


class _Line:
    """Progress on one line of a terminal, or on a line now and then in a file."""

    def __init__(self, name: str, *, live: bool) -> None:
        self.name = name
        self.live = live
        self.terminal = sys.stderr.isatty()
        self._every = 0.2 if self.terminal else 30.0  # s
        self._shown = monotonic()

    def __call__(self, now: Progress) -> None:
        """Show how far it is, if it is time to."""
        if monotonic() - self._shown < self._every:
            return
        self._shown = monotonic()
        self._write(describe(self.name, now, live=self.live))

    def __enter__(self) -> "_Line":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wipe the line."""
        if self.terminal:
            redraw("")

    def _write(self, text: str) -> None:
        if not self.terminal:
            print(text, file=sys.stderr)
            return
        redraw(text[-room() :])


def describe(name: str, now: Progress, *, live: bool = False) -> str:
    """As in `out.mp4  40 % of 250 frames, 12.1 a second, 13 s left`."""
    rate = now.now / max(now.seconds, 1e-9)
    if live or not now.of:
        ending = ", Ctrl-C ends it" if live else ""
        return f"{name}  {now.frames} frames, {rate:.1f} a second{ending}"
    left = max(0, now.of - now.frames) / max(rate, 1e-9)
    share = min(100, 100 * now.frames // now.of)
    return f"{name}  {share} % of {now.of} frames, {rate:.1f} a second, {_clock(left)} left"


def _clock(seconds: float) -> str:
    """13 s, 2:05, 1:10:00."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{whole} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
