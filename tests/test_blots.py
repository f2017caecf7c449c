"""The penalty on black spots, by closed forms, its slope through a sigmoid, and in training."""

import math

import pytest
import torch

from impasto.blots import LEAST, blot_loss, darkest
from impasto.budget import Budget
from impasto.losses import LossTerms
from impasto.module import FastStyle
from impasto.net import TransformNet

BOUND = torch.tensor(0.1)


def test_the_bound_leaves_a_thousandth_of_a_painting_below_it():
    grey = torch.linspace(0.2, 0.8, 2000)[torch.randperm(2000)]
    painting = torch.stack([grey * 0.5, grey, grey * 0.1]).view(1, 3, 40, 50)
    bound = darkest(painting)
    assert (painting.amax(1) < bound).sum().item() == 2
    assert darkest(torch.zeros(1, 3, 8, 8)).item() == pytest.approx(LEAST)


def test_colours_with_a_bright_channel_are_no_blots():
    orange = torch.tensor([0.9, 0.4, 0.0]).view(1, 3, 1, 1).expand(2, 3, 4, 5)
    assert blot_loss(orange, BOUND).item() == 0
    assert blot_loss(torch.full((1, 3, 4, 4), 0.1), BOUND).item() == 0


def test_a_black_spot_counts_by_its_share_and_by_how_black_it_is():
    image = torch.full((1, 3, 4, 4), 0.5)
    image[..., 0, 0] = torch.tensor([0.1 / 8, 0.1 / math.e, 0.0])
    assert blot_loss(image, BOUND).item() == pytest.approx(1 / 16, rel=1e-5)
    image[..., 0, 0] = 0.1 / math.e**2
    assert blot_loss(image, BOUND).item() == pytest.approx(2 / 16, rel=1e-5)


def test_zero_is_finite():
    expected = pytest.approx(math.log(0.1 / LEAST))
    assert blot_loss(torch.zeros(1, 3, 2, 2), BOUND).item() == expected


@pytest.mark.parametrize("logit", [-5.0, -10.0, -40.0])
def test_the_pull_on_a_black_pixel_does_not_fade_as_the_sigmoids_slope_does(logit):
    before = torch.full((1, 3, 1, 1), -60.0)
    before[0, 1] = logit  # the brightest channel is the one that is pulled
    before.requires_grad_()
    blot_loss(torch.sigmoid(before), BOUND).backward()
    expected = -(1 - torch.sigmoid(torch.tensor(logit)).item())
    assert before.grad is not None
    assert before.grad[0, :, 0, 0].tolist() == pytest.approx([0, expected, 0], rel=1e-4)


def test_training_adds_it_to_the_loss_with_its_weight_and_judges_without():
    terms = LossTerms(content=torch.tensor(1.0), style=torch.tensor(2.0), tv=torch.tensor(0.5))
    picture = torch.full((1, 3, 4, 4), 0.1 / math.e)
    settings = {
        "net": TransformNet(width=4),
        "loss": None,
        "style": None,
        "budget": Budget(steps=1),
    }
    assert FastStyle(**settings).objective(terms, picture).item() == 3.5
    pressed = FastStyle(**settings, blot_weight=10.0)
    pressed.bound = BOUND
    assert pressed.objective(terms, picture).item() == pytest.approx(13.5, rel=1e-5)
