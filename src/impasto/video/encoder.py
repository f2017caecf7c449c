"""Frames into compressed segments, a few seconds each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np

from impasto.errors import InputError
from impasto.images.io import RGB
from impasto.video.reader import UNSPECIFIED, FilmReader

BROADCAST = 1  # FFmpeg's number for luminance from 16 to 235, which players expect
# Neither reorders frames, so that segments join, and times that vary stay as they are.
H264 = {"preset": "veryfast", "bf": "0"}
VP9 = {"deadline": "realtime", "cpu-used": "6", "row-mt": "1", "lag-in-frames": "0", "b": "0"}
CODECS: Mapping[str, tuple[str, dict[str, str], int]] = {  # and what 0 is of their quality scale
    ".mp4": ("libx264", H264, 0),
    ".m4v": ("libx264", H264, 0),
    ".mov": ("libx264", H264, 0),
    ".mkv": ("libx264", H264, 0),
    ".webm": ("libvpx-vp9", VP9, 10),
}


def check_suffix(target: Path) -> None:
    """See that a film can be written under a name.

    Raises:
        InputError: its suffix is not among `CODECS`, or this PyAV lacks the encoder.
    """
    if target.suffix.lower() not in CODECS:
        known = ", ".join(CODECS)
        raise InputError(f"cannot write a film as {target}: its name has to end in one of {known}")
    codec = CODECS[target.suffix.lower()][0]
    if codec not in av.codecs_available:
        raise InputError(
            f"cannot write {target}: this PyAV has no {codec}, pip install av brings one"
        )


def rate_factor(quality: int) -> int:
    """x264's constant rate factor: 18, hardly any loss, at 100; 20 at 95; 34 at 50."""
    return round(51 - 0.33 * quality)


class Encoder:
    """One segment: frames in, a file out."""

    def __init__(self, path: Path, film: FilmReader, *, suffix: str, quality: int) -> None:
        """Begin a file.

        Args:
            path: where, in a container that keeps times exactly.
            film: of which the frames are.
            suffix: of the film that the segments become.
            quality: 1..100.
        """
        codec, options, zero = CODECS[suffix.lower()]
        self._film = film
        self._file = av.open(str(path), "w", format="nut")
        options = {**options, "crf": str(rate_factor(quality) + zero)}
        stream: Any = self._file.add_stream(codec, rate=film.rate, options=options)
        # these codecs share a color between 2×2 pixels
        stream.width, stream.height = film.width - film.width % 2, film.height - film.height % 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = film.time_base
        context = stream.codec_context
        context.sample_aspect_ratio = film.look.aspect
        context.color_range = BROADCAST
        context.colorspace = film.look.colorspace
        context.color_primaries = film.look.primaries
        context.color_trc = film.look.transfer
        self._stream = stream

    def add(self, image: RGB, *, pts: int, duration: int) -> None:
        """The next frame, H×W×3 in [0,1]; an odd last row or column is cut off."""
        pixels = np.rint(image[: self._stream.height, : self._stream.width] * 255).astype(np.uint8)
        space = self._film.look.colorspace
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(
            format="yuv420p",
            dst_colorspace=None if space == UNSPECIFIED else space,
            dst_color_range=BROADCAST,
        )
        frame.pts, frame.time_base, frame.duration = pts, self._film.time_base, duration
        self._file.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what the encoder still holds, and end the file."""
        try:
            self._file.mux(self._stream.encode())
        finally:
            self._file.close()
