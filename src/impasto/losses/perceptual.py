"""The perceptual loss, written once and used by both methods.

Every term is a mean, so that a weight keeps its meaning when picture, batch or encoder grow:

=========  =====================================================================
content    mean over C, H, W of (F - P)^2                    F, P: features
style      mean over C x C of (G - A)^2                      G, A: Grams / (C*H*W)
tv         mean over C, H, W-1 of dx^2 + mean over C, H-1, W of dy^2
=========  =====================================================================

With `content_match` "structure" F and P are those of `impasto.losses.normalized_content`. Every
layer's summand is multiplied by a factor of `impasto.losses.scaling`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from impasto.losses.gram import at_least_float32, gram_matrix, projected_gram_matrix
from impasto.losses.normalized_content import as_contrasted, centered
from impasto.losses.scaling import LossScale, Term, loss_scale_factor
from impasto.models.vgg import Projection

ContentMatch = Literal["features", "structure"]
Features = dict[str, Tensor]
Encoder = Callable[[Tensor, Sequence[str]], Features]


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of features, an image at a time: (B, C, H, W) twice -> (B,)."""
    difference = at_least_float32(features) - at_least_float32(target)
    return difference.square().mean(dim=(1, 2, 3))


def style_loss(features: Tensor, target_gram: Tensor) -> Tensor:
    """Mean squared difference of Grams, an image at a time.

    Args:
        features: (B, C, H, W).
        target_gram: (1, C, C) or (B, C, C), from `gram_matrix`.

    Returns:
        (B,).
    """
    return gram_loss(gram_matrix(features), target_gram)


def gram_loss(gram: Tensor, target_gram: Tensor) -> Tensor:
    """`style_loss` of features whose Gram, (B, C, C), is there already: (B,)."""
    return (gram - target_gram).square().mean(dim=(1, 2))


def total_variation(images: Tensor) -> Tensor:
    """Mean squared difference of neighbors, down plus across: (B, C, H, W) -> (B,)."""
    images = at_least_float32(images)
    down = (images[..., 1:, :] - images[..., :-1, :]).square().mean(dim=(1, 2, 3))
    across = (images[..., :, 1:] - images[..., :, :-1]).square().mean(dim=(1, 2, 3))
    return down + across


class LossTerms(NamedTuple):
    """The weighted terms, scalars averaged over the batch; their sum is what is minimized."""

    content: Tensor
    style: Tensor
    tv: Tensor

    @property
    def total(self) -> Tensor:
        """Content + style + total variation."""
        return self.content + self.style + self.tv


TERMS = (*LossTerms._fields, "total")


class PerceptualLoss(nn.Module):
    """Content, style and total variation against one style image (Johnson et al. 2016, sec. 3.2).

    Set the style once with `set_style`; take the content target of each photograph with
    `content_target` and pass it to the call. The encoder is injected: any callable
    (images (B, 3, H, W) in [0,1], layers) -> {layer: (B, C, h, w)}.
    """

    def __init__(
        self,
        *,
        encoder: Encoder,
        content_layers: Mapping[str, float],
        style_layers: Mapping[str, float],
        content_weight: float = 1.0,
        style_weight: float = 1.0,
        tv_weight: float = 0.0,
        content_match: ContentMatch = "features",
        loss_scale: LossScale = "relative",
        damped: bool = False,
        projections: Mapping[str, Projection] | None = None,
    ) -> None:
        """Layers map a layer's name to its weight within the term.

        With `damped` each image's style error x counts as log(1 + x): where every image has
        another style, the few that are far off would drown the others.

        `projections` are an encoder's: the Gram of a style layer among them is computed from the
        projection's input, which gives the same number for a fraction of the work.
        """
        super().__init__()
        self.encoder = encoder
        self.content_layers = dict(content_layers)
        self.style_layers = dict(style_layers)
        self.content_weight = content_weight
        self.style_weight = style_weight
        self.tv_weight = tv_weight
        self.content_match: ContentMatch = content_match
        self.loss_scale: LossScale = loss_scale
        self.damped = damped
        found = (projections or {}).items()
        self._projections = {layer: each for layer, each in found if layer in style_layers}
        self._style_layers = [
            self._projections[t].source if t in self._projections else t for t in style_layers
        ]
        self._layers = list(dict.fromkeys([*self.content_layers, *self._style_layers]))

    @torch.no_grad()
    def set_style(self, style: Tensor, *, exact: bool = True) -> None:
        """Take the Grams of a style image, (1, 3, H, W) in [0,1], as targets.

        Or of a batch: (B, 3, H, W), a style for every image to be judged. Unless they are to be
        `exact`, autocast applies: where styles change at every step, their encoding is a third of
        the work.
        """
        enabled = torch.is_autocast_enabled(style.device.type) and not exact
        with torch.autocast(style.device.type, enabled=enabled):
            features = self.encoder(style, self._style_layers)
        for layer in self.style_layers:
            self.register_buffer(f"gram_{layer}", self._gram(features, layer), persistent=False)

    @torch.no_grad()
    def content_target(self, content: Tensor) -> Features:
        """What the content term wants of (B, 3, H, W) in [0,1]: features at the content layers."""
        features = self.encoder(content, list(self.content_layers))
        if self.content_match == "structure":
            return {layer: centered(feature) for layer, feature in features.items()}
        return features

    def forward(self, images: Tensor, content_target: Features) -> LossTerms:
        """Judge images, (B, 3, H, W) in [0,1], in one pass of the encoder.

        Raises:
            AttributeError: `set_style` was not called.
        """
        features = self.encoder(images, self._layers)
        content = images.new_zeros(())
        for layer, weight in self.content_layers.items():
            seen, target = features[layer], content_target[layer]
            if self.content_match == "structure":
                seen = as_contrasted(seen, target)
            loss = content_loss(seen, target)
            content = content + weight * (self._factor("content", target) * loss).mean()
        style = images.new_zeros(())
        for layer, weight in self.style_layers.items():
            gram = self.get_buffer(f"gram_{layer}")
            loss = self._factor("style", gram) * gram_loss(self._gram(features, layer), gram)
            style = style + weight * (loss.log1p() if self.damped else loss).mean()
        tv = total_variation(images).mean() if self.tv_weight else images.new_zeros(())
        return LossTerms(
            content=self.content_weight * content,
            style=self.style_weight * style,
            tv=self.tv_weight * tv,
        )

    def _gram(self, features: Features, layer: str) -> Tensor:
        if layer not in self._projections:
            return gram_matrix(features[layer])
        return projected_gram_matrix(
            features[self._projections[layer].source], self._projections[layer]
        )

    def _factor(self, term: Term, target: Tensor) -> Tensor:
        return loss_scale_factor(term, loss_scale=self.loss_scale, target=target)
