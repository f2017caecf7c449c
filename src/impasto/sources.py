"""What a run learns from: names and embedded defaults become files, and say which they became."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from impasto.encoders import default_weights, load_weights
from impasto.errors import InputError
from impasto.files import sha256_of
from impasto.images import SUFFIXES, find_images, load_image, sample_photos
from impasto.losses import PerceptualLoss
from impasto.settings import LossSettings, TrainSettings
from impasto.styles import find_model
from impasto.tensors import to_tensor
from impasto.vgg import EncoderWeights, VGGEncoder

BASE, BASE_DESIGN = "base", (16, "light", "nearest")  # what every style starts from
NONE = "none"  # or at random
MINUTES = 30.0  # unless steps are to end the run
L = TypeVar("L", bound=LossSettings)

COCO = Path("data/coco/train2014")
SAMPLES = "samples"  # what `photos` says when the bundled photographs are meant
GET_COCO = "`make coco` fetches 82,783 photographs (13 GB) to data/coco/train2014"


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Everything a run reads, found, and the settings with every default filled in."""

    settings: TrainSettings
    style: Tensor  # (1, 3, H, W) in [0,1]
    style_sha256: str
    photos: list[Path]
    weights: EncoderWeights


def resolve(settings: TrainSettings, *, say: Callable[[str], object]) -> Sources:
    """Find what the settings name, or what stands in for what they leave open.

    Args:
        settings: as given; anything named explicitly is never replaced by something else.
        say: takes a plain line for every choice that was made for the user.

    Raises:
        InputError: something named is not there or cannot be used.
    """
    style_path = find_style(settings.style)
    photos, photos_name = _photos(settings.photos, say=say)
    settings, weights = resolve_encoder(settings, say=say)
    name = settings.name or style_name(style_path)
    minutes = settings.minutes or (None if settings.steps else MINUTES)
    resolved = replace(
        settings,
        name=name,
        minutes=minutes,
        init=settings.init or _init(settings, say=say),
        photos=photos_name,
        output_dir=settings.output_dir or str(Path("checkpoints") / name),
    )
    return Sources(
        settings=resolved,
        style=to_tensor(load_image(style_path, short_side=settings.style_size)),
        style_sha256=sha256_of(style_path),
        photos=photos,
        weights=weights,
    )


def find_style(name: str) -> Path:
    """A painting: a file, or a name, with or without suffix, in data/styles.

    Raises:
        InputError: neither; lists the names there are.
    """
    path = Path(name)
    if path.exists():
        return path
    folders = [Path("data/styles"), Path(__file__).parents[2] / "data" / "styles"]
    found = [file for folder in folders if folder.is_dir() for file in find_images(folder)]
    for file in found:
        if name in (file.name, file.stem):
            return file
    names = ", ".join(sorted({file.name for file in found})) or "nothing"
    raise InputError(
        f"no painting {name!r}: give an image file, or a name in data/styles ({names})"
    )


def style_name(path: Path) -> str:
    """What a style is called unless somebody says: the painting's name, fit to name files."""
    return re.sub(r"[^\w.-]+", "_", path.stem)


def resolve_encoder(settings: L, *, say: Callable[[str], object]) -> tuple[L, EncoderWeights]:
    """The settings with an encoder and its taps, and the encoder: as named, or the one at hand."""
    if settings.encoder is None:
        weights, line = default_weights()
        say(line)
    else:
        weights = load_weights(settings.encoder)
    content_layers, style_layers = weights.default_layers
    return replace(
        settings,
        encoder=settings.encoder or weights.name,
        content_layers=settings.content_layers or content_layers,
        style_layers=settings.style_layers or style_layers,
    ), weights


def build_loss(settings: LossSettings, weights: EncoderWeights) -> PerceptualLoss:
    """The loss of either method, by settings that name the taps; its style is yet to be set.

    Raises:
        InputError: a tap that the encoder lacks, or not one weight a tap.
    """
    content = layer_weights(settings.content_layers, settings.content_layer_weights)
    style = layer_weights(settings.style_layers, settings.style_layer_weights)
    encoder = VGGEncoder(weights=weights, taps=[*content, *style])
    return PerceptualLoss(
        encoder=encoder,
        content_layers=content,
        style_layers=style,
        content_weight=settings.content_weight,
        style_weight=settings.style_weight,
        tv_weight=settings.tv_weight,
        content_match=settings.content_match,
        normalization=settings.normalization,
        lifts=encoder.projections,
    )


def layer_weights(layers: list[str] | None, weights: list[float] | None) -> dict[str, float]:
    """{tap: weight}, 1 each unless given. Raises InputError if they are not as many as taps."""
    layers = layers or []
    if weights is not None and len(weights) != len(layers):
        taps = ", ".join(layers)
        raise InputError(f"{len(weights)} weights for {len(layers)} taps ({taps}): give one each")
    return dict(zip(layers, weights or [1.0] * len(layers), strict=True))


def _init(settings: TrainSettings, *, say: Callable[[str], object]) -> str:
    """`base`, unless it is not here or has another shape: then `none`."""
    try:
        find_model(BASE)
    except InputError:
        say("no base network here: starting at random, which takes many more steps")
        return NONE
    if (settings.width, settings.design, settings.upsampling) != BASE_DESIGN:
        say("the base network has another --width, --design or --upsampling: starting at random")
        return NONE
    return BASE


def _photos(folder: str | None, *, say: Callable[[str], object]) -> tuple[list[Path], str]:
    if folder is None and COCO.is_dir():
        folder = str(COCO)
        say(f"photographs: COCO in {COCO}")
    if folder is None or folder == SAMPLES:
        photos = sample_photos()
        if folder is None:
            say(
                f"COCO not found: learning from {len(photos)} sample photographs, fine for a try; "
                "`make coco` fetches it"
            )
        return photos, SAMPLES
    photos = find_images(folder)
    if not photos:
        kinds = ", ".join(sorted(SUFFIXES))
        raise InputError(f"no photographs in {folder} or below it (looked for {kinds}): {GET_COCO}")
    return photos, folder
