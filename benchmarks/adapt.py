"""How soon is a new painting learned, from any, from base and from scratch?

    python benchmarks/adapt.py --preset quick --style painting.jpg

learns it once from every one of --starts and stops the clock now and then to judge the network on
photographs it does not learn from: total loss and N of "matches N iterations of Gatys", means. How
long it learns, --steps say; a recipe's minutes do not count. Prints a table and draws both against
seconds in FIGURES/NAME.png. Give a painting they never saw. Every start has the network that goes
with it. With --cpu-time seconds are those for which the processor worked, so that it may run beside
other work: OMP_NUM_THREADS=1 and --workers 0 make them seconds of one core.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from impasto.analysis.figures import new_figure, save_figure
from impasto.analysis.iterations import as_number, matching_iteration
from impasto.analysis.loss_curve import record_curve
from impasto.analysis.match import evaluate
from impasto.analysis.pictures import find_photographs
from impasto.config.parser import parse, setting
from impasto.config.settings import TrainSettings
from impasto.data.datamodule import build_data
from impasto.data.tensors import to_tensor
from impasto.errors import InputError
from impasto.gatys.multiscale import start_image
from impasto.images.io import load_image
from impasto.system import keep_freed_memory, pick_precision, processor_name
from impasto.training.build import NONE, STARTS, TrainingInputs, build_module, resolve

MARKS = (0, 25, 50, 100, 200, 400, 800, 1200, 1600, 2400, 3200)  # steps, besides the last


@dataclass(frozen=True, kw_only=True)
class AdaptSettings(TrainSettings):
    """What this benchmark takes, besides what train.py does."""

    starts: list[str] | None = setting(
        None, "what to begin from [any base none]", group="the benchmark"
    )
    judged_on: list[str] | None = setting(None, "photographs or folders of them [the samples]")
    limit: int = setting(4, "photographs to judge on, at most", least=1)
    size: int = setting(256, "their short side, pixels", least=64)
    iterations: int = setting(100, "of Gatys' method at most", least=1)
    cpu_time: bool = setting(False, "count the seconds for which the processor works")
    figures: str = setting("adapt", "folder for the drawing")


@dataclass(frozen=True)
class Row:
    """A network on its way."""

    step: int
    seconds: float
    total: float
    matches: float  # iterations


class Judge(pl.Callback):
    """Looks at the network at some steps; the clock stands still meanwhile."""

    def __init__(
        self,
        photos: Sequence[Tensor],
        *,
        curves: list[list[float]],
        iterations: int,
        last: int,
        now: Callable[[], float],
    ) -> None:
        """`photos` are (1, 3, H, W) in [0,1]; `curves`, of Gatys' method, are added if missing."""
        self.photos, self.iterations, self.last = photos, iterations, last
        self.curves, self.now = curves, now
        self.rows: list[Row] = []
        self.clock, self.since = 0.0, 0.0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """The first row, without a step."""
        self._judge(module, 0)

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        """A row, if it is time."""
        if trainer.global_step in MARKS or trainer.global_step == self.last:
            self._judge(module, trainer.global_step)

    @torch.no_grad()
    def _judge(self, module: Any, step: int) -> None:
        self.clock += self.now() - self.since if step else 0.0
        targets = [module.loss.content_target(photo) for photo in self.photos]
        with torch.enable_grad():
            for photo in self.photos[len(self.curves) :]:
                self.curves.append(self._curve(module.loss, photo))
        module.eval()
        terms = [
            evaluate(module.loss, module.net(photo), target)
            for photo, target in zip(self.photos, targets, strict=True)
        ]
        module.train()
        totals = [term["total"] for term in terms]
        reached = [
            as_number(matching_iteration(curve, network=total, content=float("inf"))) or 0
            for curve, total in zip(self.curves, totals, strict=True)
        ]
        self.rows.append(Row(step, self.clock, fmean(totals), fmean(reached)))
        self.since = self.now()

    def _curve(self, loss: Any, photo: Tensor) -> list[float]:
        begin = start_image("noise", content=photo, style=photo, seed=0)
        made = record_curve(loss, content=photo, start=begin, iterations=self.iterations)
        return made.losses


def main(argv: list[str] | None = None) -> int:
    """Learn from every start, print, draw."""
    try:
        settings = parse(AdaptSettings, argv, description=str(__doc__))
        keep_freed_memory()
        found = find_photographs(settings.judged_on, limit=settings.limit)
        photos = [to_tensor(load_image(path, short_side=settings.size)) for path in found]
        photos = [photo.contiguous(memory_format=torch.channels_last) for photo in photos]
        rows, curves = {}, []
        judged = partial(
            Judge,
            photos,
            curves=curves,
            iterations=settings.iterations,
            now=time.process_time if settings.cpu_time else time.perf_counter,
        )
        for start in settings.starts or (*STARTS, NONE):
            sources = resolve(replace(settings, init=start, minutes=None, **shape(start)))
            rows[start] = learn(sources, judged)
        report(rows, Path(settings.figures) / f"{sources.settings.name}.png", photos=len(photos))
    except InputError as error:
        print(f"adapt.py: {error}", file=sys.stderr)
        return 2
    return 0


def shape(start: str) -> dict[str, Any]:
    """The settings of the network that goes with a start; none where it is of any shape."""
    return dict(zip(("width", "design", "upsampling"), STARTS.get(start, ()), strict=False))


def learn(sources: TrainingInputs, judged: Callable[..., Judge]) -> list[Row]:
    """As train.py does, without files."""
    settings = sources.settings
    pl.seed_everything(settings.seed, verbose=False)
    judge = judged(last=settings.steps)
    module = build_module(sources)
    bf16 = pick_precision(settings.precision, accelerator="cpu") == "bf16"
    trainer = pl.Trainer(
        accelerator="cpu",
        precision="bf16-mixed" if bf16 else "32-true",
        max_steps=settings.steps,
        max_epochs=-1,
        gradient_clip_val=settings.gradient_clip or None,
        logger=False,
        callbacks=[judge],
        enable_checkpointing=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(module, build_data(settings, sources.photos))
    return judge.rows


def report(rows: dict[str, list[Row]], path: Path, *, photos: int) -> None:
    """The table and the drawing."""
    print(f"\nmeans of {photos} photographs, {processor_name()}\n")
    print("| from | step | seconds | total | matches N |\n|---|---|---|---|---|")
    figure = new_figure(width=9, height=3.5)
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    for start, line in rows.items():
        for row in line:
            cells = row.step, f"{row.seconds:.0f}", f"{row.total:.3f}", f"{row.matches:.0f}"
            print("| " + " | ".join(map(str, (start, *cells))) + " |")
        seconds = [row.seconds for row in line]
        left.plot(seconds, [row.total for row in line], marker="o", label=f"from {start}")
        right.plot(seconds, [row.matches for row in line], marker="o", label=f"from {start}")
    left.set(yscale="log", xlabel="seconds", ylabel="total loss")
    right.set(xlabel="seconds", ylabel="matches N iterations")
    left.legend()
    figure.suptitle(path.stem)
    save_figure(figure, path)
    print(f"\n{path}")


if __name__ == "__main__":
    sys.exit(main())
