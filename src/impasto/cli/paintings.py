"""`--painting`: from paintings and saved styles to a network that draws like them."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from impasto.config.settings import StylizeSettings
from impasto.data.locate import find_style, style_name
from impasto.errors import InputError
from impasto.files import write_output
from impasto.images.io import RGB
from impasto.inference.any_style import ANY, AnyStyle, load_style, mixed, save_style
from impasto.inference.hub import SAVED, find_saved
from impasto.inference.stylizer import Vector

logger = logging.getLogger(__name__)


class Paintings:
    """The style that a command's `--painting` and `--mix` ask for."""

    def __init__(self, settings: StylizeSettings) -> None:
        """Look at the paintings.

        Raises:
            InputError: one of them is not there or cannot be used, or `--mix` does not fit them.
        """
        named = settings.painting or []
        self.any = AnyStyle(settings.model or ANY, threads=settings.threads)
        self.shares = _shares(settings.mix, named)
        found = [_look(self.any, name) for name in named]
        self.names = [name for name, _ in found]
        self.vectors = [vector for _, vector in found]
        self.vector = mixed(self.vectors, self.shares)

    @property
    def name(self) -> str:
        """Part of the names of pictures: those of the paintings."""
        return "+".join(dict.fromkeys(self.names))[:100]

    def model(self) -> bytes:
        """The network for `Stylizer`."""
        return self.any.model(self.vector)

    def style(self, photo: RGB, *, strength: float) -> Vector:
        """At 0 a photograph's own style, at 1 that of the paintings.

        Args:
            photo: H×W×3.
            strength: 0 to 1.
        """
        return mixed([self.any.vector(photo), self.vector], [1 - strength, strength])

    def between(self, count: int) -> list[bytes]:
        """Networks for `count` steps from the first painting to the last, both included.

        Raises:
            InputError: there are not two paintings.
        """
        if len(self.vectors) < 2:
            raise InputError("--steps go from one painting to another: give --painting twice")
        last, steps = len(self.vectors) - 1, [index / (count - 1) for index in range(count)]
        return [self.any.model(_along(self.vectors, step * last)) for step in steps]

    def save(self, name: str) -> Path:
        """Write the style under a name, or to a .safetensors file; returns the file.

        Raises:
            InputError: the name cannot be one, or the file cannot be written.
        """
        path = Path(name)
        if path.suffix != SAVED:
            if not re.fullmatch(r"\w[\w.-]*", name):
                raise InputError(f"--save-style {name!r} is no name: use letters, digits, - and _")
            path = Path("checkpoints") / name / f"{name}{SAVED}"
            path.parent.mkdir(parents=True, exist_ok=True)
        write_output(path, lambda place: save_style(self.vector, place, name=path.stem))
        return path


def _shares(mix: Sequence[float] | None, paintings: Sequence[str]) -> list[float]:
    if mix is None:
        return [1.0] * len(paintings)
    if len(mix) != len(paintings):
        raise InputError(
            f"--mix has {len(mix)} numbers for {len(paintings)} paintings: give one each"
        )
    if min(mix) < 0 or not 0 < sum(mix) < float("inf"):
        raise InputError("--mix has shares below 0, or none above: give numbers like 0.7 0.3")
    return list(mix)


def _look(network: AnyStyle, name: str) -> tuple[str, Vector]:
    """The name and the style of a painting, or of a saved style."""
    if saved := find_saved(name):
        return saved.stem, load_style(saved)
    path = find_style(name)
    return style_name(path), network.look(path)


def _along(vectors: Sequence[Vector], place: float) -> Vector:
    """At 0 the first of some vectors, at 1 the second, in between a mixture."""
    index = min(int(place), len(vectors) - 2)
    share = place - index
    return mixed(vectors[index : index + 2], [1 - share, share])
