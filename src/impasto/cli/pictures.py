"""From photographs to pictures, one by one: what `impasto stylize` and `impasto gatys` share."""

import contextlib
import io
import json
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TextIO

from impasto.cli.outputs import STDOUT, Job, missing, plan
from impasto.cli.process import complain
from impasto.cli.sheet import check_sheet, write_sheet
from impasto.cli.streams import STREAM, check_stdout, write_stdout
from impasto.config.settings import PictureSettings
from impasto.errors import InputError, RefusedError
from impasto.images.io import check_pictures, write_picture

Finish = Callable[[], tuple[int, int]]  # -> height and width
Steps = Callable[[Sequence[Job]], Generator[tuple[Job, Finish]]]


class Pictures:
    """The photographs of one command, each to become a picture in every style."""

    def __init__(
        self, program: str, settings: PictureSettings, *, styles: Sequence[str], stdout: TextIO
    ) -> None:
        """Decide which photograph becomes which picture, and see that it can be written.

        Args:
            program: what complaints begin with.
            settings: photographs, and what becomes of the files.
            styles: names, at least one.
            stdout: for a picture, or for lines of JSON.

        Raises:
            InputError: nothing to do, two photos for one picture, or a place that takes none.
        """
        if settings.keep_profile and settings.depth > 8:
            raise InputError("--keep-profile is for 8 bits a color: leave it out, or --depth")
        self.program, self.settings, self.stdout = program, settings, stdout
        self.jobs = plan(settings, styles=styles)
        self.todo = missing(self.jobs, settings)
        if any(job.picture == STDOUT for job in self.todo):
            check_stdout(stdout)
        files = [job.picture for job in self.todo if job.picture != STDOUT]
        check_pictures(files, depth=settings.depth)
        check_sheet(self.jobs, settings)

    def place(self, job: Job, data: bytes) -> None:
        """Put the bytes of a picture where it belongs.

        Raises:
            InputError: they cannot be written.
        """
        if job.picture == STDOUT:
            write_stdout(data, self.stdout)
        else:
            write_picture(data, job.picture)

    def run(self, steps: Steps) -> int:
        """Make them; returns the exit code: 0, 1 some photos failed, 2 all did.

        Args:
            steps: jobs -> each of them with what makes its picture, in order.
        """
        left = len(self.todo) - self._make_all(steps)
        if self.settings.contact_sheet and left < len(self.jobs):
            write_sheet(self.jobs, Path(self.settings.contact_sheet), self.settings.quality)
        if left and len(self.jobs) > 1:
            complain(self.program, f"{left} of {len(self.jobs)} pictures were not made")
        return 0 if not left else 2 if left == len(self.jobs) else 1

    def _make_all(self, steps: Steps) -> int:
        failed: dict[str, None] = {}  # a photo that cannot be read fails in every style
        made, total = 0, len(self.todo)
        self._tell_of_old()
        begin = last = time.perf_counter()
        try:
            with contextlib.closing(steps(self.todo)) as going:
                for done, (job, finish) in enumerate(going, start=1):
                    try:
                        height, width = finish()
                    except (InputError, MemoryError, RuntimeError) as error:
                        failed[sentence := explain(error, job.photo)] = None
                        self._tell(job, error=sentence)
                        last = time.perf_counter()
                        if isinstance(error, RefusedError):
                            break  # the others would be made for nothing
                        continue
                    made, now = made + 1, time.perf_counter()
                    left = (now - begin) / done * (total - done)
                    eta = f", {left:.0f} s left" if done < total else ""
                    size, seconds = f"{width}x{height}", now - last
                    print(f"[{done}/{total}] {job.picture}  {size}  {seconds:.2f} s{eta}")
                    self._tell(job, size=(width, height), seconds=seconds)
                    last = now
        except KeyboardInterrupt as error:
            if len(self.todo) == 1:
                raise
            count = f"{made} of {len(self.todo)} pictures are made"
            told = f"{count}, the same command makes the others"
            raise KeyboardInterrupt(f"{str(error) or 'interrupted'}; {told}") from error
        finally:
            for sentence in failed:
                complain(self.program, sentence)
        return made

    def _tell_of_old(self) -> None:
        todo = set(self.todo)
        for job in self.jobs:
            if job not in todo:
                self._tell(job)

    def _tell(
        self,
        job: Job,
        *,
        size: tuple[int, int] | None = None,
        seconds: float | None = None,
        error: str | None = None,
    ) -> None:
        """A line of JSON, if asked for; neither time nor error for one that was there before."""
        if self.settings.json:
            line = {
                "photo": STREAM if isinstance(job.source, io.BytesIO) else str(job.photo),
                "picture": str(job.picture),
                "model": job.style,
                "size": size,
                "seconds": seconds and round(seconds, 6),
                "error": error,
            }
            print(json.dumps(line), file=self.stdout, flush=True)


def explain(error: Exception, photo: Path) -> str:
    """What went wrong with a photo, in a sentence; what is our fault is raised."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError) or "memory" in str(error):  # of torch it is a RuntimeError
        return f"{photo} does not fit in memory: --size makes it smaller"
    raise error
