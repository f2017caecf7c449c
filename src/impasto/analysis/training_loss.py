"""The very loss that a style's file says it was trained on, or that of another preset."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from impasto.config.parser import parse
from impasto.config.presets import preset_words
from impasto.config.renamed import complete
from impasto.config.settings import LossSettings, TrainSettings
from impasto.data.locate import SAMPLES, find_style
from impasto.data.tensors import to_tensor
from impasto.errors import InputError
from impasto.files import sha256_of
from impasto.images.io import load_image
from impasto.inference.stylizer import Stylizer
from impasto.losses.build import build_loss
from impasto.losses.perceptual import PerceptualLoss
from impasto.models import caffe
from impasto.models.pretrained import load_weights
from impasto.models.vgg import EncoderWeights
from impasto.training.build import NONE, resolve

TOLD_OTHERWISE = {"encoder", "content_layer_weights", "style_layer_weights"}  # with the layers
NEEDED = ("settings", "encoder", "encoder_sha256", "style_sha256")


@dataclass(frozen=True, kw_only=True)
class TrainingLoss:
    """A loss whose style is set, and what it is made of, for the record."""

    loss: PerceptualLoss
    painting: Path
    about: dict[str, Any]


def load_training_loss(
    stylizer: Stylizer,
    *,
    style: str | None = None,
    encoder: str | None = None,
    preset: str | None = None,
) -> TrainingLoss:
    """Build the loss of a style's training again: same encoder, painting, layers and weights.

    The painting keeps the size it had in training, whatever the size of the photographs. The random
    shift of training, which is no part of the loss, is left out.

    Args:
        stylizer: its metadata is what train.py writes.
        style: the painting; None looks where it was.
        encoder: None looks where it was, and inside the package.
        preset: YAML of train.py with another loss and painting's size; `encoder` replaces its own.

    Raises:
        InputError: painting or encoder not found, or not the one of the training, by SHA-256.
    """
    settings = _settings(stylizer)
    path = _find_painting(stylizer, style or settings["style"])
    if preset is None:
        weights = _find_encoder(stylizer, settings["encoder"], encoder)
    else:
        settings, weights = _of_preset(preset, path, encoder)
    measure = {item.name: settings[item.name] for item in fields(LossSettings)}
    loss = build_loss(LossSettings(**measure), weights)
    loss.set_style(to_tensor(load_image(path, short_side=settings["style_size"])))
    about = {
        **({"preset": Path(preset).name} if preset else {}),
        "style": path.name,
        "style_sha256": stylizer.metadata["style_sha256"],
        "style_size": settings["style_size"],
        "encoder": weights.name,
        "encoder_sha256": weights.sha256,
        **_as_built(loss, measure),
    }
    return TrainingLoss(loss=loss, painting=path, about=about)


def _as_built(loss: PerceptualLoss, measure: dict[str, Any]) -> dict[str, Any]:
    """Settings of a loss in the form that it has them, if it does."""
    kept = {name: value for name, value in measure.items() if name not in TOLD_OTHERWISE}
    return {name: getattr(loss, name, value) for name, value in kept.items()}


def _settings(stylizer: Stylizer) -> dict[str, Any]:
    """What train.py was told, complete."""
    missing = [key for key in NEEDED if key not in stylizer.metadata]
    settings: Any = {}
    if not missing:
        with suppress(ValueError):
            settings = json.loads(stylizer.metadata["settings"])
        asked = ["style", "style_size", *(item.name for item in fields(LossSettings))]
        known = complete(settings) if isinstance(settings, dict) else {}
        missing = [key for key in asked if key not in known]
    if missing:
        raise InputError(
            f"{stylizer.path} does not say what it was trained on ({', '.join(missing)}): "
            "use a style made by impasto train"
        )
    return complete(settings)


def _of_preset(
    preset: str, painting: Path, encoder: str | None
) -> tuple[dict[str, Any], EncoderWeights]:
    """What train.py would make of a YAML: settings with all defaults, and the encoder."""
    given = parse(TrainSettings, preset_words("train", preset), description="")
    learned = replace(given, style=str(painting), photos=SAMPLES, init=NONE)  # no part of a loss
    sources = resolve(replace(learned, encoder=encoder or given.encoder))
    return asdict(sources.settings), sources.weights


def _find_painting(stylizer: Stylizer, name: str) -> Path:
    try:
        path = find_style(name)
        found = sha256_of(path)
    except (InputError, OSError) as error:
        raise InputError(
            f"the painting {name} that {stylizer.path} learned is not there: --style names it"
        ) from error
    wanted = stylizer.metadata["style_sha256"]
    if found != wanted:
        raise InputError(
            f"{path} (SHA-256 {found[:12]}) is not the painting that {stylizer.path} learned "
            f"(SHA-256 {wanted[:12]}): --style names that one"
        )
    return path


def _find_encoder(stylizer: Stylizer, was: str, given: str | None) -> EncoderWeights:
    name, wanted = stylizer.metadata["encoder"], stylizer.metadata["encoder_sha256"]
    if given is not None:
        weights = load_weights(given)
        if weights.sha256 == wanted:
            return weights
        raise InputError(
            f"--encoder {given} (SHA-256 {weights.sha256[:12]}) is not the {name} that "
            f"{stylizer.path} was trained with (SHA-256 {wanted[:12]}): name that one"
        )
    places = dict.fromkeys((was, "lite"))
    for place in places:
        try:
            weights = load_weights(place)
        except InputError as error:
            if place == caffe.NAME:  # the only place it can be, and how to get it
                raise InputError(
                    f"the encoder that {stylizer.path} was trained with is not here: {error}"
                ) from error
            continue
        if weights.sha256 == wanted:
            return weights
    raise InputError(
        f"the encoder {name} (SHA-256 {wanted[:12]}) that {stylizer.path} was trained with is none "
        f"of {', '.join(places)}: --encoder names it"
    )
