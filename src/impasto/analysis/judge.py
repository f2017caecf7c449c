"""How much of a photograph pictures keep, and how far their style is off, whoever made them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from impasto.analysis.contenders import ITSELF, Contender, find_contenders
from impasto.analysis.figures import draw_sheet
from impasto.analysis.numbers import write_record
from impasto.analysis.pictures import align, find_photographs
from impasto.analysis.progress import Tick, portion, silent
from impasto.analysis.tables import verdicts_to_markdown
from impasto.analysis.verdict import PAINTING_SIDE, Judge
from impasto.config.analysis import JudgeSettings
from impasto.config.settings import LossSettings
from impasto.data.locate import find_style
from impasto.errors import InputError
from impasto.files import sha256_of
from impasto.images.io import RGB, load_image
from impasto.losses.build import resolve_encoder
from impasto.models.vgg import EncoderWeights
from impasto.system import find_device

CELL = 3.0  # inches, in which faces can be told


def run(settings: JudgeSettings, *, tick: Tick = silent) -> dict[str, Any]:
    """Judge photographs and all that was made of them; returns and writes what was found.

    Writes judge.json and judge.md after every photograph, judge.jpg at the end.

    Raises:
        InputError: something named is not there or cannot be used, or the encoder lacks a layer.
    """
    photos = _photographs(settings)
    path = find_style(settings.style)
    painting = load_image(path, short_side=PAINTING_SIDE)
    found, weights = resolve_encoder(LossSettings(encoder=settings.encoder))
    judge = Judge(weights=weights, painting=painting, device=find_device(settings.accelerator))
    contenders = find_contenders(settings, photos, encoder=str(found.encoder))
    record = _begin(settings, painting=path, weights=weights)
    sheet: list[dict[str, RGB]] = []
    for done, photo in enumerate(photos):
        image = load_image(photo, short_side=settings.size)
        part = portion(tick, done, len(photos), name=photo.stem)
        pictures, notes = _make(contenders, photo, image, tick=part)
        seen = judge.look(image)
        verdicts = {name: asdict(judge(judge.look(made), seen)) for name, made in pictures.items()}
        told = {name: each | {"note": notes.get(name)} for name, each in verdicts.items()}
        record["photos"].append({"photo": photo.name, "verdicts": told})
        _save(record, Path(settings.output))
        sheet.append(pictures)
    _draw(sheet, record, painting=painting, path=Path(settings.output) / "judge.jpg")
    return record


def _photographs(settings: JudgeSettings) -> list[Path]:
    photos = find_photographs(settings.photos, limit=settings.limit)
    stems = [photo.stem for photo in photos]
    for stem in stems:
        if stems.count(stem) > 1:  # files of pictures are known by it
            raise InputError(f"two photographs are called {stem}: rename one")
    return photos


def _begin(settings: JudgeSettings, *, painting: Path, weights: EncoderWeights) -> dict[str, Any]:
    return {
        "study": "judge",
        "encoder": weights.name,
        "encoder_sha256": weights.sha256,
        "style": painting.name,
        "style_sha256": sha256_of(painting),
        "style_size": PAINTING_SIDE,
        "size": settings.size,
        "mean": {},
        "photos": [],
    }


def _make(
    contenders: Sequence[Contender], photo: Path, image: RGB, *, tick: Tick
) -> tuple[dict[str, RGB], dict[str, str]]:
    """All pictures of a photograph by name, itself first, and the notes on some."""
    pictures, notes = {ITSELF: image}, {}
    for done, contender in enumerate(contenders):
        part = portion(tick, done, len(contenders))
        part(0, 1, contender.names[0])
        made = contender.make(photo, image, part)
        for name, picture in zip(contender.names, made, strict=True):
            pictures[name], note = align(picture, image, of=f"{name} of {photo.name}")
            if note:
                notes[name] = note
    return pictures, notes


def _save(record: dict[str, Any], folder: Path) -> None:
    rows = [photo["verdicts"] for photo in record["photos"]]
    record["mean"] = {
        name: {key: fmean(row[name][key] for row in rows) for key in ("kept", "style_error")}
        for name in rows[0]
    }
    write_record(folder / "judge.json", record, text=verdicts_to_markdown(record))


def _draw(
    sheet: Sequence[dict[str, RGB]], record: dict[str, Any], *, painting: RGB, path: Path
) -> None:
    columns = [
        [record["style"], *(f"{n}\n{v['kept']:.2f} at {v['style_error']:.3f}" for n, v in told)]
        for told in (photo["verdicts"].items() for photo in record["photos"])
    ]
    draw_sheet(
        [[painting, *pictures.values()] for pictures in sheet],
        rows=[photo["photo"] for photo in record["photos"]],
        columns=columns,
        title=f"kept at style error, by {record['encoder']}",
        path=path,
        side=CELL,
    )
