"""Large pictures in strips against one piece: how near, how fast, and in how much memory?

    python benchmarks/large_pictures.py --photo photo.jpg

The photograph is enlarged to each size and gets grain, so that it is not smooth. Seconds are the
best of repeats in turns, on a machine that does nothing else. Peak memory is that of a whole
process, `impasto stylize` on a JPEG file, as the system accounts for it.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from timing import machine, table

from impasto.config.parser import Settings, parse, setting
from impasto.images.io import open_rgb, sample_photos
from impasto.inference.stylizer import GB, Stylizer
from impasto.system import keep_freed_memory

GRAIN = 6  # levels


@dataclass(frozen=True, kw_only=True)
class LargeSettings(Settings):
    """What this benchmark takes."""

    sizes: list[str] = field(
        default_factory=lambda: ["2048x2048", "4096x3072"],
        metadata={"help": "of pictures made both ways", "positional": True},
    )
    model: str = setting("starry", "the style: NAME in checkpoints/ or FILE.onnx")
    photo: str | None = setting(None, "a photograph [a sample]")
    repeats: int = setting(3, "of every picture, in turns; the best counts", least=1)
    largest: str = setting("8000x8000", "of the picture made by a process of its own, or none")
    max_memory: float = setting(2, "GB that it may take", least=0.1)


def main(argv: list[str] | None = None) -> int:
    """Print both tables."""
    keep_freed_memory(in_threads=True)  # as the command does
    settings = parse(LargeSettings, argv, description=str(__doc__))
    photo = Path(settings.photo) if settings.photo else sample_photos()[0]
    print(f"{settings.model}, ONNX Runtime; {machine()}\n")
    head = ["picture", "PSNR, dB", "largest difference", "s/MP, one piece", "s/MP, strips", "ratio"]
    if settings.largest != "none":  # first: a child counts what this process takes as its own
        print(table(["picture", "peak GB", "s"], [peak(settings, photo)]), flush=True)
    print(table(head, [compare(settings, photo, size) for size in settings.sizes]), flush=True)
    return 0


def compare(settings: LargeSettings, photo: Path, size: str) -> list[str]:
    """A row of the first table."""
    stylizer = Stylizer(settings.model, backend="onnxruntime")
    image = np.asarray(enlarged(photo, size))
    strips = stylizer.cut()
    ways: dict[str, Callable[[], np.ndarray]] = {
        "whole": lambda: stylizer._whole(image),
        "strips": lambda: stylizer._in_strips(
            image,
            strips,
            room=settings.max_memory * GB,
            watch=lambda *_: None,
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    made = {}
    for _ in range(settings.repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            made[name] = way()
            seconds[name].append(time.perf_counter() - start)
    difference = made["whole"].astype(np.float32) - made["strips"]
    psnr = 20 * np.log10(255) - 10 * np.log10((difference**2).mean())
    one, many = (min(seconds[name]) * 1e6 / image[..., 0].size for name in ways)
    most = f"{np.abs(difference).max():.0f} of 255"
    return [size, f"{psnr:.1f}", most, f"{one:.2f}", f"{many:.2f}", f"{many / one:.2f}"]


def peak(settings: LargeSettings, photo: Path) -> list[str]:
    """A row of the second table."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "photo.jpg"
        subprocess.run(
            [sys.executable, __file__, "--write", str(photo), settings.largest, str(source)],
            check=True,
        )
        words = [sys.executable, "-m", "impasto", "stylize", str(source), "--model", settings.model]
        words += ["-o", f"{folder}/picture.jpg", "--backend", "onnxruntime"]
        start = time.perf_counter()
        child = subprocess.Popen([*words, "--max-memory", str(settings.max_memory)])
        _, status, used = os.wait4(child.pid, 0)
        assert status == 0, "the picture was not made"
    seconds = time.perf_counter() - start
    return [settings.largest, f"{used.ru_maxrss * 1024 / 1e9:.2f}", f"{seconds:.0f}"]


def enlarged(photo: Path, size: str) -> Image.Image:
    """A photograph of WIDTHxHEIGHT pixels, with grain."""
    width, height = map(int, size.split("x"))
    image = open_rgb(photo).resize((width, height), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(0).integers(-GRAIN, GRAIN + 1, (height, width, 1), np.int16)
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:  # in a process of its own, whose memory is not counted
        enlarged(Path(sys.argv[2]), sys.argv[3]).save(sys.argv[4], quality=92)
    else:
        sys.exit(main())
