"""How much does a stylized film flicker, and how many frames a second does it take?

    python benchmarks/film.py --strip docs/film.jpg

Flicker is that of Ruder et al. 2016: the difference between a frame and the one before, carried
along by the optical flow of the film itself, where that flow is consistent. It is the root of the
mean square, in levels of 255. For the rendered film the flow is known; for the others it is
OpenCV's dense inverse search at its medium preset, finer than the one that stylizing uses. Films
are those in films/ of the folder that IMPASTO_ASSETS names, if it is set.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from moving_scene import Truth, render
from timing import machine, table

from impasto import Stylizer, save_image, stylize_video
from impasto.config.parser import Settings, parse, setting
from impasto.inference.openvino import installed
from impasto.video.film import STEADY
from impasto.video.reader import FilmReader
from impasto.video.steady import InputAverage, OutputAverage

Frames = Sequence[np.ndarray]
WARM_UP = 4  # frames that the averages need


@dataclass(frozen=True, kw_only=True)
class FilmBenchmarkSettings(Settings):
    """What this benchmark takes."""

    model: list[str] = setting(("starry", "the_scream"), "the styles: NAMES or FILES.onnx")
    frames: int = setting(48, "of every film", least=12)
    size: int = setting(360, "largest short side, pixels", least=64)
    steady: float = setting(STEADY, "as for impasto stylize", least=0, most=0.99)
    strip: str | None = setting(None, "FILE.jpg for frames of the rendered film, twice")
    speed: bool = setting(True, "--no-speed leaves the second table out")


def main(argv: list[str] | None = None) -> int:
    """Print the tables."""
    settings = parse(FilmBenchmarkSettings, argv, description=str(__doc__))
    films = {"rendered": render(settings.frames)}
    for path in sorted(Path(os.environ.get("IMPASTO_ASSETS", "none"), "films").glob("*.mp4")):
        frames = read(path, settings)
        films[path.stem] = frames, flows(frames)
    rows = []
    for name in settings.model:
        stylizer = Stylizer(name)
        for film, (frames, truths) in films.items():
            alone = stylized(frames, stylizer, steady=0)
            steady = stylized(frames, stylizer, steady=settings.steady)
            rows.append([film, stylizer.name, *compared(frames, alone, steady, truths)])
            if film == "rendered" and name == settings.model[0] and settings.strip:
                save_strip(Path(settings.strip), [frames, alone, steady])
    print(f"{machine()}, {stylizer.precision}; beside other work\n")
    head = ["film", "style", "film itself", "frame by frame", "steady", "share of the excess left"]
    print(table([*head, "detail kept", "off where uncovered"], rows))
    if settings.speed:
        print(speed(films["rendered"][0], settings))
    return 0


def read(path: Path, settings: FilmBenchmarkSettings) -> Frames:
    """The first frames of a film."""
    with FilmReader(path) as film:
        size = min(settings.size, film.width, film.height)
    with FilmReader(path, size=size) as film:
        return [f.image for f, _ in zip(film.frames(), range(settings.frames), strict=False)]


def flows(frames: Frames) -> list[Truth]:
    """Where each pixel was, by the flow both ways, as in Ruder et al. 2016, equations 6 and 7."""
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grays = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    height, width = grays[0].shape
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    found = []
    for before, now in pairwise(grays):
        back, ahead = search.calc(now, before, None), search.calc(before, now, None)
        source = grid + back
        ahead = cv2.remap(ahead, source, None, cv2.INTER_LINEAR)
        lengths = np.square(ahead).sum(-1) + np.square(back).sum(-1)
        seen = np.square(ahead + back).sum(-1) <= 0.01 * lengths + 0.5
        bend = sum(np.square(np.gradient(back[..., i])).sum(0) for i in (0, 1))
        seen &= bend <= 0.01 * np.square(back).sum(-1) + 0.002
        seen &= ((source >= 0) & (source <= (width - 1, height - 1))).all(-1)
        found.append(Truth(source, seen, np.zeros_like(seen)))
    return found


def flicker(frames: Frames, truths: Sequence[Truth]) -> float:
    """Levels of 255, over all frames after the first few."""
    errors = []
    for (before, now), truth in list(zip(pairwise(frames), truths, strict=True))[WARM_UP:]:
        carried = cv2.remap(before.astype(np.float32), truth.source, None, cv2.INTER_LINEAR)
        errors.append(np.square(now - carried).mean(-1)[truth.seen].mean())
    return float(np.sqrt(np.mean(errors)))


def stylized(frames: Frames, stylizer: Stylizer, *, steady: float) -> Frames:
    """As `stylize_video` makes them, in bytes."""
    before, behind = InputAverage(steady), OutputAverage(steady)
    made = []
    for frame in frames:
        prepared = before(frame)
        image = behind(stylizer(prepared.image), prepared.motion)
        made.append(np.rint(image * 255).astype(np.uint8))
    return made


def compared(frames: Frames, alone: Frames, steady: Frames, truths: Sequence[Truth]) -> list[str]:
    """The cells of a row."""
    own, before, after = (flicker(film, truths) for film in (frames, alone, steady))
    share = f"{(after - own) / (before - own):.2f}" if before > 1.1 * own else "no excess"
    offs = [
        np.abs(a.astype(float) - s)[truth.uncovered].mean()
        for a, s, truth in zip(alone[1:], steady[1:], truths, strict=True)
        if truth.uncovered.any()
    ]
    cells = [f"{own:.1f}", f"{before:.1f}", f"{after:.1f}", share]
    return [*cells, f"{detail(steady) / detail(alone):.2f}", f"{np.mean(offs):.1f}" if offs else ""]


def detail(frames: Frames) -> float:
    """How strong the finest structure is: the deviation of the Laplacian."""
    grays = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames[WARM_UP:])
    return float(np.mean([cv2.Laplacian(gray, cv2.CV_32F).std() for gray in grays]))


def save_strip(path: Path, films: Sequence[Frames]) -> None:
    """Three moments of the film, of frame by frame and of steady, below each other."""
    moments = [round(share * (len(films[0]) - 1)) for share in (0.3, 0.32, 0.75)]
    rows = [np.hstack([film[moment] for moment in moments]) for film in films]
    picture = np.vstack(rows).astype(np.float32) / 255
    save_image(
        cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), path, quality=72
    )


def speed(frames: Frames, settings: FilmBenchmarkSettings) -> str:
    """Whole films, against the network alone; the best of three, in turns."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        film = write(Path(folder) / "film.mp4", frames)
        image = frames[0].astype(np.float32) / np.float32(255)
        for backend in ("onnxruntime", *(["openvino"] if installed() else [])):
            stylizer = Stylizer(settings.model[0], backend=backend)  # type: ignore[arg-type]
            seconds: dict[float | None, list[float]] = {None: [], 0: [], settings.steady: []}
            for _ in range(3):
                for steady, taken in seconds.items():
                    start = perf_counter()
                    if steady is None:
                        for _ in frames:
                            stylizer(image)
                    else:
                        made = Path(folder) / "made.mp4"
                        stylize_video(film, made, stylizer, steady=steady, overwrite=True)
                    taken.append((perf_counter() - start) / len(frames))
            net, alone, steady_ = (min(taken) for taken in seconds.values())
            cells = [f"{1 / s:.1f}" for s in (net, alone, steady_)]
            kind = f"{backend}, {stylizer.precision}"
            rows.append([kind, *cells, f"{alone / net:.2f}", f"{steady_ / net:.2f}"])
    height, width = frames[0].shape[:2]
    head = [f"frames/s at {width}×{height}", "network alone", "film, --steady 0", "film"]
    return table([*head, "time, --steady 0 / network", "time / network"], rows)


def write(path: Path, frames: Frames) -> Path:
    """Frames as a film of 25 a second."""
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"crf": "12"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(stream.encode())
    return path


if __name__ == "__main__":
    sys.exit(main())
