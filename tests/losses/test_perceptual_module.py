"""PerceptualLoss against the functions it is made of, and what becomes of its targets."""

from collections.abc import Sequence
from functools import partial
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from noise import randn
from torch import Tensor

from impasto.losses.normalized_content import as_contrasted, centered
from impasto.losses.perceptual import (
    ContentMatch,
    PerceptualLoss,
    content_loss,
    gram_matrix,
    style_loss,
    total_variation,
)
from impasto.losses.scaling import LossScale, loss_scale_factor

CONTENT = {"conv": 2.0}
STYLE = {"conv": 0.5, "pooled": 3.0}
FOR_EACH_LOSS_SCALE = pytest.mark.parametrize("loss_scale", get_args(LossScale))
close = partial(torch.testing.assert_close, rtol=1e-12, atol=1e-14)

KERNEL = randn(5, 3, 3, 3, seed=9)
STYLE_IMAGE = randn(1, 3, 9, 7, seed=8)


def encoder(images: Tensor, layers: Sequence[str], *, scale: float = 1.0) -> dict[str, Tensor]:
    """One convolution; its kernel wants gradients, as nothing here says it is frozen."""
    conv = scale * F.conv2d(images, KERNEL.to(images.dtype).requires_grad_())
    features = {"conv": conv, "pooled": F.avg_pool2d(conv, 2)}
    return {layer: features[layer] for layer in layers}


def perceptual(
    loss_scale: LossScale = "mean",
    *,
    content_match: ContentMatch = "features",
    **settings: float,
) -> PerceptualLoss:
    """Weights 7, 11 and 13; `settings` are `scale` of the features and other weights."""
    scale = settings.pop("scale", 1.0)
    weights = {"content_weight": 7.0, "style_weight": 11.0, "tv_weight": 13.0, **settings}
    loss = PerceptualLoss(
        encoder=partial(encoder, scale=scale),
        content_layers=CONTENT,
        style_layers=STYLE,
        loss_scale=loss_scale,
        content_match=content_match,
        **weights,
    )
    loss.set_style(STYLE_IMAGE)
    return loss


def factor(loss_scale: LossScale, term: str, target: Tensor) -> Tensor | float:
    """The table in the docstring of losses/scaling.py, again, for one image's target."""
    size = target.numel()
    return {
        "relative": 1 / target.square().mean(),
        "mean": 1.0,
        "johnson": 1.0 if term == "content" else size,
        "gatys": size / 2 if term == "content" else size / 4,
    }[loss_scale]


@FOR_EACH_LOSS_SCALE
def test_perceptual_loss_is_its_functions_combined_by_hand(loss_scale: LossScale) -> None:
    images, photos = randn(3, 3, 9, 7), randn(3, 3, 9, 7, seed=1)
    content = style = tv = torch.zeros((), dtype=torch.float64)
    for image, photo in zip(images, photos, strict=True):
        features, targets, style_features = (
            encoder(x, list(STYLE)) for x in (image[None], photo[None], STYLE_IMAGE)
        )
        for layer, weight in CONTENT.items():
            term = weight * content_loss(features[layer], targets[layer])[0]
            content = content + factor(loss_scale, "content", targets[layer]) * term / 3
        for layer, weight in STYLE.items():
            gram = gram_matrix(style_features[layer])
            term = weight * style_loss(features[layer], gram)[0]
            style = style + factor(loss_scale, "style", gram) * term / 3
        tv = tv + total_variation(image[None])[0] / 3
    loss = perceptual(loss_scale)
    terms = loss(images, loss.content_target(photos))
    close(tuple(terms), (7 * content, 11 * style, 13 * tv))
    close(terms.total, 7 * content + 11 * style + 13 * tv)


@FOR_EACH_LOSS_SCALE
def test_the_content_may_be_the_structure(loss_scale: LossScale) -> None:
    image, photo = randn(1, 3, 9, 7), randn(1, 3, 9, 7, seed=1)
    plain, loss = perceptual(loss_scale), perceptual(loss_scale, content_match="structure")
    features, targets = (encoder(x, ["conv"])["conv"] for x in (image, photo))
    target = centered(targets)
    term = content_loss(as_contrasted(features, target), target)[0]
    expected = plain(image, plain.content_target(photo))._replace(
        content=7 * 2 * factor(loss_scale, "content", target) * term
    )
    close(tuple(loss(image, loss.content_target(photo))), tuple(expected))


@FOR_EACH_LOSS_SCALE
def test_loss_of_a_batch_is_the_mean_over_its_images(loss_scale: LossScale) -> None:
    loss = perceptual(loss_scale)
    scales = torch.tensor([0.1, 1.0, 10.0]).view(3, 1, 1, 1)  # photographs of unlike energy
    images, photos = randn(3, 3, 9, 7), randn(3, 3, 9, 7, seed=1) * scales
    alone = [
        torch.stack(loss(image[None], loss.content_target(photo[None])))
        for image, photo in zip(images, photos, strict=True)
    ]
    close(torch.stack(loss(images, loss.content_target(photos))), torch.stack(alone).mean(dim=0))


@pytest.mark.parametrize("scale", [1e-6, 1e5])
def test_only_the_relative_loss_ignores_the_scale_of_the_features(scale: float) -> None:
    images, photos = randn(2, 3, 9, 7), randn(2, 3, 9, 7, seed=1)

    def terms(loss_scale: LossScale, scale: float) -> Tensor:
        loss = perceptual(loss_scale, scale=scale)
        return torch.stack(loss(images, loss.content_target(photos)))

    close(terms("relative", scale), terms("relative", 1.0))
    powers = torch.tensor([scale**2, scale**4, 1.0]).double()
    close(terms("mean", scale), terms("mean", 1.0) * powers, rtol=1e-6)
    assert terms("relative", 0.0)[:2].tolist() == [0, 0]  # features that are all dead: no nan


def test_a_style_stays_whatever_the_batch_and_until_the_next() -> None:
    loss, image = perceptual("relative"), randn(1, 3, 9, 7)
    alone = torch.stack(loss(image, loss.content_target(image)))
    for size in (3, 1, 2):
        same = image.repeat(size, 1, 1, 1)
        close(torch.stack(loss(same, loss.content_target(same))), alone)
    loss.set_style(image)
    again = loss(image, loss.content_target(image))
    assert (again.content.item(), again.style.item()) == (0, 0)


def test_a_style_image_may_have_another_size() -> None:
    loss, ones = perceptual(), torch.ones(1, 3, 9, 7).double()
    loss.set_style(torch.ones(1, 3, 20, 31).double())  # constant: the same Gram at every size
    close(loss(ones, loss.content_target(ones)).style.item(), 0.0, atol=1e-24)


def test_the_style_is_taken_in_float32_under_autocast() -> None:
    loss = perceptual("relative")
    image = STYLE_IMAGE.float()
    loss.set_style(image)
    expected = dict(loss.named_buffers())
    with torch.autocast("cpu", torch.bfloat16):
        assert encoder(image, ["conv"])["conv"].dtype == torch.bfloat16  # it is on
        loss.set_style(image)
        terms = loss(image, loss.content_target(image))
    for name, gram in loss.named_buffers():
        assert gram.dtype == torch.float32
        assert torch.equal(gram, expected[name]), name
    assert {term.dtype for term in terms} == {torch.float32}
    # the picture itself did go through in bf16: its style is a rounding error off the target's
    assert 0 < terms.style < 1e-4 * 11 * sum(STYLE.values())


def test_gradients_reach_the_images_and_nothing_else() -> None:
    loss = perceptual("relative")
    images, photos, style = (randn(2, 3, 9, 7, seed=s).requires_grad_() for s in range(3))
    loss.set_style(style[:1])
    target = loss.content_target(photos)
    assert list(target) == list(CONTENT)
    loss(images, target).total.backward()
    assert images.grad is not None
    assert photos.grad is None
    assert style.grad is None

    def total(images: Tensor) -> Tensor:
        return loss(images, target).total

    assert torch.autograd.gradcheck(total, images, fast_mode=True)


def test_targets_are_no_part_of_a_checkpoint() -> None:
    assert sorted(dict(perceptual().named_buffers())) == ["gram_conv", "gram_pooled"]
    assert not perceptual().state_dict()


def test_one_pass_of_the_encoder_and_only_with_a_style() -> None:
    calls = []

    def counting(images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        calls.append(list(layers))
        return encoder(images, layers)

    loss = PerceptualLoss(encoder=counting, content_layers=CONTENT, style_layers=STYLE)
    image = randn(1, 3, 9, 7)
    target = loss.content_target(image)
    with pytest.raises(AttributeError, match="gram_conv"):
        loss(image, target)
    loss.set_style(image)
    calls.clear()
    assert loss(image, target).tv.item() == 0  # its weight is 0 unless given
    assert calls == [["conv", "pooled"]]


def test_a_photograph_without_any_content_gives_a_finite_loss() -> None:
    features = torch.full((1, 4, 3, 3), 0.5)
    nothing = torch.zeros(1, 4, 3, 3)
    factor = loss_scale_factor("content", loss_scale="relative", target=nothing)
    assert float(factor * (features - nothing).square().mean()) == pytest.approx(0.25e16)
