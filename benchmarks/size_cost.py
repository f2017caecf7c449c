"""What does a picture cost by its size? Seconds and peak memory, one process a point.

    python benchmarks/size_cost.py --plot docs/size_cost.png

Pictures that do not fit in half of the free memory go through in strips, see large_pictures.py.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field

from timing import machine, table

from impasto.config.parser import Settings, parse, setting
from impasto.inference.openvino import installed

CHILD = """
import json, resource, time
import numpy as np
from impasto import Stylizer
from impasto.system import keep_freed_memory
keep_freed_memory()
stylizer = Stylizer({model!r}, backend={backend!r})
image = np.random.default_rng(0).random(({size}, {size}, 3), np.float32)
seconds = []
for _ in range({repeats}):
    start = time.perf_counter()
    stylizer(image)
    seconds.append(time.perf_counter() - start)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([min(seconds), peak, stylizer.precision]))
"""


@dataclass(frozen=True, kw_only=True)
class CostSettings(Settings):
    """What this benchmark takes."""

    model: str = setting("starry", "the style: NAME in checkpoints/ or FILE.onnx")
    sizes: list[str] = field(
        default_factory=lambda: ["256", "512", "1024", "2048", "4096"],
        metadata={"help": "sides, pixels", "positional": True},
    )
    plot: str | None = setting(None, "FILE.png for the curves")


def main(argv: list[str] | None = None) -> int:
    """Print the table, draw the plot."""
    settings = parse(CostSettings, argv, description=str(__doc__))
    sizes = [int(size) for size in settings.sizes or ["256", "512", "1024", "2048", "4096"]]
    points: dict[str, list[tuple[float, float]]] = {}
    for backend in ("onnxruntime", *(["openvino"] if installed() else [])):
        for size in sizes:
            seconds, peak, precision = measure(settings.model, backend=backend, size=size)
            points.setdefault(f"{backend}, {precision}", []).append((seconds, peak))
    rows = [
        [name, f"{size}²", f"{s:.3f}", f"{s * 1e6 / size**2:.2f}", f"{peak:.2f}"]
        for name, found in points.items()
        for size, (s, peak) in zip(sizes, found, strict=True)
    ]
    print(f"best of 3, of 1 from 1024² on; {machine()}\n")
    print(table(["backend", "size", "s", "µs a pixel", "peak GiB"], rows))
    if settings.plot:
        draw(points, sizes, settings.plot)
    return 0


def measure(model: str, *, backend: str, size: int) -> tuple[float, float, str]:
    """Seconds, GiB and precision of a process that stylizes one size."""
    code = CHILD.format(model=model, backend=backend, size=size, repeats=3 if size < 1024 else 1)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    seconds, peak, precision = json.loads(done.stdout)
    return seconds, peak, precision


def draw(points: dict[str, list[tuple[float, float]]], sizes: list[int], path: str) -> None:
    """Both quantities over the number of pixels, log-log; a line of slope 1 to compare with."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    pixels = [size**2 for size in sizes]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for index, (axis, label) in enumerate(zip(axes, ("seconds", "peak GiB"), strict=True)):
        for name, found in points.items():
            axis.loglog(pixels, [point[index] for point in found], "o-", label=name)
        first = next(iter(points.values()))[0][index]
        axis.loglog(
            pixels, [first * p / pixels[0] for p in pixels], ":", color="grey", label="∝ pixels"
        )
        axis.set_xticks(pixels, [f"{size}²" for size in sizes], minor=False)
        axis.set_ylabel(label)
        axis.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
