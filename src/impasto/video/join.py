"""Segments and the sound of the film they were made of -> a film. Nothing is encoded again."""

import heapq
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import av

from impasto.errors import InputError
from impasto.files import unwritable, write_atomically
from impasto.video.reader import open_film

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer

logger = logging.getLogger(__name__)
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
FAST_START = {"movflags": "+faststart"}  # the index first: a page can play it while it loads
PRIVATE = ("location", "gps")  # where it was taken


class Last(NamedTuple):
    """The frame that a film ends with: when it is shown, and how long, in seconds."""

    time: Fraction
    length: Fraction


def check_sound(source: Path, target: Path) -> None:
    """See that the sound of a film can be copied into another kind of file.

    Raises:
        InputError: it cannot; names a kind that takes any.
    """
    with open_film(source) as film:
        for stream in film.streams.audio:
            if stream.codec.name not in _taken(target):
                raise InputError(
                    f"{target} cannot hold the sound of {source} ({stream.codec.name}): "
                    f"-o {target.with_suffix('.mkv').name} can"
                )


def join(
    segments: Sequence[Path],
    target: Path,
    *,
    time_base: Fraction,
    last: Last,
    source: Path | None,
    whole: bool = True,
) -> None:
    """Write a film.

    Args:
        segments: files of `Encoder`, in order, at least one.
        target: what to write; there is none of it, or an old one, until it is whole.
        time_base: of the film, in seconds; `target` keeps it where its kind can.
        last: its last frame.
        source: the film whose sound, subtitles and title are copied.
        whole: whether the sound goes on beyond the pictures.

    Raises InputError if it cannot be written.
    """

    def write(path: Path) -> None:
        with ExitStack() as stack:
            sound = stack.enter_context(open_film(source)) if source else None
            first = stack.enter_context(av.open(str(segments[0])))
            film = stack.enter_context(_new(path, target))
            pictures = film.add_stream_from_template(first.streams.video[0])
            pictures.time_base = time_base
            flows = [_pictures(segments, pictures, last)]
            until = None if whole else last.time + last.length
            if sound is not None and (copies := _copies(sound, film, target)):
                flows.append(_sound(sound, copies, until))
            for _, packet in heapq.merge(*flows, key=lambda timed: timed[0]):
                film.mux(packet)

    try:
        write_atomically(target, write)
    except OSError as error:  # as PyAV's are
        raise unwritable(target, error) from error


def _new(path: Path, target: Path) -> "OutputContainer":
    kind = FORMATS[target.suffix.lower()]
    options = FAST_START if kind in ("mp4", "mov") else {}
    return av.open(str(path), "w", format=kind, options=options)


def _copies(sound: "InputContainer", film: "OutputContainer", target: Path) -> dict[int, Any]:
    """Streams of a film that is written, by the index of those that they are copies of."""
    film.metadata.update(_public(sound.metadata))
    copies: dict[int, Any] = {}
    for stream in (*sound.streams.audio, *sound.streams.subtitles):
        if stream.codec.name not in _taken(target):
            logger.warning(f"{target} cannot hold subtitles in {stream.codec.name}")
            continue
        copies[stream.index] = film.add_stream_from_template(stream)
        copies[stream.index].metadata.update(_public(stream.metadata))
    return copies


def _pictures(segments: Sequence[Path], stream: Any, last: Last) -> Iterator[tuple[Fraction, Any]]:
    for path in segments:
        with av.open(str(path)) as segment:
            for packet in segment.demux(video=0):
                if packet.dts is None:
                    continue
                if _time(packet) == last.time:
                    packet.duration = round(last.length / packet.time_base)
                yield _time(packet), _for(packet, stream)


def _sound(
    film: "InputContainer", copies: dict[int, Any], until: Fraction | None
) -> Iterator[tuple[Fraction, Any]]:
    for packet in film.demux(*(film.streams[index] for index in copies)):
        if packet.dts is None:
            packet.dts = packet.pts  # sound is stored in the order in which it is heard
        if packet.dts is not None and (until is None or _time(packet) < until):
            yield _time(packet), _for(packet, copies[packet.stream.index])


def _time(packet: Any) -> Fraction:
    return packet.dts * packet.time_base


def _for(packet: Any, stream: Any) -> Any:
    packet.stream = stream
    return packet


def _public(metadata: dict[str, str]) -> dict[str, str]:
    technical = ("major_brand", "minor_version", "compatible_brands", "encoder")
    return {
        key: value
        for key, value in metadata.items()
        if key not in technical and not any(word in key.lower() for word in PRIVATE)
    }


def _taken(target: Path) -> set[str]:
    """Names of the codecs that a kind of file takes."""
    kind = FORMATS[target.suffix.lower()]
    with av.open(BytesIO(), "w", format=kind) as probe:
        return probe.supported_codecs
