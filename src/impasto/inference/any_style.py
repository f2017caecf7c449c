"""Any painting at once: a style vector is read from it, and a network draws with that.

Vectors are arrays of P float32 numbers. They can be mixed, saved and shared.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load, save

from impasto.errors import InputError
from impasto.files import write_atomically
from impasto.images.decoders import Source
from impasto.images.io import RGB, load_image, to_array, to_pil
from impasto.inference.hub import find_model
from impasto.inference.model_check import STYLE, read_model
from impasto.inference.protobuf import NotProtobufError, replace_numbers
from impasto.inference.session import onnxruntime_session
from impasto.inference.stylizer import Vector

PAINTING = "painting"  # input of the encoder, whose output is what draws takes as STYLE
ANY = "any"  # the network that comes with impasto
SIDE = 256  # pixels: of a painting's short side, half of what its strokes are drawn for
LARGE = 2048  # pixels: of a file's long side, more than is looked at
LEAST, MOST = 32, 2048  # pixels: of the short side of what is looked at
LONGEST = 3  # times its short side
LARGEST = 1 << 20  # bytes of a saved style; ours have 6 kB


def encoder_of(model: Path) -> Path:
    """Where the encoder of a network lies: any.onnx -> any.encoder.onnx."""
    return model.with_name(f"{model.stem}.encoder.onnx")


def draws_any(model: Path) -> bool:
    """Whether a file is a network for any painting: its encoder lies beside it."""
    return encoder_of(model).is_file()


class StyleEncoder:
    """From paintings to style vectors."""

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        """Open the file that looks at paintings.

        Raises:
            InputError: it cannot be read, or is something else.
        """
        self.session = onnxruntime_session(path, read_model(path), threads=threads)
        ends = [end.name for end in (*self.session.get_inputs(), *self.session.get_outputs())]
        if ends != [PAINTING, STYLE]:
            raise InputError(
                f"{path} makes no styles of paintings: name a network of impasto train-any"
            )

    def run(self, painting: RGB) -> Vector:
        """H×W×3 in [0,1], as it is, to (P,)."""
        batch = np.ascontiguousarray(painting.transpose(2, 0, 1)[None], np.float32)
        vector: Vector = self.session.run([STYLE], {PAINTING: batch})[0][0]
        return vector

    def __call__(self, painting: RGB, *, stroke_size: float = 1.0) -> Vector:
        """The style of a painting of any size.

        Args:
            painting: H×W×3 in [0,1].
            stroke_size: how large its strokes are to be: 2 draws them twice as wide.

        Returns:
            (P,).

        Raises:
            InputError: no such shape.
        """
        if painting.ndim != 3 or painting.shape[2] != 3 or not painting.size:
            raise InputError(f"a painting of shape {painting.shape} cannot be used: give H×W×3")
        return self.run(_as_seen(painting, side=min(MOST, max(LEAST, round(SIDE * stroke_size)))))


def _as_seen(painting: RGB, *, side: int) -> RGB:
    """Scaled to a short side of `side`; of what is very long, the middle."""
    height, width = painting.shape[:2]
    longest = LONGEST * min(height, width)
    top, left = (max(0, length - longest) // 2 for length in (height, width))
    middle = to_pil(painting[top : top + longest, left : left + longest])
    scale = side / min(middle.size)
    size = (max(side, round(middle.width * scale)), max(side, round(middle.height * scale)))
    return to_array(middle.resize(size, Image.Resampling.LANCZOS))


class AnyStyle:
    """A network that draws in the style of any painting.

    `Stylizer(network.model(network.vector(painting)))(photo)`
    """

    def __init__(self, model: str | os.PathLike[str] = ANY, *, threads: int | None = None) -> None:
        """Open a network of `impasto train-any`.

        Args:
            model: its .onnx file, or a name in `checkpoints/`.
            threads: by default one a core.

        Raises:
            InputError: it is not there, or is something else.
        """
        self.path = find_model(model)
        self._threads = threads
        self._data = read_model(self.path)
        self._encoder: StyleEncoder | None = None

    @property
    def encoder(self) -> StyleEncoder:
        """What looks at paintings, opened when it is needed first.

        Raises:
            InputError: there is none: the network draws in one style.
        """
        if self._encoder is None:
            if not draws_any(self.path):
                raise InputError(
                    f"{self.path} draws in one style only: leave --model out, or name a network "
                    "of impasto train-any"
                )
            self._encoder = StyleEncoder(encoder_of(self.path), threads=self._threads)
        return self._encoder

    def vector(self, painting: RGB, *, stroke_size: float = 1.0) -> Vector:
        """See `StyleEncoder`."""
        return self.encoder(painting, stroke_size=stroke_size)

    def look(self, file: Source) -> Vector:
        """The style of a painting's file, or of its bytes.

        Raises:
            InputError: it cannot be read, or is no image.
        """
        return self.vector(load_image(file, max_side=LARGE))

    def model(self, vector: Vector) -> bytes:
        """A style like every other, as the bytes of its file, for `Stylizer`.

        Raises:
            InputError: the vector belongs to another network.
        """
        try:
            return replace_numbers(self._data, STYLE, vector.astype("<f4").tobytes())
        except NotProtobufError as error:
            raise InputError(
                f"{self.path} does not draw with a style of {len(vector)} numbers: "
                "take the painting again, for this network"
            ) from error


def mixed(vectors: Sequence[Vector], shares: Sequence[float]) -> Vector:
    """The style between styles; shares count in proportion to their sum, which is positive."""
    total = sum(shares)
    sums = sum(share / total * vector for share, vector in zip(shares, vectors, strict=True))
    return np.asarray(sums, np.float32)


def save_style(vector: Vector, path: Path, *, name: str) -> None:
    """Write a vector as a file of a few kB (safetensors); raises OSError if that cannot be."""
    data = save({STYLE: vector}, metadata={"name": name})
    write_atomically(path, lambda place: place.write_bytes(data))


def load_style(path: Path) -> Vector:
    """Read what `save_style` wrote.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path} is no saved style, it is too large: name another")
        vector = np.asarray(load(path.read_bytes())[STYLE])
    except OSError as error:
        raise InputError(f"cannot read {path} ({error.strerror}): name another file") from error
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path} is no saved style: --save-style makes one") from error
    if vector.ndim != 1 or vector.dtype != np.float32 or not np.isfinite(vector).all():
        raise InputError(f"{path} is no saved style: --save-style makes one")
    return vector
