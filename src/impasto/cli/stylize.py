"""Stylize photographs: impasto stylize photo.jpg --model starry -o out.jpg

In a learned style (`impasto styles` lists them), in several (--model starry the_scream), or with
--painting painting.jpg in that of any painting, at once. Takes files, folders and films of any size
and writes photo_starry.jpg beside each photo unless -o says where. Pictures that are there are not
made again, so a run that was stopped goes on.
"""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TextIO

from impasto.cli.film import Films
from impasto.cli.film_jobs import FilmJob, can_make_films, is_film, plan_films
from impasto.cli.outputs import Job
from impasto.cli.paintings import Paintings
from impasto.cli.pictures import Pictures
from impasto.cli.pipeline import Pipeline
from impasto.cli.process import run_command, stop_as_ctrl_c_does
from impasto.cli.progress import watched
from impasto.cli.streams import messages_aside
from impasto.config.parser import parse
from impasto.config.renamed import flag
from impasto.config.settings import StylizeSettings
from impasto.errors import InputError
from impasto.images.encoding import Pixels
from impasto.images.io import RGB, find_images, to_floats
from impasto.images.photo import Keep, Photo, picture_bytes, read_photo
from impasto.inference.controls import Controls
from impasto.inference.hub import find_styles
from impasto.inference.stylizer import Picture, Stylizer, Vector
from impasto.inference.tiling import Watch, unwatched
from impasto.system import keep_freed_memory

logger = logging.getLogger(__name__)
PROGRAM = "impasto stylize"
Draw = Callable[[Picture, Watch], Picture]


class Style(NamedTuple):
    """Something to draw in."""

    draw: Draw
    identity: Callable[[], bytes]  # by which an unfinished film knows it again

    def on_floats(self, frame: RGB) -> RGB:
        """Draw a frame of a film, H×W×3 in [0,1]."""
        return self.draw(frame, unwatched)


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
        styles = open_styles(settings)
        films = films_of(settings, styles)
        photos = [name for name in settings.photos if not is_film(name)]
        if films and not any(not os.path.isdir(name) or find_images(name) for name in photos):
            made, left = stylize_films(films, settings, styles, stdout=stdout)
            return 0 if not left else 1 if made else 2
        named = replace(settings, photos=photos)
        pictures = Pictures(PROGRAM, named, styles=list(styles), stdout=stdout)
        made, left = stylize_films(films, settings, styles, stdout=stdout)
        code = pictures.run(pipeline(named, styles, pictures).run)
        return code if not left else 1 if made or code < 2 else 2


def films_of(settings: StylizeSettings, styles: dict[str, Style]) -> list[FilmJob]:
    """The films among what is given; those in folders only where films can be made.

    Raises:
        InputError: two of them would become one file.
    """
    films = plan_films(settings, styles=list(styles))
    found = {job.film for job in films if job.in_folder}
    if found and not can_make_films():
        count = f"{len(found)} films" if len(found) > 1 else "a film"
        logger.info("%s left out for want of PyAV or OpenCV: pip install 'impasto[video]'", count)
        return [job for job in films if not job.in_folder]
    return films


def stylize_films(
    jobs: list[FilmJob], settings: StylizeSettings, styles: dict[str, Style], *, stdout: TextIO
) -> tuple[int, int]:
    """Make films, style by style; returns how many were made and how many not."""
    made, left = 0, 0
    for name, style in styles.items():
        if of_style := [job for job in jobs if job.style == name]:
            identity = style.identity()
            films = Films(PROGRAM, settings, jobs=of_style, identity=identity, stdout=stdout)
            more, fewer = films.run(style.on_floats)
            made, left = made + more, left + fewer
    return made, left


def pipeline(settings: StylizeSettings, styles: dict[str, Style], pictures: Pictures) -> Pipeline:
    """How a photograph becomes the file of a picture."""

    def read(job: Job) -> Photo:
        alpha, fine = job.kind != "JPEG", settings.depth > 8
        photo = read_photo(job.source, at_least=settings.size, alpha=alpha, fine=fine)
        return photo.fit(settings.size)

    def paint(image: Picture, job: Job, watch: Watch) -> Picture:
        try:
            with watched(job.photo.name, also=watch) as seen:
                return styles[job.style].draw(image, seen)
        except InputError as error:
            raise InputError(f"{job.photo}: {error}") from error

    def pack(photo: Photo, pixels: Pixels, job: Job) -> bytes:
        return picture_bytes(photo, pixels, job.kind, keep=Keep.chosen(settings))

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


def open_styles(settings: StylizeSettings) -> dict[str, Style]:
    """What is to be drawn, by the names of styles, or of paintings.

    Raises:
        InputError: something named is not there or cannot be used.
    """
    if settings.painting:
        return painted(settings)
    for name in ("mix", "save_style", "steps"):
        if getattr(settings, name) is not None:
            raise InputError(f"{flag(name)} is about paintings: name them with --painting")
    controls = Controls.chosen(settings)
    return {
        name: Style(under(controls, net, settings.depth), net.path.read_bytes)
        for name, net in open_networks(settings).items()
    }


def painted(settings: StylizeSettings) -> dict[str, Style]:
    """Drawing like paintings: in one style, or in the steps of `--steps`.

    `--strength` is a matter of styles here, from the photograph's own to the paintings', not of
    blending pixels.

    Raises:
        InputError: one of the paintings, or what is to be made of them, makes no sense.
    """
    paintings = Paintings(settings)
    if settings.save_style:
        logger.info("the style is saved: %s", paintings.save(settings.save_style))
    controls, strength = Controls.chosen(replace(settings, strength=1.0)), settings.strength
    models = {paintings.name: paintings.model()}
    if settings.steps:
        steps = enumerate(paintings.between(settings.steps), start=1)
        models = {f"{paintings.name}-{step}": model for step, model in steps}
    if strength == 1 or settings.steps:
        nets = {name: open_network(model, settings) for name, model in models.items()}
        remark(next(iter(nets.values())))
        return {
            name: Style(under(controls, net, settings.depth), partial(models.__getitem__, name))
            for name, net in nets.items()
        }

    net = open_network(str(paintings.any.path), settings, style=paintings.vector)
    remark(net)
    draw_in = under(controls, net, settings.depth)

    def draw(photo: Picture, watch: Watch) -> Picture:
        net.style = paintings.style(to_floats(photo), strength=strength)
        return draw_in(photo, watch)

    return {paintings.name: Style(draw, paintings.model)}


def under(controls: Controls, net: Stylizer, depth: int) -> Draw:
    """A network with what is done before and after it; bytes stay bytes where that is enough."""

    def draw(photo: Picture, watch: Watch) -> Picture:
        image = photo if depth == 8 else to_floats(photo)
        return controls.apply(image, lambda working: net(working, watch=watch))

    return draw


def open_networks(settings: StylizeSettings) -> dict[str, Stylizer]:
    """The networks of `--model` by the names of their styles, which are told apart.

    Raises:
        InputError: one is not there, or not a style.
    """
    model = settings.model or "starry"
    networks: dict[str, Stylizer] = {}
    for word in [model] if os.path.isfile(model) else model.split(","):
        net = open_network(word, settings)
        remark(net)
        name = net.name
        while name in networks:
            name += "-2"
        networks[name] = net
    return networks


def open_network(
    model: str | bytes, settings: StylizeSettings, *, style: Vector | None = None
) -> Stylizer:
    """One network, as the settings have it run; one for any painting with a style to change."""
    return Stylizer(
        model,
        threads=settings.threads,
        range=settings.range,
        backend=settings.backend,
        precision=settings.precision,
        max_memory=settings.max_memory,
        style=style,
    )


def remark(net: Stylizer) -> None:
    """A line on what is not to be expected of a network."""
    if net.precision != "32":
        logger.info(
            "%s in %s with OpenVINO; --precision 32 is slower and exact", net.name, net.precision
        )
    if net.fixed:
        size = "{1}x{0}".format(*net.fixed)
        logger.info(
            "%s takes %s pixels only: pictures are made of overlapping pieces", net.name, size
        )
