"""Gatys' optimizer against minima that are known: closed forms, bounds, and what it yields."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from noise import rand
from torch import Tensor

from impasto.gatys.optimize import OptimizerConfig, Progress, optimize
from impasto.losses.perceptual import PerceptualLoss

CONFIGS = {
    "fixed step": OptimizerConfig(),
    "strong Wolfe": OptimizerConfig(line_search=True),
    "adam": OptimizerConfig(optimizer="adam", lr=0.05, decay=0.98),
    "sgd": OptimizerConfig(optimizer="sgd", lr=0.5),
}
BOTH = ("strong Wolfe", "fixed step")
EACH = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
GAINS = torch.tensor([1.0, 2.0, 0.5]).double()

KERNEL = rand(6, 3, 3, 3, seed=9) - 0.5


def gains(images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """One 1×1 convolution, a factor a channel."""
    return {layer: F.conv2d(images, torch.diag(GAINS)[:, :, None, None]) for layer in layers}


def grey(images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """One 1×1 convolution: the mean of the channels."""
    return {layer: F.conv2d(images, images.new_full((1, 3, 1, 1), 1 / 3)) for layer in layers}


def edges(images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """One 3×3 convolution to six channels: more numbers than pixels, so that it can be undone."""
    return {layer: F.conv2d(images, KERNEL.to(images.dtype)) for layer in layers}


def perceptual(encoder: object, *, factor: float = 1.0, **weights: float) -> PerceptualLoss:
    given = {"content_weight": 1.0, "style_weight": 0.0, "tv_weight": 0.0} | weights
    loss = PerceptualLoss(
        encoder=encoder,  # type: ignore[arg-type]
        content_layers={"layer": 1.0},
        style_layers={"layer": 1.0},
        loss_scale="mean",
        **{name: factor * weight for name, weight in given.items()},
    )
    loss.set_style(torch.full((1, 3, 8, 8), 0.8).double())
    return loss


def saturated() -> Tensor:
    """A photograph with many pixels that are all white or all black, where bounds matter."""
    return (rand(1, 3, 16, 16) * 1.6 - 0.3).clamp(0, 1)


def noise() -> Tensor:
    return rand(1, 3, 16, 16, seed=1)


def run(
    loss: PerceptualLoss,
    content: Tensor,
    start: Tensor,
    n: int,
    config: OptimizerConfig | None = None,
) -> list[Progress]:
    return list(optimize(loss, content=content, start=start, iterations=n, config=config))


@EACH
def test_a_smoothed_edge_has_the_height_that_the_weights_say(config: OptimizerConfig) -> None:
    """The minimum of gain^2 (d - edge)^2 / 2 + 2 tv d^2 in the height d of an edge."""
    left, right = torch.tensor([0.2, 0.3, 0.4]).double(), torch.tensor([0.8, 0.6, 0.9]).double()
    content = torch.stack([left, right], dim=1)[None, :, None, :].repeat(1, 1, 2, 1)
    tv = 0.3
    image = run(perceptual(gains, tv_weight=tv), content, rand(1, 3, 2, 2), 400, config)[-1].image
    found = image[0, :, :, 1] - image[0, :, :, 0]
    height = (right - left) * GAINS**2 / (GAINS**2 + 4 * tv)
    torch.testing.assert_close(found, height[:, None].expand(3, 2), atol=2e-3, rtol=0)
    mean = ((left + right) / 2)[:, None].expand(3, 2)
    torch.testing.assert_close(image[0].mean(dim=2), mean, atol=2e-3, rtol=0)


@EACH
def test_content_against_style_is_the_root_of_a_cubic(config: OptimizerConfig) -> None:
    """On flat grey: the minimum of (x - p)^2 + w (x^2 - a^2)^2 in the brightness x."""
    p, a, w = 0.2, 0.8, 2.0
    flat = torch.full((1, 3, 8, 8), p).double()
    last = run(perceptual(grey, style_weight=w), flat, flat + 0.1, 400, config)[-1]
    roots = np.roots([4 * w, 0, 2 - 4 * w * a**2, -2 * p])
    losses = {x: (x - p) ** 2 + w * (x**2 - a**2) ** 2 for x in roots.real if 0 <= x <= 1}
    x = min(losses, key=lambda root: losses[root])
    assert last.total == pytest.approx(losses[x], rel=1e-4)
    torch.testing.assert_close(last.image, torch.full_like(flat, x), atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    "config", [OptimizerConfig(), OptimizerConfig(line_search=True)], ids=["fixed", "Wolfe"]
)
def test_content_alone_reproduces_the_photograph_from_noise(config: OptimizerConfig) -> None:
    history = run(perceptual(edges), saturated(), noise(), 150, config)
    assert history[-1].content < 1e-6 * history[0].content
    assert (history[-1].image - saturated()).abs().mean() < 2e-3
    assert (history[0].image - saturated()).abs().mean() > 0.3


def test_a_line_search_does_not_freeze_at_the_bounds() -> None:
    """Moved from outside, or fooled by slopes that lead out, it would stay at 1e-2 for ever."""
    loss = perceptual(edges)
    totals = [now.total for now in run(loss, saturated(), noise(), 60, CONFIGS["strong Wolfe"])]
    assert totals[20] < 1e-3 * totals[0]
    assert totals[60] < 0.05 * totals[20]
    loss = perceptual(edges, style_weight=10.0, tv_weight=1.0)
    found, fixed = (run(loss, saturated(), noise(), 60, CONFIGS[name])[-1].total for name in BOTH)
    assert found == pytest.approx(fixed, rel=1e-3)


@EACH
def test_every_picture_is_a_snapshot_within_bounds_and_its_terms_are_its_own(
    config: OptimizerConfig,
) -> None:
    loss = perceptual(edges, style_weight=30.0, tv_weight=0.1)
    content, start = saturated(), noise() * 4 - 1
    history = run(loss, content, start, 12, config)
    assert [now.iteration for now in history] == list(range(13))
    assert {now.iterations for now in history} == {12}
    assert torch.equal(history[0].image, start.clamp(0, 1))
    target = loss.content_target(content)
    for now in history:
        assert now.image.min() >= 0
        assert now.image.max() <= 1
        terms = loss(now.image, target)
        assert (now.content, now.style, now.tv) == pytest.approx([float(t) for t in terms])
        assert now.total == now.content + now.style + now.tv
    assert len({float(now.image.sum()) for now in history}) > 9
    assert start.max() > 2  # the caller's picture is left alone


@pytest.mark.parametrize("factor", [1e-9, 1e9])
@pytest.mark.parametrize("search", [False, True])
def test_a_factor_on_the_whole_loss_changes_no_picture(factor: float, search: bool) -> None:
    config = OptimizerConfig(line_search=search)
    for one, other in zip(
        run(perceptual(edges, style_weight=3.0), saturated(), noise(), 15, config),
        run(perceptual(edges, style_weight=3.0, factor=factor), saturated(), noise(), 15, config),
        strict=True,
    ):
        torch.testing.assert_close(other.image, one.image, atol=1e-5, rtol=0)


def test_sgd_steps_and_decays_as_told() -> None:
    """With an encoder that is the identity the error shrinks by 1 - 2 rate / size, step by step."""
    content, start = saturated(), saturated() * 0.5 + 0.25
    loss = perceptual(lambda images, layers: dict.fromkeys(layers, images))
    history = run(loss, content, start, 5, OptimizerConfig(optimizer="sgd", lr=60.0, decay=0.5))
    error = start - content
    for step, now in enumerate(history):
        torch.testing.assert_close(now.image - content, error)
        error = error * (1 - 2 * 60 * 0.5**step / content.numel())


def test_adam_takes_its_own_settings() -> None:
    """Its first step is rate * g / (|g| + epsilon)."""
    content, start = saturated(), saturated() * 0.5 + 0.25
    loss = perceptual(lambda images, layers: dict.fromkeys(layers, images))
    config = OptimizerConfig(optimizer="adam", lr=0.01, betas=(0.99, 0.999), eps=1e-3)
    gradient = 2 * (start - content) / content.numel()
    first = run(loss, content, start, 1, config)[1].image
    expected = start - 0.01 * gradient / (gradient.abs() + 1e-3)
    torch.testing.assert_close(first, expected.clamp(0, 1))


def test_default_rates_are_told() -> None:
    rates = [OptimizerConfig(optimizer=name).rate for name in ("lbfgs", "adam", "sgd")]
    assert rates == [1.0, 0.02, 1.0]
    assert OptimizerConfig(lr=0.0).rate == 0
