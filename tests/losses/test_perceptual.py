"""The four loss functions: closed forms, gradients, no mixing of images, at least float32."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from noise import randn
from torch import Tensor

from impasto.losses.perceptual import content_loss, gram_matrix, style_loss, total_variation

close = partial(torch.testing.assert_close, rtol=1e-12, atol=1e-14)


def like(features: Tensor) -> Tensor:
    """One target for images of this shape, a number that every dtype can hold."""
    return randn(1, *features.shape[1:], seed=5).bfloat16().to(features.dtype)


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gram": gram_matrix,
    "content": lambda x: content_loss(x, like(x)),
    "style": lambda x: style_loss(x, gram_matrix(like(x))),
    "tv": total_variation,
}
FOR_EACH_FUNCTION = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


def test_gram_of_ones_is_one_over_the_channels_everywhere() -> None:
    expected = torch.full((2, 4, 4), 0.25)
    assert torch.equal(gram_matrix(torch.ones(2, 4, 2, 8)), expected)


def test_gram_of_orthogonal_channels_is_diagonal() -> None:
    features = torch.diag(torch.tensor([1.0, 2.0, 3.0])).view(1, 3, 3, 1).repeat(1, 1, 1, 5)
    # every channel lives in a row of its own, of 5 pixels: 5 c^2 / (3 * 15)
    close(gram_matrix(features.double()), torch.diag(torch.tensor([1.0, 4, 9]).double() / 9)[None])


def test_gram_is_the_sum_over_pixels_and_symmetric() -> None:
    features = randn(2, 3, 4, 5)
    gram = gram_matrix(features)
    close(gram, torch.einsum("bchw,bdhw->bcd", features, features) / 60)
    close(gram, gram.mT)


def test_gram_does_not_overflow_in_half_precision() -> None:
    features = torch.full((1, 2, 16, 16), 300.0, dtype=torch.float16)  # 300^2 is over 65504
    torch.testing.assert_close(gram_matrix(features), torch.full((1, 2, 2), 45000.0))


@FOR_EACH_FUNCTION
def test_images_of_a_batch_do_not_mix(function: Callable[[Tensor], Tensor]) -> None:
    first, second = randn(2, 3, 5, 6)
    alone = torch.cat([function(first[None]), function(second[None])])
    close(function(torch.stack([first, second])), alone)
    close(function(torch.stack([second, first])), alone.flip(0))


def test_content_loss_of_an_offset_is_its_square() -> None:
    features = randn(3, 4, 5, 6)
    offset = torch.tensor([0.0, 0.5, -3.0]).view(3, 1, 1, 1)
    losses = content_loss(features + offset, features)
    assert losses[0] == 0
    close(losses, torch.tensor([0.0, 0.25, 9.0]).double())


def test_style_loss_sees_the_pixels_but_not_their_order() -> None:
    features = randn(1, 4, 5, 6)
    gram = gram_matrix(features)
    assert style_loss(features, gram).item() == 0
    shuffled = features.flatten(2)[..., torch.randperm(30)].view_as(features)
    assert style_loss(shuffled, gram).item() < 1e-28
    # twice the features are four times the Gram: three times the target is what differs
    close(style_loss(2 * features, gram), 9 * gram.square().mean(dim=(1, 2)))


def test_total_variation_in_closed_form() -> None:
    y, x = torch.meshgrid(torch.arange(7.0), torch.arange(5.0), indexing="ij")
    pictures = torch.stack([(x + y) % 2, torch.full_like(x, 0.7), 0.5 * y + 0.25 * x, 0.5 * y])
    variation = total_variation(pictures[:, None].repeat(1, 3, 1, 1))
    assert variation.tolist() == [2.0, 0.0, 0.25 + 0.0625, 0.25]


@FOR_EACH_FUNCTION
def test_at_least_float32(function: Callable[[Tensor], Tensor]) -> None:
    single = randn(2, 3, 5, 6).float()
    assert function(single.double()).dtype == torch.float64
    assert function(single.bfloat16()).dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert (single[0, 0] @ single[0, 0].T).dtype == torch.bfloat16  # it is on
        under = function(single)
    assert under.dtype == torch.float32
    assert torch.equal(under, function(single))
    rounded = single.bfloat16()
    assert torch.equal(function(rounded), function(rounded.float()))


@FOR_EACH_FUNCTION
def test_gradients(function: Callable[[Tensor], Tensor]) -> None:
    assert torch.autograd.gradcheck(function, randn(2, 3, 4, 5).requires_grad_())
