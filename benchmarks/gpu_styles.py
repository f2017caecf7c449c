"""The styles of gpu.py: train.py's own run, then a sheet of what it makes of the samples."""

import json
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from pieces import Note, UnfinishedError
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from impasto.cli import train
from impasto.config.parser import parse
from impasto.config.settings import TrainSettings
from impasto.data.locate import style_name
from impasto.images.io import contact_sheet, load_image, sample_photos, save_image
from impasto.inference.stylizer import Stylizer

RESERVE = 30  # s: loading before the first step; export, sheet and report after the last one
SHEET_SIDE = 320  # pixels, of its pictures' short sides
# Checkpoints bring an export each, of seconds; previews are drawn once more at the end.
SELDOM = ["--checkpoint-every", "1000000", "--checkpoint-minutes", "2"]
SELDOM += ["--preview-every", "1000000"]
MINIATURE = ["--image-size", "32", "--style-size", "32", "--width", "4", "--init", "none"]
MINIATURE += ["--steps", "2"]


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
        given = _flags(painting, folder, flags, minutes, deadline)
        settings = parse(TrainSettings, given, description="")
        if train.learn(settings):
            draw(folder, painting)
            raise UnfinishedError
        note(learned=True)
    note(**draw(folder, painting), **speeds(folder / "logs"))
    if torch.cuda.is_initialized():
        note(peak_gib=round(torch.cuda.max_memory_allocated() / 2**30, 2))


def _flags(
    painting: Path, folder: Path, flags: list[str], minutes: float, deadline: float
) -> list[str]:
    config = folder / "config.yaml"
    if config.is_file():  # a run goes on with the settings it began with
        return ["--config", str(config)]
    left = (deadline - time.time() - RESERVE) / 60
    flags = [*SELDOM, *flags, "--minutes", f"{max(0.01, min(minutes, left)):.2f}"]
    where = ["--style", str(painting), "--output-dir", str(folder)]
    return [*where, "--name", style_name(painting), *flags]


def draw(folder: Path, painting: Path, *, side: int = SHEET_SIDE) -> dict[str, Any]:
    """The sheet, from the file as anybody opens it; what the file says of itself."""
    name = style_name(painting)
    stylizer = Stylizer(folder / f"{name}.onnx", backend="onnxruntime")
    photos = [load_image(path, short_side=side) for path in sample_photos()]
    first = load_image(painting, short_side=side)
    rows = [[first, *photos], [np.ones_like(first), *map(stylizer, photos)]]
    save_image(contact_sheet(rows), folder / f"{name}.jpg", quality=85)
    about = stylizer.metadata
    kept = {key: about[key] for key in ("steps", "minutes", "encoder", "encoder_sha256")}
    return kept | {"terms": json.loads(about["loss"]), "onnx": f"{folder.name}/{name}.onnx"}


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
