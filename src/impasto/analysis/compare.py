"""How many iterations of Gatys' method a network matches (Johnson et al. 2016, Fig. 5, Table 1).

Johnson's protocol: L-BFGS from white noise, projected (the picture is clipped inside the closure,
before the loss is evaluated), no line search, at most 500 iterations; judged by the very loss that
the network was trained on, or by that of a preset.
"""

import json
import logging
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from impasto.analysis.curves import draw_comparison
from impasto.analysis.iterations import in_words, summarize
from impasto.analysis.match import find_match
from impasto.analysis.numbers import write_record
from impasto.analysis.pictures import find_photographs
from impasto.analysis.progress import Tick, portion, silent
from impasto.analysis.tables import to_markdown
from impasto.analysis.training_loss import load_training_loss
from impasto.config.analysis import CompareSettings
from impasto.errors import InputError
from impasto.files import sha256_of
from impasto.images.io import load_image
from impasto.inference.stylizer import Stylizer
from impasto.system import find_device, processor_name

logger = logging.getLogger(__name__)

SIZES = (256.0, 512.0)
SMALLEST = 32  # pixels: little is left of less after the poolings of a VGG
FREE = {"photos", "limit", "sizes", "output"}
FREE |= {"model", "style", "encoder", "preset"}  # told by SHA-256 and by what the loss is made of
Job = tuple[Path, str, int]  # photograph, its SHA-256, short side


def run(settings: CompareSettings, *, tick: Tick = silent) -> dict[str, Any]:
    """Compare on every photograph at every size; returns and writes all that was found.

    Writes compare.json, compare.md and compare.png after every photograph. What a compare.json in
    the folder holds already is not done again.

    Raises:
        InputError: something named is not there, or not what the network was trained with, or the
            folder holds a comparison with other settings.
    """
    device = find_device(settings.accelerator)
    stylizer = Stylizer(settings.model, threads=torch.get_num_threads(), backend="onnxruntime")
    trained = load_training_loss(
        stylizer, style=settings.style, encoder=settings.encoder, preset=settings.preset
    )
    trained.loss.to(device)
    about = {"model": stylizer.name, "model_sha256": sha256_of(stylizer.path), **trained.about}
    folder = Path(settings.output)
    record = _open(folder, settings, about, machine=_machine(device))
    jobs = _missing(settings, record["results"])
    _save(record, folder)
    if record["results"]:
        logger.info("%s has %d results, %d more follow", folder, len(record["results"]), len(jobs))
    done, pixels = 0, sum(size**2 for _, _, size in jobs)
    for photo, sha256, size in jobs:
        result = find_match(
            load_image(photo, short_side=size),
            stylize=stylizer,
            loss=trained.loss,
            start=settings.start,
            iterations=settings.iterations,
            seed=settings.seed,
            tick=portion(tick, done, pixels, size=size**2, name=f"{photo.stem} {size} px"),
        )
        told = {"photo": photo.name, "sha256": sha256, "size": size, **asdict(result)}
        record["results"].append(told)
        done += size**2
        logger.info("%s at %d px: %s", photo.name, size, in_words(result.matches))
        _save(record, folder)
    return record


def _missing(settings: CompareSettings, results: list[dict[str, Any]]) -> list[Job]:
    have = {(result["sha256"], result["size"]) for result in results}
    photos = find_photographs(settings.photos, limit=settings.limit)
    sizes = [round(size) for size in settings.sizes or SIZES]
    if min(sizes) < SMALLEST:
        raise InputError(f"--sizes {min(sizes)} is too small: give at least {SMALLEST} pixels")
    jobs = [(photo, sha256_of(photo), size) for photo in photos for size in sizes]
    return [job for job in jobs if job[1:] not in have]


def _open(
    folder: Path, settings: CompareSettings, about: dict[str, Any], *, machine: str
) -> dict[str, Any]:
    """A record that begins with the results that the folder holds, if it holds any."""
    protocol = {key: value for key, value in asdict(settings).items() if key not in FREE}
    record = {
        "study": "compare",
        "protocol": protocol,
        "trained": about,
        "machine": machine,
        "versions": {name: version(name) for name in ("impasto", "torch", "onnxruntime")},
        "summary": [],
        "results": [],
    }
    path = folder / "compare.json"
    if not path.is_file():
        return record
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        was, results = _identity(saved), [_renamed(result) for result in saved["results"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not a comparison made by impasto: name another --output"
        ) from error
    now = _identity(record)
    other = [
        f"{key} {was.get(key)} there, {now[key]} here" for key in now if was.get(key) != now[key]
    ]
    if other:
        raise InputError(
            f"{folder} holds a comparison with other settings ({'; '.join(other)}): "
            "name another --output"
        )
    return record | {"results": results}


def _renamed(result: dict[str, Any]) -> dict[str, Any]:
    """A result whose number of iterations may have the name that impasto 0.1 gave it."""
    return {"matches": result["worth"], **result} if "worth" in result else result


def _identity(record: dict[str, Any]) -> dict[str, Any]:
    """What two halves of a comparison must have in common, seconds being part of it."""
    return {**record["protocol"], **record["trained"], "machine": record["machine"]}


def _machine(device: torch.device) -> str:
    gpu = f"{torch.cuda.get_device_name()}, " if device.type == "cuda" else ""
    return gpu + processor_name()


def _save(record: dict[str, Any], folder: Path) -> None:
    sizes = sorted({result["size"] for result in record["results"]})
    record["summary"] = [summarize(record["results"], size=size) for size in sizes]
    write_record(folder / "compare.json", record, text=to_markdown(record))
    if record["results"]:
        draw_comparison(record, folder / "compare.png")
