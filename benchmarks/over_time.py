"""One picture over time: drawn at once, after half a minute of learning, 3 and 30, and by Gatys.

    python benchmarks/over_time.py --preset quick --style starry.jpg --photos DIR

Takes the flags of train.py for the learning. Leaves strip.jpg, report.md, and a picture and a JSON
for each of them in OUTPUT, with its seconds and the judge's two numbers. The same command goes on
where the last one ended. With --cpu-time seconds are those for which the processor worked, so that
it may run beside other work: OMP_NUM_THREADS=1 and --workers 0 make them seconds of one core.
With --times 3 the strip has what docs/three-speeds.jpg shows.
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pieces import Note, Piece, UnfinishedError, read, run_all
from timing import machine, table

from impasto.analysis.verdict import PAINTING_SIDE, Judge
from impasto.cli import gatys, train
from impasto.config.parser import parse, setting
from impasto.config.settings import TrainSettings
from impasto.data.locate import find_style, style_name
from impasto.errors import InputError
from impasto.images.io import RGB, contact_sheet, load_image, sample_photos, save_image
from impasto.inference.any_style import ANY, AnyStyle
from impasto.inference.stylizer import Stylizer
from impasto.models.pretrained import load_weights
from impasto.system import has_fast_bf16
from impasto.training import build
from impasto.training.budget import Budget

LONGEST = 86_400.0  # s that one of them may take
GRACE = 30.0  # s for a checkpoint
AT_ONCE, GATYS = "at-once", "gatys"


@dataclass(frozen=True, kw_only=True)
class OverTimeSettings(TrainSettings):
    """What this benchmark takes, besides what train.py does."""

    times: list[float] | None = setting(
        None, "minutes of learning, a run each [0.5 3 30]", group="the benchmark"
    )
    photo: str | None = setting(None, "the photograph [the sample astronaut]")
    size: int = setting(320, "its short side, pixels", least=64)
    network: str = setting(ANY, "what draws at once")
    iterations: int = setting(100, "of Gatys' method, 0 for none", least=0)
    judge: str = setting("vgg16-features", "the judge's encoder")
    cpu_time: bool = setting(False, "count the seconds for which the processor works")
    output: str | None = setting(None, "folder [build/over-time/NAME]")


def main(argv: list[str] | None = None) -> int:
    """Make what is not there yet, print the report; returns the exit code."""
    try:
        settings = parse(OverTimeSettings, argv, description=str(__doc__))
        name = settings.name or style_name(find_style(settings.style))
        output = Path(settings.output or f"build/over-time/{name}")
        output.mkdir(parents=True, exist_ok=True)
        pieces = list(plan(settings, output))
        about, say = {"is": machine()}, partial(print, flush=True)
        for _ in run_all(pieces, output, about=about, deadline=float("inf"), say=say):
            report(settings, output, [piece.name for piece in pieces])
        print(report(settings, output, [piece.name for piece in pieces]))
    except InputError as error:
        print(f"over_time.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("over_time.py: stopped; the same command goes on", file=sys.stderr)
        return 130
    return 0


def plan(settings: OverTimeSettings, output: Path) -> Iterator[Piece]:
    """All pictures, from the soonest to the latest."""
    piece = partial(Piece, seconds=LONGEST, grace=GRACE)
    yield piece(name=AT_ONCE, work=partial(draw_at_once, settings=settings, output=output))
    for minutes in settings.times or (0.5, 3, 30):
        name = f"learned-{60 * minutes:.0f}s"
        work = partial(draw_learned, settings=settings, folder=output / name, minutes=minutes)
        yield piece(name=name, work=work)
    if settings.iterations:
        yield piece(name=GATYS, work=partial(draw_gatys, settings=settings, output=output))


def draw_at_once(note: Note, *, settings: OverTimeSettings, output: Path) -> None:
    """Look at the painting and draw, networks opened before."""
    network = AnyStyle(settings.network)
    painting = load_image(find_style(settings.style))
    session = Stylizer(network.model(network.vector(painting)), backend="onnxruntime")
    photo = the_photo(settings)
    now = clock(settings)
    network.vector(painting)
    picture = session(photo)
    note(seconds=round(now(), 2), steps=0)
    keep(note, picture, output / f"{AT_ONCE}.png", settings)


def draw_learned(note: Note, *, settings: OverTimeSettings, folder: Path, minutes: float) -> None:
    """Learn for some minutes, or go on with it, then draw."""
    if settings.cpu_time:  # for users minutes are by the clock, so there is no setting for it
        build.Budget = partial(Budget, clock=time.process_time)  # type: ignore[misc,assignment]
    given = {field.name: getattr(settings, field.name) for field in fields(TrainSettings)}
    chosen = replace(
        TrainSettings(**given), minutes=minutes, output_dir=str(folder), name=folder.name
    )
    if train.learn(chosen):
        raise UnfinishedError
    stylizer = Stylizer(folder / f"{folder.name}.onnx", backend="onnxruntime")
    about = stylizer.metadata
    note(seconds=round(60 * float(about["minutes"])), steps=int(about["steps"]))
    keep(note, stylizer(the_photo(settings)), folder.parent / f"{folder.name}.png", settings)


def draw_gatys(note: Note, *, settings: OverTimeSettings, output: Path) -> None:
    """Move the pixels themselves."""
    path, now = output / f"{GATYS}.png", clock(settings)
    flags = {
        "--style": settings.style,
        "--encoder": settings.encoder or settings.judge,
        "--size": settings.size,
        "--iterations": settings.iterations,
        "-o": path,
    }
    words = [str(word) for pair in flags.items() for word in pair]
    if gatys.main([str(photo_path(settings)), "--overwrite", *words]):
        raise UnfinishedError
    note(seconds=round(now()), steps=settings.iterations)
    keep(note, load_image(path), path, settings)


def clock(settings: OverTimeSettings) -> Callable[[], float]:
    """What tells the seconds since now."""
    read_clock = time.process_time if settings.cpu_time else time.perf_counter
    begin = read_clock()
    return lambda: read_clock() - begin


def photo_path(settings: OverTimeSettings) -> Path:
    """The photograph's file."""
    samples = {path.stem: path for path in sample_photos()}
    return Path(settings.photo) if settings.photo else samples["astronaut"]


def the_photo(settings: OverTimeSettings) -> RGB:
    """H×W×3 in [0,1]."""
    return load_image(photo_path(settings), short_side=settings.size)


def keep(note: Note, picture: RGB, path: Path, settings: OverTimeSettings) -> None:
    """Save a picture and judge it."""
    save_image(picture, path)
    painting = load_image(find_style(settings.style), short_side=PAINTING_SIDE)
    with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16("cpu")):
        judge = Judge(weights=load_weights(settings.judge), painting=painting)
        verdict = judge(judge.look(picture), judge.look(the_photo(settings)))
    note(kept=verdict.kept, style_error=verdict.style_error)


def report(settings: OverTimeSettings, output: Path, names: list[str]) -> str:
    """Write the strip and the table of what is there; returns the table."""
    found = {name: read(output / f"{name}.json") for name in names if _is_made(output, name)}
    painting = load_image(find_style(settings.style), short_side=settings.size)
    row = [the_photo(settings), painting[:, : settings.size]]
    row += [load_image(output / f"{name}.png") for name in found]
    save_image(contact_sheet([row]), output / "strip.jpg", quality=85)
    text = table(["", *COLUMNS], [[name, *_cells(values)] for name, values in found.items()])
    unit = "seconds of one core's work" if settings.cpu_time else "seconds by the clock"
    lines = [f"{settings.style}, {settings.size} pixels, {unit}, {machine()}\n", text]
    (output / "report.md").write_text("\n".join(lines), encoding="utf-8")
    return "\n".join(lines)


COLUMNS = ("seconds", "steps", "kept", "style_error")


def _is_made(output: Path, name: str) -> bool:
    return (output / f"{name}.json").is_file() and (output / f"{name}.png").is_file()


def _cells(values: dict[str, Any]) -> list[str]:
    return [f"{values[key]:.3g}" if key in values else "" for key in COLUMNS]


if __name__ == "__main__":
    sys.exit(main())
