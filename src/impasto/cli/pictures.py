"""From photographs to pictures, one by one: what `impasto stylize` and `impasto gatys` share."""

import time
from collections.abc import Callable
from pathlib import Path

from impasto.cli.outputs import missing, plan
from impasto.cli.process import complain
from impasto.config.settings import PictureSettings
from impasto.errors import InputError, RefusedError
from impasto.images.io import check_pictures

Make = Callable[[Path, Path], tuple[int, int]]  # photo and picture -> height and width


class Pictures:
    """The photographs of one command, each to become a picture."""

    def __init__(self, program: str, settings: PictureSettings, *, style: str, make: Make) -> None:
        """Decide which photograph becomes which picture, and see that it can be written.

        Raises:
            InputError: nothing to do, two photos for one picture, or a place that takes none.
        """
        self.program = program
        self.make = make
        self.jobs = plan(settings, style=style)
        self.todo = missing(self.jobs, settings)
        check_pictures(picture for _, picture in self.todo)

    def run(self) -> int:
        """Make them; returns the exit code: 0, 1 some photos failed, 2 all did."""
        left = len(self.todo) - self._make_all()
        if left and len(self.jobs) > 1:
            complain(self.program, f"{left} of {len(self.jobs)} pictures were not made")
        return 0 if not left else 2 if left == len(self.jobs) else 1

    def _make_all(self) -> int:
        failed: list[str] = []
        made, start = 0, time.perf_counter()
        try:
            for done, (photo, picture) in enumerate(self.todo, start=1):
                begin = time.perf_counter()
                try:
                    height, width = self.make(photo, picture)
                except (InputError, MemoryError, RuntimeError) as error:
                    failed.append(explain(error, photo))
                    if isinstance(error, RefusedError):
                        break  # the others would be made for nothing
                    continue
                made += 1
                now, total = time.perf_counter(), len(self.todo)
                left = (now - start) / done * (total - done)
                eta = f", {left:.0f} s left" if done < total else ""
                print(f"[{done}/{total}] {picture}  {width}x{height}  {now - begin:.2f} s{eta}")
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


def explain(error: Exception, photo: Path) -> str:
    """What went wrong with a photo, in a sentence; what is our fault is raised."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError) or "memory" in str(error):  # of torch it is a RuntimeError
        return f"{photo} does not fit in memory: --size makes it smaller"
    raise error
