"""Apply an exported style with ONNX Runtime: arrays in, arrays out, no torch."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from impasto.contract import check_interface, read_model
from impasto.errors import InputError
from impasto.images import RGB

MIN_SIDE = 16
TILE = 2048  # pixels; a picture of up to TILE x TILE goes through in one piece, in 2.5 GB
OVERLAP = 256

Batch = npt.NDArray[np.float32]


class Stylizer:
    """A learned style, ready to use: `Stylizer("starry")(image)`."""

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        threads: int | None = None,
        range: Literal[1, 255] | None = None,
    ) -> None:
        """Open a style.

        Args:
            model: an .onnx file, or the name of a style in `checkpoints/`.
            threads: of ONNX Runtime; by default one a core.
            range: for a network that train.py did not make: what it calls white.

        Raises:
            InputError: no such style, or a file that is not one.
        """
        self.path = find_model(model)
        self.white = range
        checked = read_model(self.path)
        try:
            self.session = _session(checked, threads=threads)
            self.metadata: dict[str, str] = dict(self.session.get_modelmeta().custom_metadata_map)
            self._content, self._stylized = check_interface(
                self.path,
                inputs=self.session.get_inputs(),
                outputs=self.session.get_outputs(),
                metadata=self.metadata,
                white=range,
            )
        except InputError:
            raise
        except Exception as error:  # ONNX Runtime has no common base class for its errors
            raise InputError(
                f"{self.path} is no ONNX file that can be run: {_line(error)}"
            ) from error
        self.name = self.metadata.get("name", self.path.stem)

    def __call__(self, image: RGB) -> RGB:
        """Stylize one picture.

        A picture of more than TILE×TILE pixels goes through in overlapping tiles that are blended:
        memory stays bounded, but instance normalisation then sees a tile at a time, so tones can
        drift a little across a very large picture.

        Args:
            image: H×W×3 float32 RGB in [0,1], H and W >= 16.

        Returns:
            The same shape and range.

        Raises:
            InputError: a shape that is not H×W×3, or a side below 16.
        """
        if image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < MIN_SIDE:
            raise InputError(
                f"an image of shape {image.shape} cannot be stylized: give H×W×3 with sides of "
                f"at least {MIN_SIDE} pixels"
            )
        height, width = image.shape[:2]
        if height * width <= TILE * TILE:
            return self._whole(image)
        total = np.zeros((height, width, 3), np.float32)
        weight = np.zeros((height, width, 1), np.float32)
        for rows in _spans(height):
            for columns in _spans(width):
                window = _ramp(rows, height)[:, None, None] * _ramp(columns, width)[None, :, None]
                total[rows, columns] += window * self._whole(image[rows, columns])
                weight[rows, columns] += window
        return total / weight

    def run(self, content: Batch) -> Batch:
        """(N, 3, H, W) float32 RGB in [0,1] -> the same, in one piece, as the graph has it.

        What a network not made by train.py adds below and on the right is cut off.

        Raises:
            InputError: not enough memory, or the graph cannot take this size.
        """
        height, width = content.shape[2:]
        given = content * np.float32(255) if self.white == 255 else content
        try:
            stylized: Batch = self.session.run([self._stylized], {self._content: given})[0]
            if self.white is not None:
                stylized = stylized[:, :, :height, :width] / np.float32(self.white)
                stylized = np.clip(stylized, 0, 1)
        except Exception as error:  # as above
            if isinstance(error, MemoryError) or "alloc" in str(error).lower():
                raise InputError(
                    f"{width}x{height} pixels do not fit in memory: --size makes them fewer"
                ) from error
            raise InputError(
                f"{self.path} cannot stylize {width}x{height} pixels: {_line(error)}"
            ) from error
        return stylized

    def _whole(self, image: RGB) -> RGB:
        batch = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
        stylized = self.run(batch)
        if stylized.shape != batch.shape or not np.isfinite(stylized).all():
            raise InputError(
                f"{self.path} is no style: of {batch.shape} it makes {stylized.shape}, or values "
                "that are no numbers"
            )
        return np.ascontiguousarray(stylized[0].transpose(1, 2, 0))


def find_model(model: str | os.PathLike[str]) -> Path:
    """The file of a style: a path, or a name in `checkpoints/` here or beside the source.

    Raises:
        InputError: neither; lists the names there are.
    """
    path = Path(model)
    if path.is_file():
        return path
    folders = style_folders()
    for folder in folders:
        found = folder / path.stem / f"{path.stem}.onnx"
        if found.is_file() and path.suffix in ("", ".onnx") and path.parent == Path():
            return found
    files = [file for folder in folders for file in folder.glob("*/*.onnx")]
    names = sorted({file.stem for file in files if file.stem == file.parent.name})
    has = f"the styles here are {', '.join(names)}" if names else "train.py makes one"
    raise InputError(f"no style {os.fspath(model)!r}: give an .onnx file or a name; {has}")


def style_folders() -> list[Path]:
    """Where names of styles are looked up, first to last."""
    return [Path("checkpoints"), Path(__file__).parents[2] / "checkpoints"]


def _session(checked: bytes, *, threads: int | None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.load_model_format", "ONNX")  # which was checked
    options.enable_cpu_mem_arena = False  # half the memory for a few per cent of the time
    options.log_severity_level = 4  # errors come as exceptions, they need not be printed too
    if threads is not None:
        options.intra_op_num_threads = threads
    providers = onnxruntime.get_available_providers()
    with contextlib.redirect_stdout(io.StringIO()):  # it prints some of what it also raises
        return onnxruntime.InferenceSession(checked, options, providers=providers)


def _spans(length: int) -> Iterator[slice]:
    """Tiles of at most TILE that cover 0..length evenly and overlap by OVERLAP or more."""
    count = max(1, -(-(length - OVERLAP) // (TILE - OVERLAP)))
    size = min(length, TILE)
    for index in range(count):
        start = (length - size) * index // max(1, count - 1)
        yield slice(start, start + size)


def _ramp(span: slice, length: int) -> npt.NDArray[np.float32]:
    """Blending weights along a side of a tile: they rise from its edges inside the picture."""
    position = np.arange(span.start, span.stop, dtype=np.float32)
    rise = np.ones_like(position)
    if span.start > 0:
        rise = np.minimum(rise, (position - span.start + 1) / OVERLAP)
    if span.stop < length:
        rise = np.minimum(rise, (span.stop - position) / OVERLAP)
    return rise


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
