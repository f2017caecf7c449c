"""Whatever makes pictures of photographs: our networks and others', Gatys' method, folders."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from impasto.analysis.pictures import match
from impasto.analysis.progress import Tick
from impasto.config.analysis import JudgeSettings
from impasto.config.parser import parse
from impasto.config.presets import preset_words
from impasto.config.settings import GatysSettings
from impasto.data.locate import find_style
from impasto.data.tensors import to_rgb
from impasto.errors import InputError
from impasto.files import sha256_of
from impasto.gatys.multiscale import Lowest
from impasto.gatys.optimize import Progress
from impasto.gatys.stylizer import GatysStylizer
from impasto.images.io import RGB, find_images, load_image, save_image
from impasto.inference.stylizer import Stylizer

logger = logging.getLogger(__name__)

ITSELF = "photograph"  # what it is called beside its pictures


@dataclass(frozen=True, kw_only=True)
class Contender:
    """`make` turns the file of a photograph, and its pixels, into one picture a name."""

    names: list[str]
    make: Callable[[Path, RGB, Tick], list[RGB]]


def find_contenders(
    settings: JudgeSettings, photos: Sequence[Path], *, encoder: str
) -> list[Contender]:
    """All that is named, before any work.

    Args:
        settings: of the study.
        photos: what will be stylized.
        encoder: of Gatys' method, unless its YAML names one.

    Raises:
        InputError: something is not there, two have the same name, or there is nothing at all.
    """
    sha256 = sha256_of(find_style(settings.style))
    white = settings.range
    found = [network(each, white=white, painting=sha256) for each in settings.models or []]
    found += [folder(word, photos) for word in settings.pictures or []]
    configs: list[str | None] = [*(settings.gatys_config or [])]
    if settings.gatys_iterations and not configs:
        configs.append(None)
    found += [gatys(settings, config, encoder=encoder) for config in configs]
    if not found:
        flags = "--models, --pictures or --gatys-iterations"
        raise InputError(f"there is nothing to judge: name something by {flags}")
    names = [ITSELF, *(name for contender in found for name in contender.names)]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"two of what is judged are called {name}: write NAME=… for one of them"
            )
    return found


def network(word: str, *, white: Literal[1, 255] | None, painting: str) -> Contender:
    """A network, `[NAME=]model`.

    Args:
        word: a learned style, or a network that train.py did not make.
        white: what the latter calls white.
        painting: SHA-256 of what it is judged by; a network that learned another is warned of.

    Raises:
        InputError: it is not there or cannot be used.
    """
    name, model = _named(word)
    threads = torch.get_num_threads()
    try:
        stylizer = Stylizer(model, threads=threads, backend="onnxruntime")
    except InputError:
        if white is None:
            raise
        stylizer = Stylizer(model, threads=threads, range=white, backend="onnxruntime")
    if stylizer.metadata.get("style_sha256", painting) != painting:
        logger.warning("%s learned another painting than the one of --style", model)
    return Contender(names=[name or stylizer.name], make=lambda _, photo, __: [stylizer(photo)])


def folder(word: str, photos: Sequence[Path]) -> Contender:
    """Pictures that exist, `[NAME=]FOLDER`, matched to photographs by their names."""
    name, place = _named(word)
    name = name or Path(place).name
    found = match(find_images(place), photos, name=name)
    if lacking := [photo.name for photo in photos if photo not in found]:
        raise InputError(
            f"{place} has no picture of {', '.join(lacking[:5])}: name a picture as its photograph "
            f"is named, {Path(lacking[0]).stem}.png or {Path(lacking[0]).stem}_{name}.png"
        )
    return Contender(names=[name], make=lambda path, _, __: [load_image(found[path])])


def gatys(settings: JudgeSettings, word: str | None, *, encoder: str) -> Contender:
    """Gatys' method by `[NAME=]YAML` of stylize.py, at each of the iterations, in one run.

    The pictures, which take minutes, are kept below the output folder.
    """
    name, config = _named(word) if word else ("gatys", None)
    given = parse(GatysSettings, preset_words("gatys", config) if config else [], description="")
    chosen = sorted({round(each) for each in settings.gatys_iterations or [given.iterations]})
    if chosen[0] < 1:
        raise InputError(f"--gatys-iterations {chosen[0]} is too few: give at least 1")
    stem = name or Path(str(config)).stem
    names = [f"{stem}-{iteration}" for iteration in chosen]
    told = replace(
        given,
        style=settings.style,
        encoder=given.encoder or encoder,
        size=settings.size,
        accelerator=settings.accelerator,
        iterations=chosen[-1],
        log=None,
        plot=None,
    )
    painter = GatysStylizer(told)

    def make(path: Path, _: RGB, tick: Tick) -> list[RGB]:
        lowest, made = Lowest(), list[RGB]()
        places = [Path(settings.output, name, f"{path.stem}.png") for name in names]

        def watch(now: Progress) -> None:
            lowest(now)
            if now.iteration in chosen:
                assert lowest.best is not None
                made.append(to_rgb(lowest.best.image))
                save_image(made[-1], places[len(made) - 1])
            tick(now.iteration, now.iterations, f"{stem}, iteration {now.iteration}")

        painter.paint(path, places[-1], watch=watch)
        return made

    return Contender(names=names, make=make)


def _named(word: str) -> tuple[str | None, str]:
    """`NAME=WHAT` in two, unless it is a file as it stands."""
    name, equals, what = word.partition("=")
    return (name, what) if name and equals and not Path(word).exists() else (None, word)
