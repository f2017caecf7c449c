"""Films that tests make: a colored square that moves over a gradient, and a tone."""

import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 10
WIDTH, HEIGHT = 64, 48


def scene(index: int, *, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Frame `index`, H×W×3 of bytes."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([3 * x % 256, 4 * y % 256, (x + y) % 256], -1).astype(np.uint8)
    left = 2 * index % (width - 12)
    image[10:22, left : left + 12] = (250, 40, 20)
    return image


def make_film(
    path: Path,
    *,
    frames: int = 25,
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 600),
    sound: str | None = "aac",
    rotation: int = 0,
    width: int = WIDTH,
    height: int = HEIGHT,
    codec: str = "libx264",
    images: Sequence[np.ndarray] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a film; `times` are those of its frames in units of `time_base`."""
    length = round(1 / (RATE * time_base))
    times = times or [index * length for index in range(frames)]
    with av.open(str(path), "w") as file:
        file.metadata.update(metadata or {})
        stream: Any = file.add_stream(codec, rate=RATE, options={"crf": "1"})
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        stream.time_base = stream.codec_context.time_base = time_base
        tone: Any = file.add_stream(sound, rate=48000, layout="mono") if sound else None
        for index, pts in enumerate(times):
            image = images[index] if images else scene(index, width=width, height=height)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = pts, time_base
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
        if tone:
            _play(file, tone, seconds=float((times[-1] + length) * time_base))
    if rotation:
        _turn(path, rotation)
    return path


def _turn(path: Path, degrees: int) -> None:
    """Write into an MP4's only track that it is shown turned clockwise, as telephones do."""
    data = bytearray(path.read_bytes())
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    matrix = [cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30]
    start = data.index(b"tkhd") + 44  # ISO/IEC 14496-12, 8.3.2, version 0
    data[start : start + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)


def _play(file: Any, tone: Any, *, seconds: float) -> None:
    for start in range(0, round(48000 * seconds), 960):
        wave = np.sin(np.arange(start, start + 960) / 20, dtype=np.float32)[None]
        if not tone.codec_context.format.name.startswith("flt"):
            whole = np.dtype(tone.codec_context.format.name.strip("p").replace("s", "int"))
            wave = (wave * np.iinfo(whole).max * 0.9).astype(whole)
        frame = av.AudioFrame.from_ndarray(
            wave, format=tone.codec_context.format.name, layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        file.mux(tone.encode(frame))
    file.mux(tone.encode())


def pictures(path: Path) -> list[np.ndarray]:
    """All frames of a film, as bytes."""
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def times(path: Path) -> list[Fraction]:
    """When they are shown, in seconds."""
    with av.open(str(path)) as film:
        return [frame.pts * frame.time_base for frame in film.decode(video=0)]


def packets(path: Path) -> list[tuple[bytes, Fraction]]:
    """The sound as it is stored: bytes and seconds."""
    with av.open(str(path)) as film:
        found = film.demux(audio=0)
        return [(bytes(p), p.pts * p.time_base) for p in found if p.pts is not None and p.size]
