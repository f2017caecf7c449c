"""Apply an exported style: arrays in, arrays out, no torch. ONNX Runtime, or OpenVINO."""

import contextlib
import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from impasto.cores import available_cores
from impasto.errors import InputError
from impasto.images.encoding import quantize
from impasto.inference.controls import Choices, Controls
from impasto.inference.hub import find_model
from impasto.inference.layout import UncutError
from impasto.inference.memory import free_memory, give_back_memory, used_memory
from impasto.inference.model_check import BYTES, PIXELS, STYLE, check_interface, read_model
from impasto.inference.openvino import Precision
from impasto.inference.protobuf import NotProtobufError, replace_numbers, without_numbers
from impasto.inference.session import Backend, line_of, onnxruntime_session, open_session
from impasto.inference.strips import StripError, Strips
from impasto.inference.tiling import MULTIPLE, Watch, in_tiles, unwatched

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11 on

MIN_SIDE = 16
GB = 1e9
IMAGES = 40  # bytes a pixel for copies of picture and result
STRIP = 20e6  # bytes that a strip may take: what fits into caches is faster
MOST = 1200  # bytes that a network takes for a pixel, before we know better; ours take 300
TILES = 256, 2048  # pixels; the smallest and the largest side of tiles
SHARE = 1 / 8  # of a tile's side lies in the next one too
SHARE_FIXED = 1 / 4  # where the network takes one size only, which is often small

Batch = npt.NDArray[np.float32]
Picture = npt.NDArray[Any]  # float32 or uint8
Vector = npt.NDArray[np.float32]  # (P,), a style for a network for any painting


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
        max_memory: float | None = None,
        style: Vector | None = None,
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
            max_memory: GB that this process may take, by default half of what is free.
            style: for a network for any painting, what to draw with until `style` is set to another
                one. A frame then takes up to a third longer than with `AnyStyle.model`.

        Raises:
            InputError: no such style, a file that is not one, or a backend that is not here.
        """
        self.path, self._read = _source(model)
        self._threads, self._style = threads, style
        read = self._read if style is None else self._read_open
        taken: Backend = "onnxruntime" if range is not None and backend == "auto" else backend
        self.session = open_session(self.path, read, threads, backend=taken, precision=precision)
        self.precision: str = getattr(self.session, "precision", "32")
        self.metadata: dict[str, str] = dict(self.session.get_modelmeta().custom_metadata_map)
        self.white, self.max_memory = range, max_memory
        self._strips: Strips | Exception | None = None
        self._content, self._stylized, self.fixed = self._ends()
        self.name = _safe(self.metadata.get("name", "")) or self.path.stem
        self._bytes = self.metadata.get(PIXELS) == BYTES

    def __call__(
        self, image: Picture, *, watch: Watch = unwatched, **controls: "Unpack[Choices]"
    ) -> Picture:
        """Stylize one picture.

        A picture that would take more memory than it may goes through in strips, normalized as if
        it were in one piece: pixels differ by less than a level of 255 on average. Only where a
        network cannot be cut that way, or takes one size, are there overlapping tiles of which each
        is normalized by itself.

        Args:
            image: H×W×3 float32 RGB in [0,1], or uint8, which takes a quarter of the memory; H and
                W >= 16.
            watch: called before each tile or strip with how many are done and how many there are;
                what it raises ends the work.
            controls: `strength`, `keep_color`, `stroke_size`, `mask` and `feather` of `Controls`.

        Returns:
            The same shape, range and kind.

        Raises:
            InputError: a shape that is not H×W×3, a side below 16, a control out of range, or not
                enough memory.
        """
        if image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < MIN_SIDE:
            raise InputError(
                f"an image of shape {image.shape} cannot be stylized: give H×W×3 with sides of "
                f"at least {MIN_SIDE} pixels"
            )
        if controls:
            chosen = Controls(**controls)
            return chosen.apply(image, lambda each: self(each, watch=watch))
        return self._of_any_size(image, watch=watch)

    def _of_any_size(self, image: Picture, *, watch: Watch) -> Picture:
        if self.fixed is not None:
            return self._in_tiles(image, self.fixed, share=SHARE_FIXED, exact=True, watch=watch)
        room = self._room()
        if self._fits(image, bytes_a_pixel=MOST, room=room):
            watch(0, 1)
            return self._whole(image)
        try:
            strips = self.cut()
        except UncutError:
            side = int(np.clip(math.sqrt(room / MOST), *TILES)) // MULTIPLE * MULTIPLE
            return self._in_tiles(image, (side, side), share=SHARE, watch=watch)
        if self._fits(image, bytes_a_pixel=strips.bytes_computed + IMAGES, room=room):
            watch(0, 1)
            return self._whole(image)
        give_back_memory()  # what decoding took
        return self._in_strips(image, strips, room=self._room(), watch=watch)

    def cut(self) -> Strips:
        """The network as it is applied in strips, by ONNX Runtime; made once.

        Raises:
            UncutError: it cannot be.
        """
        if self._strips is None:
            try:
                self._strips = Strips(self._read(), open=self._opened)
            except Exception as error:  # whatever a stranger's graph has to say of small pictures
                self._strips = error
        if isinstance(self._strips, Exception):
            raise UncutError from self._strips
        return self._strips

    def _ends(self) -> tuple[str, str, tuple[int, int] | None]:
        """The names of input and output, and the size that a picture has to have, if any."""
        named = self.session.get_inputs()
        inputs = [end for end in named if self._style is None or end.name != STYLE]
        ends = {"inputs": inputs, "outputs": self.session.get_outputs()}
        content, stylized = check_interface(
            self.path, metadata=self.metadata, white=self.white, **ends
        )
        return content, stylized, _fixed(inputs[0].shape, free=TILES[1])

    @property
    def style(self) -> Vector | None:
        """What a network for any painting draws with, if it was opened with a style.

        Raises:
            InputError: set to one of another length, or there was none.
        """
        return self._style

    @style.setter
    def style(self, vector: Vector) -> None:
        if self._style is None or vector.shape != self._style.shape:
            raise InputError(f"{self.path} does not draw with a style of {len(vector)} numbers")
        self._style = vector.astype(np.float32)

    def _opened(self, data: bytes, threads: int) -> Any:
        """A session of a part of the network."""
        if self._style is not None:
            with contextlib.suppress(NotProtobufError):  # a part that has no style in it
                data = replace_numbers(data, STYLE, self._style.tobytes())
        return onnxruntime_session(self.path, data, threads=threads)

    def _read_open(self) -> bytes:
        """The file with its style as an input."""
        return without_numbers(self._read(), STYLE)

    def run(self, content: Batch) -> Batch:
        """(N, 3, H, W) float32 RGB in [0,1] -> the same, in one piece, as the graph has it.

        What a network not made by train.py adds below and on the right is cut off.

        Raises:
            InputError: not enough memory, or the graph cannot take this size.
        """
        height, width = content.shape[2:]
        try:
            feeds = {self._content: self._given(content)}
            if self._style is not None:
                feeds[STYLE] = self._style
            stylized = self._taken(self.session.run([self._stylized], feeds)[0])
            if self.white is not None:
                stylized = stylized[:, :, :height, :width]
        except Exception as error:  # as above
            raise self._failed(error, width, height) from error
        return stylized

    def _failed(self, error: Exception, width: int, height: int) -> InputError:
        if isinstance(error, MemoryError) or "alloc" in str(error).lower():
            return InputError(
                f"{width}x{height} pixels do not fit in memory: choose a smaller --size"
            )
        return InputError(f"{self.path} cannot stylize {width}x{height} pixels: {line_of(error)}")

    def _given(self, content: Batch) -> npt.NDArray[Any]:
        """What the graph takes for pixels in [0,1]."""
        if self._bytes:
            return np.rint(np.clip(content, 0, 1) * 255).astype(np.uint8)
        return content * np.float32(255) if self.white == 255 else content

    def _taken(self, stylized: npt.NDArray[Any]) -> Batch:
        """Pixels in [0,1] of what the graph returns."""
        if self._bytes:
            stylized = stylized.astype(np.float32) / np.float32(255)
        if self.white is not None:
            stylized = np.clip(stylized / np.float32(self.white), 0, 1)
        return stylized

    def _whole(self, image: Picture) -> Picture:
        batch = _batch(image)
        stylized = self.run(batch)
        self._check(stylized, batch.shape)
        return _picture(stylized, image.dtype)

    def _in_tiles(
        self,
        image: Picture,
        tile: tuple[int, int],
        *,
        share: float,
        exact: bool = False,
        watch: Watch,
    ) -> Picture:
        whole = _batch(image)[0].transpose(1, 2, 0)
        made = in_tiles(whole, self._whole, tile=tile, share=share, exact=exact, watch=watch)
        return _picture(made.transpose(2, 0, 1)[None], image.dtype)

    def _in_strips(self, image: Picture, strips: Strips, *, room: float, watch: Watch) -> Picture:
        height, width = image.shape[:2]
        rest = room - strips.bytes_kept * height * width - image.nbytes
        least = strips.least(width)
        if self.max_memory is not None and rest < least:
            need = (self.max_memory * GB + least - rest) / GB
            raise InputError(
                f"{width}x{height} pixels take {need:.1f} GB: give --max-memory {need:.1f} or a "
                "smaller --size"
            )

        strip = max(least, min(rest, STRIP))
        cores = self._threads or available_cores()
        at_once = int(np.clip(rest / (2 * strip), 1, cores))
        most = used_memory() + room - 2 * strip * at_once

        def watched(done: int, strips: int) -> None:
            if used_memory() > most:  # holes between tensors that came and went
                give_back_memory()
            watch(done, strips)

        def taken(found: npt.NDArray[Any]) -> Picture:
            stylized = self._taken(found)
            self._check(stylized, (1, 3, *stylized.shape[2:]))
            return _picture(stylized, image.dtype)

        try:
            return strips(
                image,
                room=strip,
                at_once=at_once,
                threads=cores // at_once,
                given=lambda rows: self._given(_batch(rows)),
                taken=taken,
                watch=watched,
            )
        except StripError as error:
            raise self._failed(error, width, height) from error

    def _room(self) -> float:
        """Bytes that a picture may take on top of what is taken."""
        if self.max_memory is None:
            return free_memory() / 2
        return self.max_memory * GB - used_memory()

    def _fits(self, image: Picture, *, bytes_a_pixel: float, room: float) -> bool:
        height: int
        width: int
        height, width = image.shape[:2]
        return height * width * bytes_a_pixel <= room

    def _check(self, stylized: Batch, shape: tuple[int, ...]) -> None:
        if stylized.shape != shape or not np.isfinite(stylized.sum()):
            raise InputError(
                f"{self.path} is not a style: for an input of shape {shape} it returns "
                f"shape {stylized.shape}, or values that are not finite"
            )


def _batch(image: Picture) -> Batch:
    """(1, 3, H, W) float32 in [0,1] of H×W×3, float32 or uint8."""
    batch = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
    return batch / np.float32(255) if image.dtype == np.uint8 else batch


def _picture(stylized: Batch, kind: npt.DTypeLike) -> Picture:
    """The inverse of `_batch`; what is not uint8 becomes float32."""
    image = stylized[0].transpose(1, 2, 0)
    if kind == np.uint8:
        return quantize(image)
    return np.ascontiguousarray(image)


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
