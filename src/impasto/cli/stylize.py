"""Stylize photographs in a learned style: impasto stylize photo.jpg --model starry -o out.jpg

Takes pictures of any size, folders and films, and writes photo_starry.jpg beside each photo
unless -o says where. Pictures that are there are not made again, so a run that was stopped goes
on. `impasto styles` lists the styles; `impasto train` learns a new one.
"""

import logging
import sys
from dataclasses import replace
from pathlib import Path

from impasto.cli.film import Films, is_film
from impasto.cli.pictures import Make, Pictures
from impasto.cli.process import run_command, stop_as_ctrl_c_does
from impasto.config.parser import parse
from impasto.config.settings import StylizeSettings
from impasto.errors import InputError
from impasto.images.io import load_image, save_image
from impasto.inference.stylizer import Stylizer
from impasto.system import keep_freed_memory

logger = logging.getLogger(__name__)
PROGRAM = "impasto stylize"


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code: 0, 1 some photos failed, 2 all did, 130 Ctrl-C."""
    words = sys.argv[1:] if argv is None else argv
    return run_command(PROGRAM, lambda: stylize(words))


def stylize(words: list[str]) -> int:
    """The work of the command, or of `impasto gatys` if a painting is named."""
    flags = {word.split("=")[0] for word in words}
    if "--style" in flags and "--model" in flags:
        raise InputError("--model and --style are two methods: give one")
    if "--style" in flags:
        from impasto.cli import gatys

        logger.info("--style is Gatys' method, which is a command of its own now: impasto gatys")
        return gatys.main(words)
    keep_freed_memory()
    stop_as_ctrl_c_does()
    settings = parse(StylizeSettings, words, description=__doc__, program=PROGRAM)
    net = open_style(settings)
    films = Films(PROGRAM, settings, style=net.name, model=net.path)
    made, left = films.run(net)
    photos = [name for name in settings.photos if not is_film(name)]
    if films.jobs and not photos:
        return 0 if not left else 1 if made else 2
    settings = replace(settings, photos=photos)
    code = Pictures(PROGRAM, settings, style=net.name, make=maker(net, settings)).run()
    return code if not left else 1 if made or code < 2 else 2


def open_style(settings: StylizeSettings) -> Stylizer:
    """The network of a learned style."""
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
    return net


def maker(net: Stylizer, settings: StylizeSettings) -> Make:
    """How to apply a style to a photograph."""

    def make(photo: Path, picture: Path) -> tuple[int, int]:
        image = load_image(photo, short_side=settings.size)
        try:
            stylized = net(image)
        except InputError as error:
            raise InputError(f"{photo}: {error}") from error
        save_image(stylized, picture, quality=settings.quality)
        return image.shape[0], image.shape[1]

    return make
