"""Content by its structure: closed forms, and that it leaves mean and contrast to the style."""

from functools import partial

import pytest
import torch
from noise import randn
from torch import Tensor

from impasto.losses.normalized_content import MOST, as_contrasted, centered
from impasto.losses.perceptual import content_loss

close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-9)


def apart(features: Tensor, photo: Tensor) -> Tensor:
    """The content term, relative to what there is to keep."""
    target = centered(photo)
    energy = target.square().mean(dim=(1, 2, 3))
    return content_loss(as_contrasted(features, target), target) / energy


def test_every_channel_has_the_targets_contrast_and_no_mean() -> None:
    features, target = 5 + 3 * randn(2, 4, 6, 7), centered(randn(2, 4, 6, 7, seed=1))
    seen = as_contrasted(features, target)
    close(seen.mean(dim=(2, 3)), torch.zeros(2, 4).double(), atol=1e-12)
    close(seen.std(dim=(2, 3)), target.std(dim=(2, 3)))


def test_mean_and_contrast_of_a_channel_are_not_compared() -> None:
    photo = randn(2, 4, 6, 7)
    gains, offsets = 10 ** randn(2, 4, 1, 1, seed=1).abs(), 100 * randn(2, 4, 1, 1, seed=2)
    assert apart(gains * photo + offsets, photo).max() < 1e-6
    assert apart(-photo, photo).tolist() == pytest.approx([4.0, 4.0], rel=1e-3)


def test_a_channel_counts_twice_what_its_correlation_lacks() -> None:
    photo, features = randn(1, 3, 6, 7), randn(1, 3, 6, 7, seed=1)
    contrast = torch.tensor([0.1, 1.0, 2.0]).double().view(3, 1, 1)
    wanted, found = (centered(x)[0].flatten(1) for x in (photo * contrast, features))
    correlation = (wanted * found).sum(1) / (wanted.norm(dim=1) * found.norm(dim=1))
    energy = wanted.square().sum(1)  # a channel that the photograph hardly uses hardly counts
    expected = (energy * 2 * (1 - correlation)).sum() / energy.sum()
    close(apart(features, photo * contrast), expected[None])


def test_a_faint_channel_is_raised_a_hundredfold_at_most() -> None:
    photo = centered(randn(1, 1, 6, 7))
    for faint in (1e-3, 1e-6, 1e-12):
        raised = as_contrasted(faint * photo, photo).std() / photo.std()
        assert raised <= 1.0001 * MOST * faint
    flat = torch.full((1, 1, 6, 7), 0.5, dtype=torch.float64, requires_grad=True)
    apart(flat, photo).sum().backward()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()
    assert float(apart(flat, photo).detach()) == pytest.approx(1.0)  # all of it is missing


@pytest.mark.parametrize("scale", [0.0, 1e-18, 1e12])
def test_numbers_stay_finite_whatever_the_scale(scale: float) -> None:
    features = randn(1, 2, 5, 5).float().requires_grad_()
    target = centered(scale * randn(1, 2, 5, 5, seed=1).float())
    seen = as_contrasted(features, target)
    seen.square().sum().backward()
    assert seen.isfinite().all()
    assert features.grad is not None
    assert features.grad.isfinite().all()


def test_bf16_is_compared_in_float32() -> None:
    photo = randn(1, 2, 5, 5).bfloat16()
    assert as_contrasted(photo, centered(photo)).dtype == centered(photo).dtype == torch.float32


def test_its_gradient_is_right() -> None:
    target = centered(randn(2, 3, 4, 5))
    features = randn(2, 3, 4, 5, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: as_contrasted(x, target), features, fast_mode=True)
