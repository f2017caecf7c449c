"""Films and cameras as frames: upright, of square bytes, with the time of each."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import av
import numpy as np

from impasto.errors import InputError
from impasto.images.io import scaled
from impasto.video.motion import Pixels

if TYPE_CHECKING:
    from av.container import InputContainer

logger = logging.getLogger(__name__)

# A file's name says little about what is in it. Only containers of films are opened, no playlists
# or protocols, which could name other files and hosts.
SAFE = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,matroska,avi,mpegts,mpeg,flv,ogg,asf,nut",
}
DISPLAY_MATRIX = "DISPLAYMATRIX"
UNSPECIFIED = 2  # of color spaces, primaries and transfer functions, in FFmpeg
LEAST = 16  # pixels


class Frame(NamedTuple):
    """One frame: `pts` and `duration` in units of the film's time base, the image H×W×3."""

    pts: int
    duration: int
    image: Pixels


class Look(NamedTuple):
    """What an encoder has to be told so that a picture looks the same: FFmpeg's numbers."""

    colorspace: int
    primaries: int
    transfer: int
    aspect: Fraction  # width to height of a pixel


class FilmReader:
    """A film, or a camera, that is open. Use it in a `with`."""

    def __init__(self, path: Path, *, size: int | None = None, live: bool = False) -> None:
        """Open a film.

        Args:
            path: a file, or a device if `live`.
            size: short side of the frames in pixels, by default the film's.
            live: a camera, or a file that is read as slowly as one.

        Raises:
            InputError: no such file, or no film.
        """
        self.path = path
        self.paced = live and os.path.isfile(path)
        self.live = live
        self.bad = 0  # packets that could not be decoded
        self._file = _open_device(path) if live and not self.paced else open_film(path)
        try:
            self._stream = _pictures(self._file, path)
            self._stream.thread_type = "AUTO"
            self._decoded = self._decode()
            try:
                self._first = next(self._decoded)
            except StopIteration as error:
                raise InputError(
                    f"{path} has no picture that can be read: it may be damaged"
                ) from error
            self._set_up(size)
        except BaseException:
            self._file.close()
            raise

    def _set_up(self, size: int | None) -> None:
        stream, first = self._stream, self._first
        self.turn = _turn(first)
        width, height = scaled((first.width, first.height), size)
        self._size = {"width": width, "height": height}
        if min(width, height) < LEAST:
            raise InputError(
                f"{self.path} has frames of {width}x{height} pixels: --size {LEAST} or more "
                "makes them larger"
            )
        upright = self.turn(np.empty((height, width, 0)))
        self.height, self.width = upright.shape[:2]
        self.time_base: Fraction = stream.time_base or Fraction(1, 90000)
        self.rate: Fraction = stream.average_rate or stream.guessed_rate or Fraction(25)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        turned = upright.shape != (height, width, 0)
        self.look = Look(
            first.colorspace,
            getattr(first, "color_primaries", UNSPECIFIED),
            getattr(first, "color_trc", UNSPECIFIED),
            1 / aspect if turned else aspect,
        )

    @property
    def count(self) -> int | None:
        """About how many frames there are, None if nobody knows."""
        if self.live and not self.paced:
            return None
        if self._stream.frames:
            return self._stream.frames
        seconds = (self._file.duration or 0) / av.time_base
        return round(seconds * self.rate) or None

    def frames(self) -> Iterator[Frame]:
        """All frames, once, in the order and at the time in which they are shown.

        A frame without a time, or one that is not after the last, comes a frame's length later.
        """
        usual = max(1, round(1 / (self.rate * self.time_base)))
        last, read = None, 0
        began = time.monotonic()
        for read, frame in enumerate(self._all(), start=1):  # noqa: B007
            pts = frame.pts
            if pts is None or (last is not None and pts <= last):
                pts = 0 if last is None else last + usual
            if self.paced and last is not None:
                start = self._first.pts or 0
                due = float((pts - start) * self.time_base) - (time.monotonic() - began)
                time.sleep(max(0.0, due))
            last = pts
            yield Frame(pts, self._length(pts, frame.duration or usual), self._image(frame))
        self._tell_of_damage(read)

    def _length(self, pts: int, said: int) -> int:
        """Of a frame, which at the end of a film is none that goes on beyond it.

        Where frames are stored in another order than they are shown, it may be another frame's.
        """
        stream = self._stream
        left = (stream.start_time or 0) + (stream.duration or 0) - pts
        return min(said, left) if left > 0 else said

    def _tell_of_damage(self, read: int) -> None:
        if self.bad:
            logger.warning(f"{self.path}: {self.bad} damaged parts were left out")
        if read < 0.9 * self._stream.frames:
            logger.warning(f"{self.path} ends early: {read} of {self._stream.frames} frames")

    def _all(self) -> Iterator[Any]:
        yield self._first
        yield from self._decoded

    def _decode(self) -> Iterator[Any]:
        packets = self._file.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                yield from packet.decode()
            except av.error.EOFError:  # of a decoder that was asked for its last frames twice
                return
            except av.error.FFmpegError as error:
                self.bad += 1
                if not isinstance(error, av.error.InvalidDataError):
                    return  # such as a camera that was unplugged

    def _image(self, frame: Any) -> Pixels:
        # a stream may change its size, and the network's answer is of one
        pixels = frame.to_ndarray(format="rgb24", interpolation="AREA", **self._size)
        return np.ascontiguousarray(self.turn(pixels))

    def __enter__(self) -> "FilmReader":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()


def open_film(path: Path) -> "InputContainer":
    """Open a file.

    Raises:
        InputError: it is not there, may not be read, or is no film.
    """
    if not os.path.isfile(path):
        raise InputError(f"there is no film {path}: name a file")
    try:
        return av.open(os.path.abspath(path), options=SAFE)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read as a film ({why}): it may be damaged") from error


def _open_device(path: Path) -> "InputContainer":
    """Open a camera, by the number or name that its system gives it."""
    formats = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
    name = str(path)
    if sys.platform == "linux" and name.isdigit():
        name = f"/dev/video{name}"
    if sys.platform == "win32":
        name = f"video={name}"
    try:
        return av.open(name, format=formats.get(sys.platform))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"--camera {path} cannot be opened ({why}): try another number") from error


def _pictures(file: "InputContainer", path: Path) -> Any:
    """The stream of moving pictures, which the cover of an album is not."""
    for stream in file.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise InputError(f"{path} has sound but no moving pictures: name a film")


def _turn(frame: Any) -> Any:
    """What makes an array upright that a camera took on its side or its head.

    The matrix of a film, nine 32-bit numbers by rows, maps (x, y) of the frame to that of the
    screen: x' = a·x + c·y, y' = b·x + d·y.
    """
    matrix = next((s for s in frame.side_data if s.type.name == DISPLAY_MATRIX), None)
    if matrix is None:
        return lambda image: image
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    swapped = abs(b) > abs(a)
    across, down = (c, b) if swapped else (a, d)

    def turn(image: Any) -> Any:
        image = image.swapaxes(0, 1) if swapped else image
        return image[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]

    return turn
