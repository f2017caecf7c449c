"""How much longer does a folder take than the network alone? Ratios within one run.

    python benchmarks/folder.py --count 200 --size 1024

Photographs are made of the samples that come with the package: enlarged, turned, mirrored and
cut to mixed sizes. "one by one" reads, paints, packs and writes each picture before the next.
Seconds of all processors are beside those of the clock: where others are at work too, nothing can
be hidden behind the network, and their ratio is what the other tends to.
"""

import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from timing import machine, table

from impasto.cli.outputs import Job
from impasto.cli.pictures import Finish, Pictures
from impasto.cli.pipeline import Pipeline
from impasto.cli.stylize import open_networks, open_styles, pipeline
from impasto.config.parser import Settings, parse, setting
from impasto.config.settings import StylizeSettings
from impasto.images.encoding import quantize
from impasto.images.io import load_image, sample_photos, save_image, to_array, to_pil
from impasto.inference.tiling import unwatched
from impasto.system import keep_freed_memory

SHAPES = [(2, 3), (3, 2), (3, 4), (1, 1)]  # height to width


@dataclass(frozen=True, kw_only=True)
class FolderSettings(Settings):
    """What this benchmark takes."""

    model: str = setting("starry", "the style: NAME in checkpoints/ or FILE.onnx")
    count: int = setting(200, "photographs", least=1)
    size: int = setting(1024, "long side of the photographs, pixels", least=32)
    suffix: str = setting("jpg", "kind of the photographs, and so of the pictures")
    rounds: int = setting(3, "of every row, in turns; the fastest counts", least=1)
    backend: str = setting("auto", "what runs the network: auto, onnxruntime, openvino")


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    told = parse(FolderSettings, argv, description=str(__doc__))
    keep_freed_memory(in_threads=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_photographs(folder / "in", told)
        words = [str(folder / "in"), "-o", str(folder / "out"), "--overwrite"]
        words += ["--model", told.model, "--backend", told.backend]
        settings = parse(StylizeSettings, words, description="")
        rows = variants(settings, folder / "in")
        least = dict.fromkeys(rows, (float("inf"), float("inf")))
        for _ in range(told.rounds):
            for row, run in rows.items():
                start = time.perf_counter(), time.process_time()
                run()
                spent = time.perf_counter() - start[0], time.process_time() - start[1]
                least[row] = min(least[row][0], spent[0]), min(least[row][1], spent[1])
    wall, cpu = least["the network alone"]
    cells = [
        [row, f"{s:.2f}", f"{s / wall:.3f}", f"{c:.2f}", f"{c / cpu:.3f}"]
        for row, (s, c) in least.items()
    ]
    what = f"{told.count} photographs of {told.size} pixels, {told.suffix}, the fastest of"
    load = " ".join(f"{part:.1f}" for part in os.getloadavg())
    print(f"{what} {told.rounds}; {machine()}; load {load}\n")
    print(table(["", "s", "ratio", "CPU s", "ratio"], cells))
    return 0


def make_photographs(folder: Path, told: FolderSettings) -> None:
    """Write them, none like another."""
    random = np.random.default_rng(0)
    samples = [to_pil(load_image(path)) for path in sample_photos()]
    for index in range(told.count):
        height, width = SHAPES[index % len(SHAPES)]
        scale = told.size / max(height, width)
        size = round(width * scale), round(height * scale)
        sample = samples[index % len(samples)].rotate(
            random.uniform(-5, 5), Image.Resampling.BICUBIC
        )
        if random.random() < 0.5:
            sample = sample.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        cut = random.uniform(0, 0.2, 4) * np.tile(sample.size, 2)
        box = (cut[0], cut[1], sample.width - cut[2], sample.height - cut[3])
        photo = to_array(sample.resize(size, Image.Resampling.BICUBIC, box=tuple(box)))
        grain = random.normal(0, 0.01, photo.shape).astype(np.float32)  # as a camera's
        save_image(photo + grain, folder / f"{index:04}.{told.suffix}", quality=90)


def variants(settings: StylizeSettings, folder: Path) -> dict[str, Callable[[], object]]:
    """Row -> what is timed."""
    (net,), styles = open_networks(settings).values(), open_styles(settings)
    photographs = sorted(folder.iterdir())

    def alone() -> None:
        for image in images:
            net(image)

    def command(one_by_one: bool) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            pictures = Pictures("folder", settings, styles=list(styles), stdout=sys.stdout)
            steps = pipeline(settings, styles, pictures)
            code = pictures.run(serial(steps) if one_by_one else steps.run)
        if code:
            raise RuntimeError("some pictures were not made")

    images = [load_image(path) for path in photographs]
    return {
        "the network alone": alone,
        "one by one": lambda: command(True),
        "impasto stylize": lambda: command(False),
    }


def serial(steps: Pipeline) -> Callable[[Sequence[Job]], Generator[tuple[Job, Finish]]]:
    """The same steps in this thread, one after another."""

    def run(jobs: Sequence[Job]) -> Generator[tuple[Job, Finish]]:
        for job in jobs:

            def finish(job: Job = job) -> tuple[int, int]:
                photo = steps.read(job)
                picture = steps.paint(photo.pixels, job, unwatched)
                pixels = quantize(picture)
                steps.place(job, steps.pack(photo, pixels, job))
                return pixels.shape[0], pixels.shape[1]

            yield job, finish

    return run


if __name__ == "__main__":
    sys.exit(main())
