"""The networks of gpu.py: train.py's own run, or train-any's, then a sheet of what they draw."""

import json
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from pieces import Note, UnfinishedError
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from impasto.cli import train, train_any
from impasto.config.parser import parse
from impasto.config.settings import TrainAnySettings, TrainSettings
from impasto.data.locate import style_name
from impasto.images.io import RGB, contact_sheet, find_images, load_image, sample_photos, save_image
from impasto.inference.any_style import ANY, AnyStyle
from impasto.inference.stylizer import Stylizer

RESERVE = 30  # s: loading before the first step; export, sheet and report after the last one
SHEET_SIDE = 320  # pixels, of its pictures' short sides
# Checkpoints bring an export each, of seconds; previews are drawn once more at the end.
SELDOM = ["--checkpoint-every", "1000000", "--checkpoint-minutes", "2"]
SELDOM += ["--preview-every", "1000000"]
MINIATURE = ["--image-size", "32", "--style-size", "32", "--width", "4", "--init", "none"]
MINIATURE += ["--steps", "2"]
MINIATURE_ANY = ["--image-size", "32", "--width", "2", "--batch-size", "2", "--steps", "2"]
SHOWN = 6  # paintings on the sheet of a network for any, of those that it has not seen


def learn(
    note: Note, *, painting: Path, folder: Path, flags: list[str], minutes: float, deadline: float
) -> None:
    """Learn a painting, or go on learning it, and write its .onnx and sheet.

    Args:
        note: gets steps, minutes, terms, speed and where the files are.
        painting: a file.
        folder: of the run.
        flags: of train.py, beside its default settings.
        minutes: it may learn, if so many are left.
        deadline: time.time() at which everything is to be done.

    Raises:
        UnfinishedError: it was stopped before its time was up.
        InputError: as train.py.
    """
    if not note.values.get("learned"):
        begun = ["--style", str(painting), "--name", style_name(painting), *flags]
        given = _flags(folder, begun, minutes, deadline)
        settings = parse(TrainSettings, given, description="")
        if train.learn(settings):
            draw(folder, painting)
            raise UnfinishedError
        note(learned=True)
    _finish(note, draw(folder, painting), folder)


def learn_any(
    note: Note, *, paintings: str, folder: Path, flags: list[str], minutes: float, deadline: float
) -> None:
    """Learn a network for any painting, or go on with it, and write its files and sheet.

    Args:
        note: as `learn`.
        paintings: a folder.
        folder: of the run.
        flags: of train-any, beside its default settings.
        minutes: it may learn, if so many are left.
        deadline: time.time() at which everything is to be done.

    Raises:
        UnfinishedError: it was stopped before its time was up.
        InputError: as train-any.
    """
    if not note.values.get("learned"):
        given = _flags(folder, ["--paintings", paintings, *flags], minutes, deadline)
        settings = parse(TrainAnySettings, given, description="")
        if train_any.learn(settings):
            raise UnfinishedError
        note(learned=True)
    _finish(note, draw_any(folder, Path(paintings)), folder)


def _finish(note: Note, drawn: dict[str, Any], folder: Path) -> None:
    note(**drawn, **speeds(folder / "logs"))
    if torch.cuda.is_initialized():
        note(peak_gib=round(torch.cuda.max_memory_allocated() / 2**30, 2))


def _flags(folder: Path, begun: list[str], minutes: float, deadline: float) -> list[str]:
    config = folder / "config.yaml"
    if config.is_file():  # a run goes on with the settings it began with
        return ["--config", str(config)]
    left = (deadline - time.time() - RESERVE) / 60
    flags = [*SELDOM, *begun, "--minutes", f"{max(0.01, min(minutes, left)):.2f}"]
    return ["--output-dir", str(folder), *flags]


def draw(folder: Path, painting: Path, *, side: int = SHEET_SIDE) -> dict[str, Any]:
    """The sheet, from the file as anybody opens it; what the file says of itself."""
    name = style_name(painting)
    stylizer = Stylizer(folder / f"{name}.onnx", backend="onnxruntime")
    photos = [load_image(path, short_side=side) for path in sample_photos()]
    first = load_image(painting, short_side=side)
    rows = [[first, *photos], [np.ones_like(first), *map(stylizer, photos)]]
    save_image(contact_sheet(rows), folder / f"{name}.jpg", quality=85)
    return _told(stylizer, folder)


def draw_any(folder: Path, paintings: Path, *, side: int = SHEET_SIDE) -> dict[str, Any]:
    """The sheet of a network for any painting; what its file says of itself."""
    network = AnyStyle(folder / f"{ANY}.onnx")
    stylizer = Stylizer(network.path, backend="onnxruntime")
    held = json.loads(stylizer.metadata["held_out"])
    shown = [paintings / name for name in held] or find_images(paintings)
    photos = [load_image(path, short_side=side) for path in sample_photos()]

    def row(painting: RGB) -> list[RGB]:
        drawing = Stylizer(network.model(network.vector(painting)), backend="onnxruntime")
        return [painting, *map(drawing, photos)]

    rows = [row(load_image(path, short_side=side)) for path in shown[:SHOWN]]
    blank = [np.ones_like(rows[0][0]), *photos]
    save_image(contact_sheet([blank, *rows]), folder / f"{ANY}.jpg", quality=85)
    return _told(stylizer, folder)


def _told(stylizer: Stylizer, folder: Path) -> dict[str, Any]:
    about = stylizer.metadata
    kept = {key: about[key] for key in ("steps", "minutes", "encoder", "encoder_sha256")}
    return kept | {
        "terms": json.loads(about["loss"]),
        "onnx": f"{folder.name}/{stylizer.path.name}",
    }


def speeds(logs: Path) -> dict[str, float | None]:
    """Means over the run, of what the callback `Monitor` logged, the first entry left out."""
    events = EventAccumulator(str(logs), size_guidance={"scalars": 0}).Reload()
    found: dict[str, float | None] = {}
    for key in ("images_per_second", "waiting_for_data"):
        tag = f"speed/{key}"
        known = events.Tags()["scalars"]
        values = [event.value for event in events.Scalars(tag)[1:]] if tag in known else []
        found[key] = round(fmean(values), 3) if values else None
    return found
