"""Stylize photographs in a learned style: impasto stylize photo.jpg --model starry -o out.jpg

Takes files and folders of pictures of any size, and writes photo_starry.jpg beside each photo
unless -o says where. Pictures that are there are not made again, so a run that was stopped goes
on. `impasto styles` lists the styles; `impasto train` learns a new one. Several styles at once:
impasto stylize --model starry the_scream -o painted/ --contact-sheet all.jpg holiday/
"""

import logging
import os
import sys
from collections.abc import Sequence

from impasto.cli.outputs import Job
from impasto.cli.pictures import Pictures, keep
from impasto.cli.pipeline import Pipeline
from impasto.cli.process import run_command, stop_as_ctrl_c_does
from impasto.cli.streams import messages_aside
from impasto.config.parser import parse
from impasto.config.settings import StylizeSettings
from impasto.errors import InputError
from impasto.images.encoding import Pixels
from impasto.images.io import RGB
from impasto.images.photo import Photo, picture_bytes, read_photo
from impasto.inference.hub import find_styles
from impasto.inference.stylizer import Stylizer
from impasto.inference.tiling import Watch
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
    keep_freed_memory(in_threads=True)
    stop_as_ctrl_c_does()
    with messages_aside(words) as stdout:
        joined = with_models_joined(words)
        settings = parse(StylizeSettings, joined, description=__doc__, program=PROGRAM)
        networks = open_networks(settings)
        pictures = Pictures(PROGRAM, settings, styles=list(networks), stdout=stdout)
        return pictures.run(pipeline(settings, networks, pictures).run)


def pipeline(
    settings: StylizeSettings, networks: dict[str, Stylizer], pictures: Pictures
) -> Pipeline:
    """How a photograph becomes the file of a picture."""

    def read(job: Job) -> Photo:
        photo = read_photo(job.source, at_least=settings.size, alpha=job.kind != "JPEG")
        return photo.fit(settings.size)

    def paint(image: RGB, job: Job, watch: Watch) -> RGB:
        try:
            return networks[job.style](image, watch=watch)
        except InputError as error:
            raise InputError(f"{job.photo}: {error}") from error

    def pack(photo: Photo, pixels: Pixels, job: Job) -> bytes:
        return picture_bytes(photo, pixels, job.kind, keep=keep(settings))

    return Pipeline(read=read, paint=paint, pack=pack, place=pictures.place, depth=settings.depth)


def with_models_joined(words: Sequence[str]) -> list[str]:
    """The words with one after `--model`, the names of several joined by commas.

    As the photographs may follow, a further one has to be the name of a style or end in .onnx.
    """
    if "--model" not in words:
        return list(words)
    names = {style.name for style in find_styles()}
    joined: list[str] = []
    for word in words:
        more = word in names or word.endswith(".onnx")
        if more and len(joined) > 1 and joined[-2] == "--model":
            joined[-1] += f",{word}"
        else:
            joined.append(word)
    return joined


def open_networks(settings: StylizeSettings) -> dict[str, Stylizer]:
    """The networks of `--model` by the names of their styles, which are told apart.

    Raises:
        InputError: one is not there, or not a style.
    """
    model = settings.model or "starry"
    networks: dict[str, Stylizer] = {}
    for word in [model] if os.path.isfile(model) else model.split(","):
        net = open_network(word, settings)
        name = net.name
        while name in networks:
            name += "-2"
        networks[name] = net
    return networks


def open_network(model: str, settings: StylizeSettings) -> Stylizer:
    """One network, with a line on what is not to be expected of it."""
    net = Stylizer(
        model,
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
