#!/usr/bin/env python
"""Stylize photographs: python stylize.py --model starry photo.jpg -o out.jpg

--model applies a style that train.py learned, in seconds and without torch; --style optimises the
pixels after a painting (Gatys), in minutes. Both take files and folders, of any size, and write
photo_starry.jpg beside each photo unless told where. Of a folder they leave out what the style made
before. With no photo a sample is taken. Ctrl-C keeps the best picture so far.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import InputError, train_extra
from impasto.flags import parse
from impasto.images import load_image, save_image
from impasto.jobs import plan
from impasto.memory import keep_freed_memory
from impasto.runtime import Stylizer
from impasto.settings import StylizeSettings

if TYPE_CHECKING:  # torch takes seconds to load: for --style only
    from impasto.gatys import Progress

Make = Callable[[Path, Path], tuple[int, int]]  # photo and picture -> height and width
FOR_BOTH = {"photos", "model", "output", "overwrite", "size", "quality", "threads"}


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code: 0, 1 some photos failed, 2 all did, 130 Ctrl-C."""
    keep_freed_memory()
    try:
        settings = parse(StylizeSettings, argv, description=__doc__)
        with train_extra():
            style, make = painter(settings) if settings.style else stylizer(settings)
        jobs = plan(settings, style=style, say=print)
        if settings.plot and len(jobs) > 1:
            raise InputError(f"{settings.plot} is one plot for {len(jobs)} photos: use --log")
        failed = run(make, jobs, overwrite=settings.overwrite)
    except InputError as error:
        print(f"stylize.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        print(f"stylize.py: {str(error) or 'interrupted'}", file=sys.stderr)
        return 130
    for line in failed:
        print(f"stylize.py: {line}", file=sys.stderr)
    if failed and len(jobs) > 1:
        print(f"stylize.py: {len(failed)} of {len(jobs)} pictures were not made", file=sys.stderr)
    return 0 if not failed else 2 if len(failed) == len(jobs) else 1


def stylizer(settings: StylizeSettings) -> tuple[str, Make]:
    """The name of a learned style, and how to apply it."""
    for item in fields(settings):
        if item.name not in FOR_BOTH and getattr(settings, item.name) != item.default:
            flag = "--" + item.name.replace("_", "-")
            raise InputError(f"{flag} is for Gatys' method: name a painting with --style")
    net = Stylizer(settings.model or "starry", threads=settings.threads)

    def make(photo: Path, picture: Path) -> tuple[int, int]:
        image = load_image(photo, short_side=settings.size)
        save_image(net(image), picture, quality=settings.quality)
        return image.shape[0], image.shape[1]

    return net.name, make


def painter(settings: StylizeSettings) -> tuple[str, Make]:
    """The name of a painting, and how to paint after it."""
    if settings.model:
        raise InputError("--model and --style are two methods: give one")
    import torch
    from tqdm import tqdm

    from impasto.paint import Painter

    torch.set_num_threads(settings.threads or torch.get_num_threads())
    gatys = Painter(settings, say=print)

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


def run(make: Make, jobs: list[tuple[Path, Path]], *, overwrite: bool) -> list[str]:
    """Make pictures of photos one by one; returns a sentence for each that failed."""
    failed, start = [], time.perf_counter()
    for done, (photo, picture) in enumerate(jobs, start=1):
        begin = time.perf_counter()
        try:
            if picture.exists() and not overwrite:
                raise InputError(f"{picture} exists: --overwrite replaces it, -o names another")
            height, width = make(photo, picture)
        except InputError as error:
            failed.append(str(error))
            continue
        now = time.perf_counter()
        left = (now - start) / done * (len(jobs) - done)
        eta = f", {left:.0f} s left" if done < len(jobs) else ""
        print(f"[{done}/{len(jobs)}] {picture}  {width}x{height}  {now - begin:.2f} s{eta}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
