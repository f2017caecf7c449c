"""Does bf16 learn the same? The loss of the same steps in float32 and in bf16.

    python benchmarks/precision_curves.py --plot docs/precision_curves.png

Same beginning, crops and shifts. Two float32 runs that differ only in their shifts tell the noise.
"""

import sys
from dataclasses import dataclass
from statistics import fmean

import torch
from timing import machine, table
from train_speed import OurStep

from impasto.config.parser import Settings, parse, setting
from impasto.data.dataset import RandomCropDataset
from impasto.data.locate import find_style
from impasto.data.tensors import to_tensor
from impasto.images.io import load_image, sample_photos
from impasto.models.pretrained import load_weights
from impasto.system import keep_freed_memory


@dataclass(frozen=True, kw_only=True)
class CurveSettings(Settings):
    """What this benchmark takes."""

    steps: int = setting(200, "of every run", least=20)
    size: int = setting(64, "side of the crops, pixels", least=32)
    batch_size: int = setting(2, "photographs a step", least=1)
    plot: str | None = setting(None, "FILE.png for the curves")


def main(argv: list[str] | None = None) -> int:
    """Print the table, draw the plot."""
    settings = parse(CurveSettings, argv, description=str(__doc__))
    keep_freed_memory()
    runs = {
        "float32": learn(settings, precision="32", seed=0),
        "bf16": learn(settings, precision="bf16", seed=0),
        "float32, other shifts": learn(settings, precision="32", seed=1),
    }
    quarter = settings.steps // 4
    spans = [slice(start, start + quarter) for start in range(0, 4 * quarter, quarter)]
    rows = [[name, *(f"{fmean(losses[s]):.4f}" for s in spans)] for name, losses in runs.items()]
    head = [f"{span.start}–{span.stop - 1}" for span in spans]
    print(f"total loss, mean over steps, {settings.batch_size} × {settings.size}²; {machine()}\n")
    print(table(["run", *head], rows))
    if settings.plot:
        draw(runs, settings.plot)
    return 0


def learn(settings: CurveSettings, *, precision: str, seed: int) -> list[float]:
    """The total loss of every step."""
    torch.manual_seed(0)
    size, count = settings.size, settings.batch_size
    style = to_tensor(load_image(find_style("starry"), short_side=size * 3 // 2))
    step = OurStep(load_weights("lite"), precision=precision, style=style)
    photos = RandomCropDataset(paths=sample_photos(), size=size)
    shifts = torch.Generator().manual_seed(seed)
    losses = []
    for index in range(settings.steps):
        draws = range(index * count, (index + 1) * count)
        batch = torch.stack([photos[draw] for draw in draws]).float() / 255
        losses.append(step(batch, generator=shifts))
    return [loss.item() for loss in losses]


def draw(runs: dict[str, list[float]], path: str) -> None:
    """All runs over the steps, log."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
    for name, losses in runs.items():
        axis.semilogy(losses, label=name, linewidth=1)
    axis.set_xlabel("step")
    axis.set_ylabel("total loss")
    axis.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
