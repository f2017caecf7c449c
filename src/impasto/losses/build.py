"""From settings to an encoder and the loss that looks through it."""

from dataclasses import replace
from typing import TypeVar

from impasto.config.settings import LossSettings
from impasto.errors import InputError
from impasto.losses.perceptual import PerceptualLoss
from impasto.models.pretrained import default_weights, load_weights
from impasto.models.vgg import EncoderWeights, VGGEncoder

L = TypeVar("L", bound=LossSettings)


def resolve_encoder(settings: L) -> tuple[L, EncoderWeights]:
    """The settings with encoder and layers filled in, and the encoder: as named, or at hand."""
    weights = default_weights() if settings.encoder is None else load_weights(settings.encoder)
    content_layers, style_layers = weights.default_layers
    return replace(
        settings,
        encoder=settings.encoder or weights.name,
        content_layers=settings.content_layers or content_layers,
        style_layers=settings.style_layers or style_layers,
    ), weights


def build_loss(
    settings: LossSettings, weights: EncoderWeights, *, damped: bool = False
) -> PerceptualLoss:
    """The loss of either method, by settings that name the layers; its style is yet to be set.

    `damped` is for a style an image, see `PerceptualLoss`.

    Raises:
        InputError: a layer that the encoder lacks, or not one weight a layer.
    """
    content = layer_weights(settings.content_layers, settings.content_layer_weights)
    style = layer_weights(settings.style_layers, settings.style_layer_weights)
    encoder = VGGEncoder(weights=weights, layers=[*content, *style])
    return PerceptualLoss(
        encoder=encoder,
        content_layers=content,
        style_layers=style,
        content_weight=settings.content_weight,
        style_weight=settings.style_weight,
        tv_weight=settings.tv_weight,
        content_match=settings.content_match,
        loss_scale=settings.loss_scale,
        damped=damped,
        projections=encoder.projections,
    )


def layer_weights(layers: list[str] | None, weights: list[float] | None) -> dict[str, float]:
    """{layer: weight}, 1 each unless given. Raises InputError if they are not as many as layers."""
    layers = layers or []
    if weights is not None and len(weights) != len(layers):
        names = ", ".join(layers)
        raise InputError(
            f"{len(weights)} weights for {len(layers)} layers ({names}): give one each"
        )
    return dict(zip(layers, weights or [1.0] * len(layers), strict=True))
