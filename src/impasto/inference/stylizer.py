"""Apply an exported style: arrays in, arrays out, no torch. ONNX Runtime, or OpenVINO."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from impasto.errors import InputError
from impasto.images.io import RGB
from impasto.inference.controls import Choices, Controls
from impasto.inference.hub import find_model
from impasto.inference.model_check import BYTES, PIXELS, check_interface, read_model
from impasto.inference.openvino import OpenVINOSession, Precision, installed
from impasto.inference.tiling import Watch, in_tiles, unwatched

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11 on

MIN_SIDE = 16
SHARE = 1 / 8  # of a tile's side lies in the next one too
SHARE_FIXED = 1 / 4  # where the network takes one size only, which is often small
GPUS = {"CUDAExecutionProvider", "CoreMLExecutionProvider"}

Backend = Literal["auto", "onnxruntime", "openvino"]
Batch = npt.NDArray[np.float32]


class Stylizer:
    """A learned style, ready to use: `Stylizer("starry")(image)`."""

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes,
        *,
        threads: int | None = None,
        range: Literal[1, 255] | None = None,
        backend: Backend = "auto",
        precision: Precision = "auto",
        tile: int = 2048,
    ) -> None:
        """Open a style.

        Args:
            model: an .onnx file, the name of a style in `checkpoints/`, or the bytes of a file.
            threads: by default one a core.
            range: for a network that train.py did not make: what it calls white.
            backend: `auto` is OpenVINO where it is installed, unless ONNX Runtime has a GPU or the
                network is not ours.
            precision: bf16 is for OpenVINO, where `auto` takes it if the processor has it: pixels
                then differ by 0.1 to 0.4 levels of 255 on average on our photographs.
            tile: pixels; a picture of up to `tile`² goes through in one piece. 2048² takes 5 GB.

        Raises:
            InputError: no such style, a file that is not one, or a backend that is not here.
        """
        self.path, read = _source(model)
        taken: Backend = "onnxruntime" if range is not None and backend == "auto" else backend
        self.session = _session(self.path, read, threads, backend=taken, precision=precision)
        self.precision: str = getattr(self.session, "precision", "32")
        self.metadata: dict[str, str] = dict(self.session.get_modelmeta().custom_metadata_map)
        self.white = range
        self.tile = tile
        ends = {"inputs": self.session.get_inputs(), "outputs": self.session.get_outputs()}
        self._content, self._stylized = check_interface(
            self.path, metadata=self.metadata, white=range, **ends
        )
        self.name = _safe(self.metadata.get("name", "")) or self.path.stem
        self.fixed = _fixed(ends["inputs"][0].shape, free=tile)
        self._bytes = self.metadata.get(PIXELS) == BYTES

    def __call__(
        self, image: RGB, *, watch: Watch = unwatched, **controls: "Unpack[Choices]"
    ) -> RGB:
        """Stylize one picture.

        A picture of more than `tile`² pixels goes through in overlapping tiles that are blended:
        memory stays bounded, but instance normalization then sees a tile at a time, so tones can
        drift a little across a very large picture. So does any picture with a network of one size.

        Args:
            image: H×W×3 float32 RGB in [0,1], H and W >= 16.
            watch: called before each tile with how many are done and how many there are; what it
                raises ends the work.
            controls: `strength`, `keep_color`, `stroke_size`, `mask` and `feather` of `Controls`.

        Returns:
            The same shape and range.

        Raises:
            InputError: a shape that is not H×W×3, a side below 16, a control out of range.
        """
        if image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < MIN_SIDE:
            raise InputError(
                f"an image of shape {image.shape} cannot be stylized: give H×W×3 with sides of "
                f"at least {MIN_SIDE} pixels"
            )
        if controls:
            return Controls(**controls).apply(image, lambda working: self(working, watch=watch))
        run, tile = self._whole, (self.tile, self.tile)
        if self.fixed is not None:
            return in_tiles(image, run, tile=self.fixed, share=SHARE_FIXED, exact=True, watch=watch)
        if image.shape[0] * image.shape[1] <= self.tile**2:
            watch(0, 1)
            return run(image)
        return in_tiles(image, run, tile=tile, share=SHARE, watch=watch)

    def run(self, content: Batch) -> Batch:
        """(N, 3, H, W) float32 RGB in [0,1] -> the same, in one piece, as the graph has it.

        What a network not made by train.py adds below and on the right is cut off.

        Raises:
            InputError: not enough memory, or the graph cannot take this size.
        """
        height, width = content.shape[2:]
        given: npt.NDArray[Any] = content * np.float32(255) if self.white == 255 else content
        if self._bytes:
            given = np.rint(np.clip(content, 0, 1) * 255).astype(np.uint8)
        try:
            stylized: Batch = self.session.run([self._stylized], {self._content: given})[0]
            if self._bytes:
                stylized = stylized.astype(np.float32) / np.float32(255)
            if self.white is not None:
                stylized = stylized[:, :, :height, :width] / np.float32(self.white)
                stylized = np.clip(stylized, 0, 1)
        except Exception as error:  # as above
            if isinstance(error, MemoryError) or "alloc" in str(error).lower():
                raise InputError(
                    f"{width}x{height} pixels do not fit in memory: choose a smaller --size"
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
                f"{self.path} is not a style: for an input of shape {batch.shape} it returns "
                f"shape {stylized.shape}, or values that are not finite"
            )
        return np.ascontiguousarray(stylized[0].transpose(1, 2, 0))


def _safe(name: str) -> str:
    """A stranger's name as a part of file names: no separators, nothing endless."""
    return re.sub(r"[^\w.-]+", "_", name)[:100]


def _fixed(shape: Sequence[int | str], *, free: int) -> tuple[int, int] | None:
    """Height and width of a graph of N×3×H×W, unless it takes any; `free` where it takes any."""
    height, width = (side if isinstance(side, int) else None for side in shape[2:])
    return None if height is None and width is None else (height or free, width or free)


def _source(model: str | os.PathLike[str] | bytes) -> tuple[Path, Callable[[], bytes]]:
    """A file, or what to call bytes that were given, and how to read and check either."""
    if isinstance(model, bytes):
        return Path("the file"), lambda: read_model(Path("the file"), model)
    path = find_model(model)
    return path, lambda: read_model(path)


def _session(
    path: Path,
    read: Callable[[], bytes],
    threads: int | None,
    *,
    backend: Backend,
    precision: Precision,
) -> Any:
    """What runs the file; it has the methods of an ONNX Runtime session."""
    checked = read()
    if backend == "openvino" or (backend == "auto" and installed() and not _has_gpu()):
        try:
            return OpenVINOSession(checked, threads=threads, precision=precision)
        except InputError:
            raise
        except Exception as error:  # OpenVINO raises RuntimeError, and whatever its bindings do
            if backend == "openvino":
                raise InputError(
                    f"OpenVINO cannot run {path}, leave out --backend: {_line(error)}"
                ) from error
    if precision == "bf16":
        raise InputError("--precision bf16 needs OpenVINO: pip install openvino, or give 32")
    return onnxruntime_session(path, checked, threads=threads)


def _has_gpu() -> bool:
    import onnxruntime

    return bool(GPUS & set(onnxruntime.get_available_providers()))


def onnxruntime_session(path: Path, checked: bytes, *, threads: int | None) -> Any:
    """A session of ONNX Runtime for bytes that `read_model` has seen.

    Raises:
        InputError: they cannot be run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.load_model_format", "ONNX")  # which was checked
    options.enable_cpu_mem_arena = False  # half the memory for a few per cent of the time
    options.log_severity_level = 4  # errors come as exceptions, they need not be printed too
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(
            checked, options, providers=onnxruntime.get_available_providers()
        )
        dict(session.get_modelmeta().custom_metadata_map)  # here names that are no UTF-8 are found
        [(end.name, end.type, end.shape) for end in (*session.get_inputs(), *session.get_outputs())]
        return session
    except Exception as error:  # ONNX Runtime has no common base class for its errors
        raise InputError(f"{path} is not an ONNX file that can be run: {_line(error)}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
