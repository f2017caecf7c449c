"""A film while it is made: decoded, stylized and encoded at the same time, a segment at a time."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from impasto.errors import InputError
from impasto.files import check_places, unwritable
from impasto.images.io import RGB
from impasto.video.channel import newest, overlap
from impasto.video.encoder import Encoder, check_suffix
from impasto.video.film import Options, Progress
from impasto.video.join import Last, check_sound, join
from impasto.video.partial import Memory, PartialFilm, Saved
from impasto.video.reader import FilmReader, Frame
from impasto.video.steady import InputAverage, OutputAverage, Prepared

SEGMENT = 2.0  # s: what a crash costs at most, and how far apart the places are to jump to
WAITING = 64 * 2**20  # bytes of frames that wait on either side of the network
PIXEL = 27  # bytes that a waiting pixel takes: the image, its motion and trust, and its own three


class _Painted(NamedTuple):
    frame: Frame
    prepared: Prepared
    stylized: RGB


def make(source: Path, target: Path, stylizer: Callable[[RGB], RGB], options: Options) -> int:
    """See `stylize_video`."""
    if not 0 <= options.steady < 1:
        raise InputError(f"steady is {options.steady}: give at least 0, and less than 1")
    check_suffix(target)
    partial = PartialFilm(target)
    if options.live:
        partial.remove()
    if os.path.exists(target) and not options.overwrite and not partial.is_there():
        raise InputError(f"{target} exists: --overwrite replaces it, -o names another")
    with FilmReader(source, size=options.size, live=options.live) as film:
        if not options.live:
            check_sound(source, target)
        check_places([target])
        about: dict[str, object] = {"film": _identity(source), "key": options.key}
        about |= {"quality": options.quality, "steady": options.steady}
        about |= {"width": film.width, "height": film.height}
        saved = partial.begin(about, overwrite=options.overwrite)
        return Making(film, partial, saved, options).run(stylizer)


def _identity(source: Path) -> list[str | int]:
    """What tells a film from another of the same name."""
    if not os.path.isfile(source):
        return [str(source)]
    status = source.stat()
    return [source.name, status.st_size, status.st_mtime_ns]


class Making:
    """One film, from where an earlier run left it to its end."""

    def __init__(
        self, film: FilmReader, partial: PartialFilm, saved: Saved, options: Options
    ) -> None:
        """Nothing is read or written yet."""
        self.film = film
        self.partial = partial
        self.quality = options.quality
        self.watch = options.watch
        self.segment_frames = max(1, round(SEGMENT * film.rate))
        memory = saved.memory or Memory(None, None)
        self.input = InputAverage(options.steady, mean=memory.mean)
        self.output = OutputAverage(options.steady, mean=memory.stylized)
        self.skipped = saved.frames
        self._saved = saved
        self._encoder: Encoder | None = None
        self._frames = saved.frames  # of which those after the last whole segment are lost
        self._last: Frame | None = None  # that was encoded
        self._memory = saved.memory

    def run(self, stylizer: Callable[[RGB], RGB]) -> int:
        """Make what is left; returns how many frames there are."""
        try:
            self._stylize(stylizer)
        except KeyboardInterrupt as error:
            if not self.film.live:
                self._join(whole=False)
                done = f"{self._frames} frames are in {self.partial.target}"
                raise KeyboardInterrupt(f"{done}, the same command goes on") from error
        self._join(whole=True)
        self.partial.remove()
        return self._frames

    def _stylize(self, stylizer: Callable[[RGB], RGB]) -> None:
        began, done = time.monotonic(), 0

        def work(item: tuple[Frame, Prepared]) -> _Painted:
            nonlocal done
            frame, prepared = item
            stylized = stylizer(prepared.image)
            done += 1
            seconds = time.monotonic() - began
            self.watch(Progress(self.skipped + done, self.film.count, done, seconds))
            return _Painted(frame, prepared, stylized)

        depth = WAITING // (self.film.width * self.film.height * PIXEL)
        try:
            overlap(self._prepared(), work, self._encode, depth=max(1, min(4, depth)))
        finally:
            self._end_segment()

    def _prepared(self) -> Iterator[tuple[Frame, Prepared]]:
        """Decoded frames that are not done yet, ready for the network."""
        frames = self.film.frames()
        for _ in range(self.skipped):
            self._last = next(frames, self._last)
        for frame in newest(frames) if self.film.live else frames:
            yield frame, self.input(frame.image)

    def _encode(self, painted: _Painted) -> None:
        try:
            self._add(painted)
        except OSError as error:  # as PyAV's are
            self._encoder = None
            raise unwritable(self.partial.target, error) from error

    def _add(self, painted: _Painted) -> None:
        frame, prepared, stylized = painted
        if self._encoder is None:
            path, suffix = self.partial.segment(self._saved.segments), self.partial.target.suffix
            self._encoder = Encoder(path, self.film, suffix=suffix, quality=self.quality)
        image = self.output(stylized, prepared.motion)
        self._encoder.add(image, pts=frame.pts, duration=frame.duration)
        if self.input.weight:
            self._memory = Memory(prepared.image, image)
        self._last = frame
        self._frames += 1
        if self._frames - self._saved.frames == self.segment_frames:
            self._end_segment()

    def _end_segment(self) -> None:
        if self._encoder is None:
            return
        encoder, self._encoder = self._encoder, None
        encoder.close()
        self._saved = Saved(self._saved.segments + 1, self._frames, self._memory)
        self.partial.save(self._saved)

    def _join(self, *, whole: bool) -> None:
        """Write the film of all segments there are."""
        if self._last is None or not self._saved.segments:
            return
        unit = self.film.time_base
        join(
            [self.partial.segment(index) for index in range(self._saved.segments)],
            self.partial.target,
            time_base=unit,
            last=Last(self._last.pts * unit, self._last.duration * unit),
            source=None if self.film.live else self.film.path,
            whole=whole,
        )
