"""How good are a style's pictures? Loss terms, Gatys iterations matched, artifacts.

    python benchmarks/quality.py starry starry_night --photos photos/val --iterations 100

prints a row a style: the loss terms under its own loss, N of "matches N iterations of Gatys" (mean
over the photographs; left out without --iterations), the two numbers of impasto.analysis.verdict at
474 px and by which encoder, and the probes of impasto.analysis.artifacts, all but loss and N as
means over the stylized pictures and, in brackets, over the same photographs.
"""

import sys
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

import torch
from tqdm import tqdm

from impasto.analysis.artifacts import PROBES
from impasto.analysis.iterations import summarize
from impasto.analysis.match import evaluate, find_match
from impasto.analysis.pictures import find_photographs
from impasto.analysis.training_loss import load_training_loss
from impasto.analysis.verdict import PAINTING_SIDE, Judge
from impasto.config.analysis import JudgeSettings
from impasto.config.parser import Settings, parse, setting
from impasto.config.settings import LossSettings
from impasto.data.tensors import to_tensor
from impasto.errors import InputError
from impasto.images.io import RGB, load_image
from impasto.inference.stylizer import Stylizer
from impasto.losses.build import resolve_encoder
from impasto.losses.perceptual import TERMS
from impasto.models.vgg import EncoderWeights
from impasto.system import keep_freed_memory, processor_name

JUDGED = ("judge", "kept", "style error")


@dataclass(frozen=True, kw_only=True)
class QualitySettings(Settings):
    """What this benchmark takes."""

    models: list[str] = field(
        default_factory=list,
        metadata={"help": "styles: NAME in checkpoints/ or FILE.onnx [starry]", "positional": True},
    )
    style: str | None = setting(None, "the painting, for one model [where its file says it was]")
    encoder: str | None = setting(None, "its encoder [looked for, by SHA-256]")
    preset: str | None = setting(None, "YAML of train.py: under its loss, by any --encoder")
    judge: str | None = setting(None, "the judge's encoder, as in train.py [VGG-16 if at hand]")
    photos: list[str] | None = setting(None, "photographs or folders of them [the samples]")
    limit: int = setting(12, "photographs at most", least=1)
    size: int = setting(256, "short side, pixels", least=64)
    iterations: int = setting(0, "of Gatys' method at most; 0: no N", least=0)


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    try:
        settings = parse(QualitySettings, argv, description=str(__doc__))
        paths = find_photographs(settings.photos, limit=settings.limit)
        photos = [load_image(path, short_side=settings.size) for path in paths]
        large = [load_image(path, short_side=JudgeSettings.size) for path in paths]
        _, weights = resolve_encoder(LossSettings(encoder=settings.judge))
        keep_freed_memory()
        print(f"{len(photos)} photographs at {settings.size} px, {processor_name()}\n")
        names = ["style", *TERMS, *(["matches N"] if settings.iterations else [])]
        names += [*JUDGED, *PROBES]
        print("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")
        for model in settings.models or ["starry"]:
            cells = row(model, photos, settings, large=large, weights=weights)
            print("| " + " | ".join(cells) + " |", flush=True)
    except InputError as error:
        print(f"quality.py: {error}", file=sys.stderr)
        return 2
    return 0


def row(
    model: str,
    photos: list[RGB],
    settings: QualitySettings,
    *,
    large: list[RGB],
    weights: EncoderWeights,
) -> list[str]:
    """The cells of one style; `large` and `weights` are for the judge."""
    stylizer = Stylizer(model, backend="onnxruntime")
    trained = load_training_loss(
        stylizer, style=settings.style, encoder=settings.encoder, preset=settings.preset
    )
    loss = trained.loss
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
            find_match(photo, stylize=stylizer, loss=loss, iterations=settings.iterations)
            for photo in bar
        ]
        summary = summarize(
            [asdict(result) | {"size": settings.size} for result in results], size=settings.size
        )
        cells.append(in_words(summary))
    painting = load_image(trained.painting, short_side=PAINTING_SIDE)
    cells += [weights.name, *judged(stylizer, large, Judge(weights=weights, painting=painting))]
    for probe in PROBES.values():
        ours = fmean(probe(ours, photo) for ours, photo in zip(pictures, photos, strict=True))
        cells.append(f"{ours:.3g} ({fmean(probe(photo, photo) for photo in photos):.3g})")
    return cells


def judged(stylizer: Stylizer, photos: list[RGB], judge: Judge) -> tuple[str, str]:
    """How much is kept, and the style error, in brackets that of the photographs."""
    ours, theirs = [], []
    for photo in photos:
        seen = judge.look(photo)
        theirs.append(judge(seen, seen).style_error)
        ours.append(judge(judge.look(stylizer(photo)), seen))
    error = fmean(each.style_error for each in ours)
    return f"{fmean(each.kept for each in ours):.3f}", f"{error:.3f} ({fmean(theirs):.3f})"


def in_words(summary: dict[str, Any]) -> str:
    """Mean, least and most of N, and how many photographs count otherwise, or not at all."""
    matches = summary["matches"]
    if matches is None:
        return "none"
    others = {"never_reached": "never reached", "stalled_or_diverged": "stalled or diverged"}
    more = "".join(f", {summary[key]} {words}" for key, words in others.items() if summary[key])
    return f"{matches['mean']:.0f} ({matches['least']}..{matches['most']}{more})"


if __name__ == "__main__":
    sys.exit(main())
