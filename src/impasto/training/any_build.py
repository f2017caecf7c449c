"""What a run for any painting learns from, and the module that learns it."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from impasto.config.settings import TrainAnySettings
from impasto.data.held_out import hold_out, read_titles
from impasto.data.locate import find_paintings, find_photos
from impasto.losses.build import build_loss, resolve_encoder
from impasto.models.any_style import build_any
from impasto.models.vgg import EncoderWeights
from impasto.training.any_module import AnyStyleModule
from impasto.training.build import NONE, learning
from impasto.training.warm_start import initialise_any

MINUTES = 480.0  # unless steps are to end the run

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AnyInputs:
    """Everything a run reads, found, and the settings with every default filled in."""

    settings: TrainAnySettings
    paintings: list[Path]  # to learn from
    held: list[Path]  # never learned from
    photos: list[Path]
    weights: EncoderWeights


def resolve_any(settings: TrainAnySettings) -> AnyInputs:
    """Find what the settings name, or what stands in for what they leave open, and log that.

    Args:
        settings: as given; anything named explicitly is never replaced by something else.

    Raises:
        InputError: something named is not there or cannot be used.
    """
    found = find_paintings(settings.paintings)
    titles = read_titles(Path(str(settings.paintings)))
    paintings, held = hold_out(found, titles, number=settings.hold_out)
    photos, photos_name = find_photos(settings.photos)
    settings, weights = resolve_encoder(settings)
    resolved = replace(
        settings,
        minutes=settings.minutes or (None if settings.steps else MINUTES),
        init=settings.init or NONE,
        photos=photos_name,
        output_dir=settings.output_dir or str(Path("checkpoints") / settings.name),
    )
    return AnyInputs(
        settings=resolved, paintings=paintings, held=held, photos=photos, weights=weights
    )


def build_any_module(sources: AnyInputs) -> AnyStyleModule:
    """The network, new or initialised, and the loss that it learns by.

    Raises:
        InputError: a run to go on from that does not exist or does not fit.
    """
    settings = sources.settings
    model = build_any(width=settings.width)
    if settings.init not in (None, NONE):
        initialise_any(model, str(settings.init))
    model.net.to(memory_format=torch.channels_last)
    loss = build_loss(settings, sources.weights, damped=True)
    return AnyStyleModule(
        model=model,
        loss=loss.to(memory_format=torch.channels_last),
        **learning(settings),
    )
