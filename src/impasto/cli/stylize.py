"""Stylize photographs: python stylize.py --model starry photo.jpg -o out.jpg

--model applies a style that train.py learned, in seconds and without torch; --style optimises the
pixels after a painting (Gatys), in minutes. Both take files and folders, of any size, and write
photo_starry.jpg beside each photo unless told where. Pictures that are there are not made again, so
what was stopped goes on. With no photo a sample is taken. Ctrl-C keeps the best picture so far.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.cli.outputs import Job, missing, plan
from impasto.cli.process import show_messages, stop_as_ctrl_c_does
from impasto.config.parser import parse
from impasto.config.settings import StylizeSettings
from impasto.errors import InputError, RefusedError, train_extra
from impasto.images.io import check_pictures, load_image, save_image
from impasto.inference.stylizer import Stylizer
from impasto.system import keep_freed_memory

if TYPE_CHECKING:  # torch takes seconds to load: for --style only
    from impasto.gatys.optimize import Progress

Make = Callable[[Path, Path], tuple[int, int]]  # photo and picture -> height and width
FOR_BOTH = {"photos", "model", "output", "overwrite", "size", "quality", "threads"}
FOR_MODEL = FOR_BOTH | {"range", "backend", "precision"}


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code: 0, 1 some photos failed, 2 all did, 130 Ctrl-C."""
    show_messages()
    keep_freed_memory()
    stop_as_ctrl_c_does()
    try:
        settings = parse(StylizeSettings, argv, description=__doc__)
        with train_extra():
            style, make = painter(settings) if settings.style else stylizer(settings)
        jobs = plan(settings, style=style, say=print)
        if settings.plot and len(jobs) > 1:
            raise InputError(f"{settings.plot} is one plot for {len(jobs)} photos: use --log")
        todo = missing(jobs, settings, say=print)
        check_pictures(picture for _, picture in todo)
        left = len(todo) - run(make, todo)
    except InputError as error:
        complain(error)
        return 2
    except KeyboardInterrupt as error:
        complain(str(error) or "interrupted")
        return 130
    if left and len(jobs) > 1:
        complain(f"{left} of {len(jobs)} pictures were not made")
    return 0 if not left else 2 if left == len(jobs) else 1


def complain(sentence: object) -> None:
    """On stderr, after the name of the program."""
    print(f"impasto stylize: {sentence}", file=sys.stderr)


def stylizer(settings: StylizeSettings) -> tuple[str, Make]:
    """The name of a learned style, and how to apply it."""
    if flag := changed(settings, {item.name for item in fields(settings)} - FOR_MODEL):
        raise InputError(f"{flag} is for Gatys' method: name a painting with --style")
    net = Stylizer(
        settings.model or "starry",
        threads=settings.threads,
        range=settings.range,
        backend=settings.backend,
        precision=settings.precision,
    )
    if net.precision != "32":
        print(f"{net.name} in {net.precision} with OpenVINO; --precision 32 is slower and exact")
    if net.fixed:
        size = "{1}x{0}".format(*net.fixed)
        print(f"{net.name} takes {size} pixels only: pictures are made of overlapping pieces")

    def make(photo: Path, picture: Path) -> tuple[int, int]:
        image = load_image(photo, short_side=settings.size)
        try:
            stylized = net(image)
        except InputError as error:
            raise InputError(f"{photo}: {error}") from error
        save_image(stylized, picture, quality=settings.quality)
        return image.shape[0], image.shape[1]

    return net.name, make


def changed(settings: StylizeSettings, names: set[str]) -> str | None:
    """The first flag among `names` that was given."""
    given = (item for item in fields(settings) if item.name in names)
    flags = [i.name for i in given if getattr(settings, i.name) != i.default]
    return "--" + flags[0].replace("_", "-") if flags else None


def painter(settings: StylizeSettings) -> tuple[str, Make]:
    """The name of a painting, and how to paint after it."""
    if settings.model:
        raise InputError("--model and --style are two methods: give one")
    if flag := changed(settings, FOR_MODEL - FOR_BOTH):
        raise InputError(f"{flag} is for a network: name it with --model")
    import torch
    from tqdm import tqdm

    from impasto.gatys.stylizer import GatysStylizer

    torch.set_num_threads(settings.threads or torch.get_num_threads())
    gatys = GatysStylizer(settings)

    def make(photo: Path, picture: Path) -> tuple[int, int]:
        # no bar in a file, where `--print-every` is of use
        with tqdm(total=settings.iterations, desc=photo.name, disable=None) as bar:

            def watch(now: "Progress") -> None:
                bar.set_postfix_str(describe(now), refresh=False)
                bar.update(now.iteration - bar.n)
                if settings.print_every and now.iteration % settings.print_every == 0:
                    tqdm.write(f"iteration {now.iteration}: {describe(now)}")

            return gatys.paint(photo, picture, watch=watch)

    return gatys.name, make


def describe(now: "Progress") -> str:
    """Every term, and how often the optimizer began again, if it did."""
    terms = {"content": now.content, "style": now.style, "tv": now.tv, "total": now.total}
    again = f", {now.restarts} restarts" if now.restarts else ""
    return ", ".join(f"{name} {value:.4g}" for name, value in terms.items()) + again


def run(make: Make, jobs: list[Job]) -> int:
    """Make pictures of photos one by one and complain of what fails; returns how many were made."""
    failed: list[str] = []
    made, start = 0, time.perf_counter()
    try:
        for done, (photo, picture) in enumerate(jobs, start=1):
            begin = time.perf_counter()
            try:
                height, width = make(photo, picture)
            except (InputError, MemoryError, RuntimeError) as error:
                failed.append(explain(error, photo))
                if isinstance(error, RefusedError):
                    break  # the others would be made for nothing
                continue
            made += 1
            now = time.perf_counter()
            left = (now - start) / done * (len(jobs) - done)
            eta = f", {left:.0f} s left" if done < len(jobs) else ""
            print(f"[{done}/{len(jobs)}] {picture}  {width}x{height}  {now - begin:.2f} s{eta}")
    except KeyboardInterrupt as error:
        if len(jobs) == 1:
            raise
        told = f"{made} of {len(jobs)} pictures are made, the same command makes the others"
        raise KeyboardInterrupt(f"{str(error) or 'interrupted'}; {told}") from error
    finally:
        for sentence in failed:
            complain(sentence)
    return made


def explain(error: Exception, photo: Path) -> str:
    """What went wrong with a photo, in a sentence; what is our fault is raised."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError) or "memory" in str(error):  # of torch it is a RuntimeError
        return f"{photo} does not fit in memory: --size makes it smaller"
    raise error
