"""What a run learns from, and the module that learns it."""

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.config.settings import RunSettings, TrainSettings
from impasto.data.locate import find_photos, find_style, style_name
from impasto.data.tensors import to_tensor
from impasto.errors import InputError
from impasto.files import sha256_of
from impasto.images.io import load_image
from impasto.inference.hub import find_model
from impasto.losses.build import build_loss, resolve_encoder
from impasto.models.designs import build_net
from impasto.models.vgg import EncoderWeights
from impasto.training.budget import Budget
from impasto.training.module import StyleTransferModule
from impasto.training.warm_start import initialise

# What a style starts from, the first that is here and has the settings' shape, or at random.
STARTS = {"any": (16, "fast", "nearest"), "base": (16, "light", "nearest")}
NONE = "none"
MINUTES = 30.0  # unless steps are to end the run

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainingInputs:
    """Everything a run reads, found, and the settings with every default filled in."""

    settings: TrainSettings
    style: Tensor  # (1, 3, H, W) in [0,1]
    style_sha256: str
    photos: list[Path]
    weights: EncoderWeights


def resolve(settings: TrainSettings) -> TrainingInputs:
    """Find what the settings name, or what stands in for what they leave open, and log that.

    Args:
        settings: as given; anything named explicitly is never replaced by something else.

    Raises:
        InputError: something named is not there or cannot be used.
    """
    style_path = find_style(settings.style)
    photos, photos_name = find_photos(settings.photos)
    settings, weights = resolve_encoder(settings)
    name = settings.name or style_name(style_path)
    minutes = settings.minutes or (None if settings.steps else MINUTES)
    resolved = replace(
        settings,
        name=name,
        minutes=minutes,
        init=settings.init or _init(settings),
        photos=photos_name,
        output_dir=settings.output_dir or str(Path("checkpoints") / name),
    )
    return TrainingInputs(
        settings=resolved,
        style=to_tensor(load_image(style_path, short_side=settings.style_size)),
        style_sha256=sha256_of(style_path),
        photos=photos,
        weights=weights,
    )


def _init(settings: TrainSettings) -> str:
    shape = (settings.width, settings.design, settings.upsampling)
    for name in (name for name, its in STARTS.items() if its == shape):
        with suppress(InputError):
            find_model(name)
            return name
    logger.info(
        "no network to start from has this --width, --design and --upsampling: starting at random, "
        "which takes many more steps"
    )
    return NONE


def build_module(sources: TrainingInputs) -> StyleTransferModule:
    """The network, new or initialised, and the loss that it learns by.

    Raises:
        InputError: a network to begin with that does not exist or does not fit.
    """
    settings = sources.settings
    loss = build_loss(settings, sources.weights).to(memory_format=torch.channels_last)
    loss.set_style(sources.style)
    net = build_net(design=settings.design, width=settings.width, upsampling=settings.upsampling)
    if settings.init not in (None, NONE):
        painting = sources.style[0].permute(1, 2, 0).numpy()
        initialise(net, str(settings.init), painting=painting, short_side=settings.style_size)
    return StyleTransferModule(
        net=net.to(memory_format=torch.channels_last),
        loss=loss,
        grid_weight=settings.grid_weight,
        stability_weight=settings.stability_weight,
        **learning(settings),
    )


def learning(settings: RunSettings) -> dict[str, Any]:
    """What the settings of any run say to a `LearningModule`."""
    return {
        "budget": Budget(steps=settings.steps, minutes=settings.minutes),
        "optimizer": settings.optimizer,
        "lr": settings.lr,
        "warmup": settings.warmup,
        "schedule": settings.schedule,
        "shift": settings.random_shift,
    }
