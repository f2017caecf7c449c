"""Stylize photographs: impasto stylize photo.jpg --model starry -o out.jpg

In a learned style, or with --painting painting.jpg in that of any painting, at once. Takes files
and folders of pictures of any size, and writes photo_starry.jpg beside each photo unless -o says
where. Pictures that are there are not made again, so a run that was stopped goes on. `impasto
styles` lists the styles; `impasto train` learns a new one.
"""

import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from impasto.cli.paintings import Paintings
from impasto.cli.pictures import Make, Pictures
from impasto.cli.process import run_command, stop_as_ctrl_c_does
from impasto.config.parser import parse
from impasto.config.renamed import flag
from impasto.config.settings import StylizeSettings
from impasto.errors import InputError
from impasto.images.io import RGB, contact_sheet, load_image, save_image
from impasto.inference.controls import Controls
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
    name, make = network(settings)
    return Pictures(PROGRAM, settings, style=name, make=make).run()


def network(settings: StylizeSettings) -> tuple[str, Make]:
    """The name of a style, and how to apply it."""
    if settings.painting:
        return painted(settings)
    for name in ("mix", "save_style", "strip"):
        if getattr(settings, name) is not None:
            raise InputError(f"{flag(name)} is about paintings: name them with --painting")
    net = _opened(settings.model or "starry", settings)
    if net.precision != "32":
        print(f"{net.name} in {net.precision} with OpenVINO; --precision 32 is slower and exact")
    if net.fixed:
        size = "{1}x{0}".format(*net.fixed)
        print(f"{net.name} takes {size} pixels only: pictures are made of overlapping pieces")
    controls = Controls.chosen(settings)
    return net.name, _maker(settings, lambda photo: controls.apply(photo, net))


def painted(settings: StylizeSettings) -> tuple[str, Make]:
    """The names of paintings, and how to draw like them."""
    paintings = Paintings(settings)
    if settings.save_style:
        logger.info("the style is saved: %s", paintings.save(settings.save_style))
    strength = settings.strength  # is a matter of styles here, not of blending pixels
    controls = Controls.chosen(replace(settings, strength=1.0))
    steps = paintings.between(settings.strip) if settings.strip else [paintings.model()]
    nets = [_opened(model, settings) for model in steps]

    def draw(photo: RGB) -> RGB:
        drawn_by = nets
        if strength != 1:
            drawn_by = [_opened(paintings.model(photo, strength=strength), settings)]
        pictures = [controls.apply(photo, net) for net in drawn_by]
        return contact_sheet([pictures]) if settings.strip else pictures[0]

    return paintings.name, _maker(settings, draw)


def _opened(model: str | bytes, settings: StylizeSettings) -> Stylizer:
    return Stylizer(
        model,
        threads=settings.threads,
        range=settings.range,
        backend=settings.backend,
        precision=settings.precision,
    )


def _maker(settings: StylizeSettings, draw: Callable[[RGB], RGB]) -> Make:
    def make(photo: Path, picture: Path) -> tuple[int, int]:
        image = load_image(photo, short_side=settings.size)
        try:
            stylized = draw(image)
        except InputError as error:
            raise InputError(f"{photo}: {error}") from error
        save_image(stylized, picture, quality=settings.quality)
        return stylized.shape[0], stylized.shape[1]

    return make
