"""Loss curves of optimizers that stall or diverge, on an encoder whose answers are known."""

import math
from collections.abc import Callable, Sequence

import torch
from noise import rand
from torch import Tensor

from impasto.analysis.iterations import matching_iteration
from impasto.analysis.loss_curve import PATIENCE, LossCurve, record_curve
from impasto.losses.perceptual import PerceptualLoss

CONTENT, START = rand(1, 3, 8, 8), rand(1, 3, 8, 8, seed=1)
Answer = Callable[[int, Tensor], Tensor]  # the call and the features -> other ones


def run(answer: Answer, *, iterations: int = 60) -> tuple[LossCurve, list[float]]:
    """The curve against content alone, and what was told of progress; the start is call 1."""
    calls = iter(range(1000))

    def encoder(images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        return dict.fromkeys(layers, answer(next(calls), images))

    told: list[float] = []
    loss = PerceptualLoss(
        encoder=encoder, content_layers={"layer": 1.0}, style_layers={}, loss_scale="mean"
    )
    curve = record_curve(
        loss,
        content=CONTENT,
        start=START,
        iterations=iterations,
        tick=lambda done, of, _: told.append(done / of),
    )
    return curve, told


def constant(images: Tensor, value: float) -> Tensor:
    """Of no gradient, so that nothing moves."""
    return torch.full_like(images, value) + 0 * images


def frozen(call: int, images: Tensor) -> Tensor:
    return images if call == 0 else constant(images, 2.0)


def thawing(call: int, images: Tensor) -> Tensor:
    return images if call == 0 or call > 2 + PATIENCE else constant(images, 2.0)


def test_curve_of_a_healthy_optimizer_is_whole() -> None:
    curve, told = run(lambda call, images: images, iterations=10)
    assert (curve.trouble, curve.restarts) == (None, 0)
    assert len(curve.losses) == len(curve.seconds) == 11
    assert curve.losses[0] == float((START - CONTENT).square().mean())
    assert curve.losses[-1] < 1e-6 * curve.losses[0]
    assert curve.seconds == sorted(curve.seconds)
    assert told == [index / 10 for index in range(11)]


def test_curve_of_a_stall_that_stays_ends_early() -> None:
    curve, _ = run(frozen, iterations=100)
    assert (curve.trouble, curve.restarts) == ("stalled", 1)
    assert len(curve.losses) == 1 + 2 * PATIENCE
    network = 0.9 * curve.losses[0]
    found = matching_iteration(curve.losses, network=network, content=9.0, trouble=curve.trouble)
    assert found == "stalled"


def test_curve_goes_on_after_a_stall_that_a_restart_ends() -> None:
    curve, _ = run(thawing)
    assert (curve.trouble, curve.restarts, len(curve.losses)) == (None, 1, 61)
    assert len(set(curve.losses[: PATIENCE + 1])) == 1
    assert curve.losses[-1] < 1e-6 * curve.losses[0]


def test_curve_of_an_explosion_ends_before_it() -> None:
    curve, _ = run(lambda call, images: images * (math.nan if call > 3 else 1.0))
    assert (curve.trouble, curve.restarts, len(curve.losses)) == ("diverged", 1, 3)
    assert (run(lambda call, images: images * (math.nan if call else 1.0))[0].losses) == []
