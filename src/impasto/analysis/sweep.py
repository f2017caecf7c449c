"""Two settings of Gatys' method, every combination: pictures side by side, and their losses."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from impasto.analysis.figures import draw_sheet
from impasto.analysis.numbers import write_csv
from impasto.analysis.pictures import find_photograph
from impasto.analysis.progress import Tick, portion, silent
from impasto.config.analysis import SweepSettings
from impasto.config.parser import parse
from impasto.config.settings import GatysSettings, LossSettings
from impasto.data.tensors import to_rgb
from impasto.errors import InputError
from impasto.gatys.multiscale import Lowest
from impasto.gatys.optimize import Progress
from impasto.gatys.stylizer import GatysStylizer
from impasto.losses.build import resolve_encoder
from impasto.losses.perceptual import TERMS

# Settings of files and of speech, which change no picture.
FIXED = {"photos", "style", "output", "overwrite", "quality", "threads", "log", "plot"}
FIXED |= {"print_every", "save_every"}


@dataclass(frozen=True, kw_only=True)
class Value:
    """A setting, a value of it, and how that was written."""

    name: str
    value: Any
    text: str

    def __str__(self) -> str:
        """As a label."""
        return f"{self.name}={self.text}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A combination and the picture with the lowest loss that it led to."""

    row: Value
    column: Value
    picture: Path
    best: Progress
    remark: str


def run(settings: SweepSettings, *, tick: Tick = silent) -> list[Cell]:
    """Paint one photograph with every combination; writes sweep.png, sweep.csv and the pictures.

    Raises:
        InputError: a setting or value that there is not, or whatever the painter refuses.
    """
    if len(settings.photos) > 1:
        raise InputError("sweep paints one photograph: name no second one")
    if settings.plot is not None:
        raise InputError(f"{settings.plot} is one plot for many pictures: use --log")
    rows = parse_values(settings.rows, flag="--rows")
    columns = parse_values(settings.columns, flag="--columns")
    photo = find_photograph(settings.photos[0] if settings.photos else None)
    painters = _painters(settings, rows, columns)
    folder, cells = Path(settings.output), list[Cell]()
    for row, column, painter in painters:
        part = portion(tick, len(cells), len(painters))
        picture = folder / f"{row}_{column}.png".replace("/", "-")
        best, remark = _paint(painter, photo, picture, tick=part)
        cells.append(Cell(row=row, column=column, picture=picture, best=best, remark=remark))
        write_csv(folder / "sweep.csv", [_numbers(cell) for cell in cells])
    pictures = [to_rgb(cell.best.image) for cell in cells]
    width = len(columns)
    draw_sheet(
        [pictures[start : start + width] for start in range(0, len(pictures), width)],
        rows=list(map(str, rows)),
        columns=[list(map(str, columns))],
        title=f"{photo.name}, {settings.style}",
        path=folder / "sweep.png",
    )
    return cells


def _painters(
    settings: SweepSettings, rows: Sequence[Value], columns: Sequence[Value]
) -> list[tuple[Value, Value, GatysStylizer]]:
    """All of them before the work, for one may refuse its settings."""
    if rows[0].name == columns[0].name:
        raise InputError(f"--rows and --columns are both {rows[0].name}: name two settings")
    found, _ = resolve_encoder(LossSettings(encoder=settings.encoder))
    painters = []
    for row, column in product(rows, columns):
        chosen = {"encoder": found.encoder, row.name: row.value, column.name: column.value}
        painters.append((row, column, GatysStylizer(replace(settings, **chosen))))
    return painters


def _paint(
    painter: GatysStylizer, photo: Path, picture: Path, *, tick: Tick
) -> tuple[Progress, str]:
    """The best picture, and why it ended early, if the loss exploded."""
    lowest = Lowest()

    def watch(now: Progress) -> None:
        lowest(now)
        doing = f"{picture.stem}, iteration {now.iteration}, loss {now.total:.4g}"
        tick(now.iteration, now.iterations, doing)

    remark = ""
    try:
        painter.paint(photo, picture, watch=watch)
    except InputError as error:
        if lowest.best is None:
            raise
        remark = str(error)
    assert lowest.best is not None
    return lowest.best, remark


def parse_values(words: Sequence[str] | None, *, flag: str) -> list[Value]:
    """A setting's name and values, read as `stylize.py` reads them; a list is written a,b,c.

    Raises:
        InputError: no such setting (lists those there are), no value, or a wrong one.
    """
    names = [item.name for item in fields(GatysSettings) if item.name not in FIXED]
    name, *texts = words or [""]
    name = name.replace("-", "_")
    if name not in names:
        raise InputError(f"{flag} {name!r} is not a setting: choose from {', '.join(names)}")
    if not texts:
        raise InputError(f"{flag} {name} has no values: write them after it")
    return [Value(name=name, value=_parse(name, text), text=text) for text in texts]


def _parse(name: str, text: str) -> Any:
    flag = f"--{name.replace('_', '-')}"
    kind = next(item.type for item in fields(GatysSettings) if item.name == name)
    argv = [flag, *text.split(",")] if "list" in str(kind) else [f"{flag}={text}"]
    return getattr(parse(GatysSettings, argv, description=""), name)


def _numbers(cell: Cell) -> dict[str, object]:
    named = {value.name: value.text for value in (cell.row, cell.column)}
    terms = {f"{term}_loss": getattr(cell.best, term) for term in TERMS}
    return {
        **named,
        **terms,
        "iteration": cell.best.iteration,
        "picture": cell.picture.name,
        "remark": cell.remark,
    }
