"""What is used up of steps and minutes, and the rate by then."""

import numpy as np
import pytest
from clocks import cosine
from torch import nn

from impasto.training.budget import Budget
from impasto.training.callbacks.previews import Pairs, Previews


def at(seconds: float, **limits: float) -> Budget:
    """A budget of which so many seconds are used up."""
    budget = Budget(**limits)  # type: ignore[arg-type]
    budget.elapsed = seconds
    return budget


def test_the_clock_counts_from_the_first_step_and_on_where_it_stood() -> None:
    shown = [500.0]
    budget = Budget(minutes=1, clock=lambda: shown[0])
    shown[0] = 600.0  # loading
    assert budget.now() == 0
    budget.start()
    shown[0] = 615.0
    budget.start()  # at every step
    assert budget.now() == 15
    resumed = Budget(minutes=1, clock=lambda: shown[0])
    resumed.elapsed = 15.0
    shown[0] = 9000.0
    assert resumed.now() == 15
    resumed.start()
    shown[0] = 9030.0
    assert resumed.now() == 45


def test_what_is_used_up_first_counts() -> None:
    assert at(50.0, steps=200).used(50) == 0.25
    assert at(45.0, minutes=3).used(10_000) == 0.25
    both = at(45.0, minutes=3, steps=100)
    assert [both.used(step) for step in (10, 25, 80, 100)] == [0.25, 0.25, 0.8, 1]
    assert [both.is_used_up(step) for step in (99, 100)] == [False, True]
    late = at(181.0, minutes=3, steps=100)
    assert (late.used(1), late.is_used_up(1)) == (1, True)


def test_the_rate_follows_the_clock_whatever_the_steps() -> None:
    for seconds, share in ((45.0, 0.25), (90.0, 0.5), (179.0, 179 / 180)):
        budget = at(seconds, minutes=3)
        for step in (1, 7, 9999):
            rate = budget.rate(step, warmup=0, schedule="cosine")
            assert rate == pytest.approx(cosine(share))
            assert budget.rate(step, warmup=0, schedule="constant") == 1
    assert at(180.0, minutes=3).rate(8, warmup=0, schedule="cosine") == 0


def test_the_rate_rises_over_the_warmup_but_no_longer_than_a_twentieth_of_the_minutes() -> None:
    begun = at(0.0, minutes=3)
    assert begun.rate(0, warmup=19, schedule="constant") == pytest.approx(0.05)
    fast = at(2.0, minutes=3)  # 1/90 of them
    assert fast.rate(9, warmup=19, schedule="constant") == pytest.approx(0.5)
    assert fast.rate(9, warmup=19, schedule="cosine") == pytest.approx(0.5 * cosine(1 / 90))
    slow = at(4.5, minutes=3)  # a fortieth
    assert slow.rate(1, warmup=19, schedule="constant") == pytest.approx(0.5)
    assert at(9.0, minutes=3).rate(2, warmup=19, schedule="constant") == 1
    of_steps = at(999.0, steps=40)  # there the warm-up may take half of it
    assert of_steps.rate(9, warmup=19, schedule="constant") == pytest.approx(0.5)


def test_it_tells_what_was_learned_in_which_time() -> None:
    assert at(18.0, steps=12).told(5) == "5 of 12 steps in 0.3 minutes"
    assert at(180.4, minutes=3).told(512) == "512 steps in 3.0 of 3 minutes"
    assert at(6.0, minutes=0.5, steps=9).told(9) == "9 of 9 steps in 0.1 of 0.5 minutes"


class Slow(nn.Module):
    """A network that takes a second a picture; the identity."""

    device = "cpu"

    def __init__(self, shown: list[float]) -> None:
        super().__init__()
        self.shown = shown

    def forward(self, content):
        self.shown[0] += 1
        return content


class Board:
    """What TensorBoard was given, and the trainer that it hangs on."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.logger = self.experiment = self
        self.global_step = 0

    def add_image(self, name, image, step) -> None:
        assert name == "preview/a"
        self.steps.append(step)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"steps": 400}, [0, 50, 100, 200, 300, 400]),
        ({"minutes": 400 / 60}, [0, 50, 100, 200, 300, 400]),  # a second a step: 2 in 100 s
        ({"minutes": 200 / 60}, [0, 50, 200, 300, 400]),
        ({"minutes": 100 / 60}, [0, 50, 400]),
    ],
)
def test_previews_take_two_hundredths_of_the_minutes(limits, expected) -> None:
    shown = [0.0]
    budget = Budget(**limits, clock=lambda: shown[0])
    previews = Previews(Pairs({"a": np.zeros((16, 16, 3), np.float32)}), every=100, budget=budget)
    board, module = Board(), Slow(shown)
    previews.on_train_start(board, module)
    for step in range(1, 401):
        board.global_step = step
        budget.elapsed = step * 60 * limits.get("minutes", 1) / 400
        previews.on_train_batch_end(board, module)
    assert board.steps == expected
