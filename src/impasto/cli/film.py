"""Films and cameras among what `impasto stylize` is given."""

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from time import monotonic
from typing import TextIO

from impasto.cli.film_jobs import FilmJob
from impasto.cli.process import complain
from impasto.cli.progress import redraw, room
from impasto.config.settings import StylizeSettings
from impasto.errors import InputError, RefusedError
from impasto.images.io import RGB
from impasto.video.film import Progress, stylize_video

APART = {"photos", "output", "overwrite", "threads", "camera"}  # settings that change no frame
APART |= {"json", "contact_sheet", "max_memory", "save_style"}
Paint = Callable[[RGB], RGB]


class Films:
    """The films of one style in one command, or its camera."""

    def __init__(
        self,
        program: str,
        settings: StylizeSettings,
        *,
        jobs: Sequence[FilmJob],
        identity: bytes,
        stdout: TextIO,
    ) -> None:
        """Take what is to be made.

        Args:
            program: what messages begin with.
            settings: of the command.
            jobs: from `plan_films`, of one style.
            identity: of the style, by which an unfinished film knows it again.
            stdout: for lines of JSON.
        """
        self.program = program
        self.settings = settings
        self.jobs = jobs
        self.stdout = stdout
        self.live = settings.camera is not None
        used = {key: value for key, value in asdict(settings).items() if key not in APART}
        self.key = f"{used} {hashlib.sha256(identity).hexdigest()}"

    def run(self, paint: Paint) -> tuple[int, int]:
        """Make them, one after the other; returns how many were made and how many not."""
        failed: dict[str, None] = {}
        made = 0
        try:
            for job in self.jobs:
                if self._is_made(job):
                    print(f"{job.target} exists already: --overwrite makes it again")
                    self._tell(job)
                    made += 1
                    continue
                try:
                    self._make(job, paint)
                    made += 1
                except (InputError, MemoryError) as error:
                    sentence = f"{job.film} does not fit in memory: --size makes it smaller"
                    sentence = str(error) if isinstance(error, InputError) else sentence
                    failed[sentence] = None
                    self._tell(job, error=sentence)
                    if isinstance(error, RefusedError):
                        break
        finally:
            for sentence in failed:
                complain(self.program, sentence)
        return made, len(self.jobs) - made

    def _is_made(self, job: FilmJob) -> bool:
        """Of several films those that are there are left out; a single one is refused."""
        left_out = (len(self.jobs) > 1 or job.in_folder) and not self.settings.overwrite
        begun = job.target.with_name(f".{job.target.name}.part").is_dir()
        return left_out and job.target.is_file() and not begun

    def _make(self, job: FilmJob, paint: Paint) -> None:
        size, began = None, monotonic()

        def seen(frame: RGB) -> RGB:
            nonlocal size
            size = frame.shape[1], frame.shape[0]
            return paint(frame)

        with _Line(str(job.target), live=self.live) as line:
            frames = stylize_video(
                job.film,
                job.target,
                seen,
                size=self.settings.size,
                quality=self.settings.quality,
                steady=self.settings.steady,
                live=self.live,
                overwrite=self.settings.overwrite,
                key=self.key,
                watch=line,
            )
        seconds = monotonic() - began
        print(f"{job.target}  {frames} frames  {seconds:.0f} s")
        self._tell(job, size=size, frames=frames, seconds=round(seconds, 6))

    def _tell(self, job: FilmJob, **known: object) -> None:
        """A line of JSON, if asked for: that of a picture, and how many frames there are."""
        if self.settings.json:
            line = dict.fromkeys(("size", "frames", "seconds", "error")) | known
            names = {"photo": str(job.film), "picture": str(job.target), "model": job.style}
            print(json.dumps(names | line), file=self.stdout, flush=True)


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
