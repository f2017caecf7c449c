"""Stalled and diverged optimizers, on loss curves that were made up."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from impasto.analysis import loss_curve
from impasto.analysis.iterations import judge
from impasto.analysis.loss_curve import IMPROVEMENT, PATIENCE, descend, has_stalled
from impasto.errors import InputError
from impasto.gatys.optimize import Progress


def made_up(losses: list[float], *, restarts: int = 0) -> Iterator[Progress]:
    for index, total in enumerate(losses):
        image = torch.full((1, 3, 2, 2), total)
        terms = {"content": total, "style": 0.0, "tv": 0.0}
        again = restarts * (index == len(losses) - 1)
        yield Progress(iteration=index, iterations=0, image=image, restarts=again, **terms)


def run(monkeypatch: pytest.MonkeyPatch, *runs: list[float], **more: int) -> tuple:
    """Descend 100 iterations where the optimizer's losses are those; where each run started."""
    begun: list[float] = []

    def optimiser(loss: object, *, start: Tensor, iterations: int, **_: object) -> Iterator:
        begun.append(float(start.max()))
        losses = runs[len(begun) - 1]
        yield from made_up(losses[: iterations + 1], **more)
        if len(losses) <= iterations:
            raise InputError("the loss explodes")

    monkeypatch.setattr(loss_curve, "optimise", optimiser)
    zeros = torch.zeros(1, 3, 2, 2)
    return descend(None, content=zeros, start=zeros, iterations=100), begun  # type: ignore[arg-type]


def falling(begin: float) -> list[float]:
    return [begin * 0.99**index for index in range(101)]


def test_a_healthy_curve_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    made, begun = run(monkeypatch, falling(8.0))
    assert (made.curve, made.trouble, made.restarts, begun) == (falling(8.0), None, 0, [0])


def test_a_stall_is_restarted_once_from_the_best_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = [8.0, 5.0, *[5.585] * 99]
    made, begun = run(monkeypatch, frozen, falling(5.0))
    assert (made.trouble, made.restarts, begun) == (None, 1, [0, 5])
    at = 1 + PATIENCE  # the restart takes the place of the iterate that was one too many
    assert made.curve == [*frozen[:at], *falling(5.0)[: 101 - at]]
    assert len(made.seconds) == 101


def test_a_stall_that_stays_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = run(monkeypatch, [8.0, *[5.0] * 100], [5.0] * 101)
    assert (made.trouble, made.restarts) == ("stalled", 1)
    assert len(made.curve) == 2 + 2 * PATIENCE
    assert judge(made.curve, network=4.9, content=9.0, trouble=made.trouble) == "stalled"


@pytest.mark.parametrize("sound", [1, 45, 71, 72])
def test_a_stall_too_late_to_be_patient_with(monkeypatch: pytest.MonkeyPatch, sound: int) -> None:
    late = [8.0] * (sound == 1) or falling(8.0)[:sound]
    made, _ = run(monkeypatch, [*late, *[late[-1]] * 101], [late[-1]] * 101)
    assert (made.trouble, made.restarts) == (("stalled", 1) if sound < 72 else (None, 0))
    assert len(made.curve) <= 101


def test_an_explosion_that_stays_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = run(monkeypatch, [8.0, 7.0, 6.0])
    assert (made.trouble, made.curve) == ("diverged", [8, 7, 6])
    made, _ = run(monkeypatch, [8.0, 7.0, 6.0], restarts=2)  # once more than once
    assert (made.trouble, made.restarts, made.curve) == ("diverged", 2, [8, 7])


def test_what_counts_as_a_stall() -> None:
    slow = [(1 - 2 * IMPROVEMENT) ** (index / PATIENCE) for index in range(100)]
    assert not has_stalled(slow)
    assert has_stalled([1 - (1 - value) / 4 for value in slow])
    assert not has_stalled([1.0] * PATIENCE)
    assert has_stalled([1.0] * (PATIENCE + 1))
    assert not has_stalled([1.0] * 90, since=89 - PATIENCE + 1)
