"""The penalty on outliers before the norms, by closed forms, and in training."""

import pytest
import torch

from impasto.budget import Budget
from impasto.droplets import LIMIT, Droplets, droplet_loss
from impasto.losses import LossTerms
from impasto.module import FastStyle
from impasto.net import MARGIN, TransformNet

TERMS = LossTerms(content=torch.tensor(1.0), style=torch.tensor(2.0), tv=torch.tensor(0.5))


def spot(side, at):
    """One place of 1 in a plane of 0: side² - 1 against 1, so sqrt(side² - 1) deviations."""
    plane = torch.zeros(1, 1, side, side)
    plane[..., at, at] = 1
    return plane


def test_a_spot_counts_by_its_square_beyond_the_limit():
    deviations = (20**2 - 1) ** 0.5
    expected = (deviations - LIMIT) ** 2 / 20**2
    assert droplet_loss(spot(20, 9), margin=0).item() == pytest.approx(expected, rel=1e-2)
    assert droplet_loss(-5 * spot(20, 9) + 3, margin=0).item() == pytest.approx(expected, rel=1e-2)


def test_a_spot_in_the_margin_is_free():
    assert droplet_loss(spot(20, 2), margin=3).item() == 0
    deviations = (20**2 - 1) ** 0.5
    expected = (deviations - LIMIT) ** 2 / 14**2  # the margin has no part in the mean
    assert droplet_loss(spot(20, 3), margin=3).item() == pytest.approx(expected, rel=1e-2)


def test_what_photographs_have_is_free():
    generator = torch.Generator().manual_seed(0)
    assert droplet_loss(torch.randn(2, 3, 32, 32, generator=generator), margin=0).item() == 0
    assert droplet_loss(torch.full((1, 2, 8, 8), 4.0), margin=0).item() == 0


def test_its_gradient_is_right():
    generator = torch.Generator().manual_seed(0)
    x = 0.01 * torch.randn(1, 2, 12, 12, generator=generator)
    x[0, 0, 5, 5] = 1.0
    x.requires_grad_()
    loss = droplet_loss(x, margin=1)
    (gradient,) = torch.autograd.grad(loss, x)
    for place in ((0, 0, 5, 5), (0, 0, 3, 4), (0, 1, 5, 5)):
        step = torch.zeros_like(x)
        step[place] = 1e-2
        slope = (droplet_loss(x + step, margin=1) - droplet_loss(x - step, margin=1)) / 2e-2
        assert gradient[place].item() == pytest.approx(slope.item(), rel=0.02, abs=1e-5)


def test_training_adds_what_two_norms_saw_and_applying_does_not_look():
    net = TransformNet(width=4, learns_with_margin=True)
    seen = []
    net.residual[-1].second.norm.register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    net.up[0].norm.register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    with torch.no_grad():  # a spot: without it there is nothing to count
        net.up[0].conv.weight.mul_(1e3)
    module = FastStyle(net=net, loss=None, style=None, budget=Budget(steps=1), droplet_weight=10.0)
    picture = torch.zeros(1, 3, 64, 64)
    picture[..., 30:33, 30:33] = 1
    stylized = net(picture)
    margins = MARGIN // 4, MARGIN // 2
    each = [droplet_loss(x, margin=m).item() for x, m in zip(seen, margins, strict=True)]
    assert max(each) > 0
    expected = 3.5 + 10 * sum(each)
    assert module.objective(TERMS, stylized).item() == pytest.approx(expected, rel=1e-5)
    net.eval()
    net(picture)
    net.train()
    net(picture)
    assert module.objective(TERMS, stylized).item() == pytest.approx(expected, rel=1e-5)


def test_it_is_learned_away():
    torch.manual_seed(0)
    net = TransformNet(width=8, residual_blocks=1, learns_with_margin=True)
    droplets = Droplets(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    picture = torch.zeros(1, 3, 64, 64)
    picture[..., 31, 31] = 1
    losses = []
    for _ in range(15):
        net(picture)
        loss = droplets.take()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[0] > 0
    assert losses[-1] < 0.5 * losses[0]
