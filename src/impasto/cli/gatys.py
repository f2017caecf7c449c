"""Paint a photograph after a painting, pixel by pixel: impasto gatys --style painting.jpg photo.jpg

The method of Gatys, Ecker and Bethge (2016). It learns nothing and takes minutes a picture; it is
what `impasto train` is measured against. Pictures that are there are not made again. Ctrl-C keeps
the best picture so far.
"""

import sys
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from impasto.cli.outputs import STDOUT, Job
from impasto.cli.pictures import Finish, Pictures
from impasto.cli.process import run_command, stop_as_ctrl_c_does
from impasto.cli.streams import messages_aside
from impasto.config.parser import parse
from impasto.config.settings import GatysSettings
from impasto.errors import InputError, train_extra
from impasto.system import keep_freed_memory

if TYPE_CHECKING:  # torch takes seconds to load: not before the flags are known to be right
    from impasto.gatys.optimize import Progress

PROGRAM = "impasto gatys"


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code: 0, 1 some photos failed, 2 all did, 130 Ctrl-C."""
    return run_command(PROGRAM, lambda: paint(argv))


def paint(argv: list[str] | None) -> int:
    """The work of the command; returns its exit code."""
    keep_freed_memory()
    stop_as_ctrl_c_does()
    words = sys.argv[1:] if argv is None else argv
    with messages_aside(words) as stdout:
        settings = parse(GatysSettings, words, description=__doc__, program=PROGRAM)
        with train_extra():
            name, make = painter(settings)
        pictures = Pictures(PROGRAM, settings, styles=[name], stdout=stdout)
        if settings.plot and len(pictures.jobs) > 1:
            several = f"{settings.plot} is one plot for {len(pictures.jobs)} photos"
            raise InputError(f"{several}: use --log")
        if settings.save_every and pictures.jobs[0].picture == STDOUT:
            raise InputError("--save-every is for a picture in a file: -o names one")

        def steps(jobs: Sequence[Job]) -> Generator[tuple[Job, Finish]]:
            yield from ((job, partial(make, job, pictures)) for job in jobs)

        return pictures.run(steps)


def painter(
    settings: GatysSettings,
) -> tuple[str, Callable[[Job, Pictures], tuple[int, int]]]:
    """The name of a painting, and how to paint after it."""
    import torch
    from tqdm import tqdm

    from impasto.gatys.stylizer import GatysStylizer

    torch.set_num_threads(settings.threads or torch.get_num_threads())
    gatys = GatysStylizer(settings)

    def make(job: Job, pictures: Pictures) -> tuple[int, int]:
        # no bar in a file, where `--print-every` is of use
        with tqdm(total=settings.iterations, desc=job.photo.name, disable=None) as bar:

            def watch(now: "Progress") -> None:
                bar.set_postfix_str(describe(now), refresh=False)
                bar.update(now.iteration - bar.n)
                if settings.print_every and now.iteration % settings.print_every == 0:
                    tqdm.write(f"iteration {now.iteration}: {describe(now)}")

            def place(data: bytes, _: object) -> None:
                pictures.place(job, data)

            return gatys.paint(job.source, job.picture, watch=watch, kind=job.kind, place=place)

    return gatys.name, make


def describe(now: "Progress") -> str:
    """Every term, and how often the optimizer began again, if it did."""
    terms = {"content": now.content, "style": now.style, "tv": now.tv, "total": now.total}
    again = f", {now.restarts} restarts" if now.restarts else ""
    return ", ".join(f"{name} {value:.4g}" for name, value in terms.items()) + again
