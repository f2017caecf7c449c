"""How good are a style's pictures? Loss terms, worth in iterations, artefacts.

    python benchmarks/quality.py starry starry_night --photos photos/val --iterations 100

prints a row a style: the loss terms under its own loss, N of "worth N iterations of Gatys" (mean
over the photographs; left out without --iterations), and the probes of impasto.study.probes, each
as its mean over the stylized pictures and, in brackets, over the same photographs.
"""

import sys
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

import torch
from tqdm import tqdm

from impasto.errors import InputError
from impasto.flags import Settings, parse, setting
from impasto.hardware import processor_name
from impasto.images import RGB, load_image
from impasto.losses import TERMS
from impasto.memory import keep_freed_memory
from impasto.runtime import Stylizer
from impasto.study.contest import contest, evaluate
from impasto.study.criterion import load_criterion
from impasto.study.pictures import find_photographs
from impasto.study.probes import PROBES
from impasto.study.worth import summarise
from impasto.tensors import to_tensor


@dataclass(frozen=True, kw_only=True)
class QualitySettings(Settings):
    """What this benchmark takes."""

    models: list[str] = field(
        default_factory=list,
        metadata={"help": "styles: NAME in checkpoints/ or FILE.onnx [starry]", "positional": True},
    )
    style: str | None = setting(None, "the painting, for one model [where its file says it was]")
    encoder: str | None = setting(None, "its encoder [looked for, by SHA-256]")
    photos: list[str] | None = setting(None, "photographs or folders of them [the samples]")
    limit: int = setting(12, "photographs at most", least=1)
    size: int = setting(256, "short side, pixels", least=64)
    iterations: int = setting(0, "of Gatys' method at most; 0: no N", least=0)


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    try:
        settings = parse(QualitySettings, argv, description=str(__doc__))
        photos = [
            load_image(path, short_side=settings.size)
            for path in find_photographs(settings.photos, limit=settings.limit)
        ]
        keep_freed_memory()
        print(f"{len(photos)} photographs at {settings.size} px, {processor_name()}\n")
        names = ["style", *TERMS, *(["worth N"] if settings.iterations else []), *PROBES]
        print("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")
        for model in settings.models or ["starry"]:
            print("| " + " | ".join(row(model, photos, settings)) + " |", flush=True)
    except InputError as error:
        print(f"quality.py: {error}", file=sys.stderr)
        return 2
    return 0


def row(model: str, photos: list[RGB], settings: QualitySettings) -> list[str]:
    """The cells of one style."""
    stylizer = Stylizer(model)
    loss = load_criterion(stylizer, style=settings.style, encoder=settings.encoder).loss
    loss.to(memory_format=torch.channels_last)
    pictures = [stylizer(photo) for photo in photos]
    terms = [
        evaluate(loss, to_tensor(picture), loss.content_target(to_tensor(photo)))
        for picture, photo in zip(pictures, photos, strict=True)
    ]
    cells = [stylizer.name, *(f"{fmean(term[name] for term in terms):.3f}" for name in TERMS)]
    if settings.iterations:
        bar = tqdm(photos, desc=stylizer.name, leave=False, disable=None)
        results = [
            contest(photo, stylize=stylizer, loss=loss, iterations=settings.iterations)
            for photo in bar
        ]
        summary = summarise(
            [asdict(result) | {"size": settings.size} for result in results], size=settings.size
        )
        cells.append(in_words(summary))
    for probe in PROBES.values():
        ours = fmean(probe(ours, photo) for ours, photo in zip(pictures, photos, strict=True))
        cells.append(f"{ours:.3g} ({fmean(probe(photo, photo) for photo in photos):.3g})")
    return cells


def in_words(summary: dict[str, Any]) -> str:
    """Mean, least and most of N, and how many photographs count otherwise, or not at all."""
    worth = summary["worth"]
    if worth is None:
        return "none"
    others = {"never_reached": "never reached", "stalled_or_diverged": "stalled or diverged"}
    more = "".join(f", {summary[key]} {words}" for key, words in others.items() if summary[key])
    return f"{worth['mean']:.0f} ({worth['least']}..{worth['most']}{more})"


if __name__ == "__main__":
    sys.exit(main())
