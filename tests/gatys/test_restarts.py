"""What Gatys' optimizer does when the loss explodes, is no number, or has nothing left to give."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import noise
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.errors import InputError
from impasto.gatys.optimize import OptimizerConfig, Progress, optimize
from impasto.gatys.watchdog import MAX_FAILURES
from impasto.losses.perceptual import PerceptualLoss

rand = partial(noise.rand, dtype=torch.float32)

KERNEL = rand(6, 3, 3, 3, seed=9) - 0.5
CONTENT, START = rand(1, 3, 12, 12), rand(1, 3, 12, 12, seed=1)


class Encoder:
    """One convolution, which answers NaN at the calls that `bad` says."""

    def __init__(self, bad: Callable[[int], bool] = lambda call: False) -> None:
        self.bad = bad
        self.calls = -2  # the style's and the content's targets; the start is call 0

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        features = F.conv2d(images, KERNEL)
        bad = self.bad(self.calls)
        self.calls += 1
        return dict.fromkeys(layers, features * math.nan if bad else features)


def perceptual(encoder: Encoder) -> PerceptualLoss:
    layers = {"layer": 1.0}
    loss = PerceptualLoss(encoder=encoder, content_layers=layers, style_layers=layers)
    loss.set_style(rand(1, 3, 9, 9, seed=2))
    return loss


def run(encoder: Encoder, n: int, config: OptimizerConfig | None = None) -> list[Progress]:
    steps = optimize(perceptual(encoder), content=CONTENT, start=START, iterations=n, config=config)
    return list(steps)


def test_an_iteration_is_one_evaluation_without_a_line_search() -> None:
    encoder = Encoder()
    assert len(run(encoder, 7)) == 8
    assert encoder.calls == 8


def test_after_a_nan_it_goes_back_to_the_best_and_on() -> None:
    history = run(Encoder(lambda call: call == 5), 40)
    assert [now.iteration for now in history] == list(range(41))
    again = next(now.iteration for now in history if now.restarts)
    assert {now.restarts for now in history[again:]} == {1}
    best = min(history[:again], key=lambda now: now.total)
    assert torch.equal(history[again].image, best.image)
    assert history[-1].total < 0.8 * best.total


def test_a_nan_that_a_line_search_meets_is_one_more_step_too_long() -> None:
    history = run(Encoder(lambda call: call == 5), 40, OptimizerConfig(line_search=True))
    assert all(math.isfinite(now.total) for now in history)
    assert history[-1].total < 0.2 * history[0].total


def test_a_restart_halves_the_step() -> None:
    config = OptimizerConfig(optimizer="sgd", lr=1.0)
    whole, halved = run(Encoder(), 2, config), run(Encoder(lambda call: call == 1), 2, config)
    step, half = whole[1].image - START, halved[2].image - START
    assert [now.restarts for now in halved] == [0, 1, 1]
    torch.testing.assert_close(half, step / 2, atol=1e-6, rtol=1e-3)


def test_a_start_that_has_no_loss_is_refused() -> None:
    with pytest.raises(InputError, match=r"at iteration 0, .*: lower --lr or the weights"):
        run(Encoder(lambda call: call >= 0), 5)


def test_in_the_end_it_gives_up_and_what_it_found_was_yielded() -> None:
    encoder = Encoder(lambda call: call > 3)
    steps = optimize(perceptual(encoder), content=CONTENT, start=START, iterations=50)
    assert [next(steps).iteration for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(InputError, match=r"at iteration 4, at a learning rate of 0\.00098 still"):
        next(steps)
    assert encoder.calls == 4 + 1 + MAX_FAILURES


def test_a_step_far_too_long_is_halved_until_it_fits() -> None:
    """Pixels that are all black or white bound the loss: it explodes without being large."""
    history = run(Encoder(), 100, OptimizerConfig(optimizer="sgd", lr=1e4))
    assert max(now.total for now in history) < 20 * history[0].total
    assert min(now.total for now in history) < 0.6 * history[0].total
    assert history[-1].restarts >= 5


def test_at_the_minimum_nothing_moves_and_nothing_is_wrong() -> None:
    layers = {"layer": 1.0}
    loss = PerceptualLoss(
        encoder=Encoder(), content_layers=layers, style_layers=layers, style_weight=0.0
    )
    loss.set_style(CONTENT)
    tried = {"lbfgs": OptimizerConfig(), "wolfe": OptimizerConfig(line_search=True)}
    tried["adam"] = OptimizerConfig(optimizer="adam")
    for config in tried.values():
        history = list(optimize(loss, content=CONTENT, start=CONTENT, iterations=20, config=config))
        assert {(now.total, now.restarts) for now in history} == {(0.0, 0)}
        assert all(torch.equal(now.image, CONTENT) for now in history)
