"""When an optimizer begins again and when it gives up, on losses that were made up."""

import math
from collections.abc import Sequence

import pytest

from impasto.gatys.watchdog import ASTRAY, EXPLODED, IMPROVEMENT, MAX_FAILURES, Verdict, Watchdog

PATIENCE = 30


def feed(watchdog: Watchdog, losses: Sequence[float]) -> Verdict:
    """What it says of the last one; it has no complaints before."""
    *before, last = losses
    assert {watchdog.update(loss) for loss in before} <= {"ok"}
    return watchdog.update(last)


def falling(begin: float, count: int) -> list[float]:
    return [begin * 0.99**index for index in range(count)]


def test_watchdog_leaves_a_healthy_loss_alone() -> None:
    watchdog = Watchdog(patience=PATIENCE, max_restarts=1)
    assert feed(watchdog, falling(8.0, 101)) == "ok"
    watchdog.finish()
    assert (watchdog.trouble, watchdog.restarts) == (None, 0)
    assert watchdog.lows == falling(8.0, 101)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 8.0 * EXPLODED * 1.01])
def test_watchdog_restarts_after_an_explosion(bad: float) -> None:
    watchdog = Watchdog()
    assert feed(watchdog, [9.0, 8.0, bad]) == "restart"
    assert (watchdog.trouble, watchdog.restarts, watchdog.lows) == ("diverged", 1, [9.0, 8.0])
    assert feed(watchdog, [8.0, 7.0]) == "ok"
    assert (watchdog.trouble, watchdog.lows) == (None, [9.0, 8.0, 8.0, 7.0])


def test_watchdog_takes_a_loss_that_stays_above_the_first_for_divergence() -> None:
    watchdog = Watchdog()
    assert feed(watchdog, [5.0, *[6.0] * ASTRAY]) == "restart"
    assert watchdog.trouble == "diverged"
    assert feed(Watchdog(), [5.0, *[6.0] * (ASTRAY - 1), 4.0, *[6.0] * (ASTRAY - 1)]) == "ok"


def test_watchdog_ignores_jumps_far_below_the_first_loss() -> None:
    assert feed(Watchdog(), [1.0, 1e-12, 1e-6]) == "ok"


def test_watchdog_gives_up_where_the_start_has_no_loss() -> None:
    assert Watchdog().update(math.nan) == "give_up"


def test_watchdog_gives_up_after_failures_in_a_row() -> None:
    watchdog = Watchdog()
    assert feed(watchdog, [2.0, 1.0]) == "ok"
    assert [watchdog.update(math.nan) for _ in range(MAX_FAILURES + 1)] == [
        *["restart"] * MAX_FAILURES,
        "give_up",
    ]
    watchdog = Watchdog()
    for loss in falling(1.0, 3 * MAX_FAILURES):  # a lower loss in between proves a restart
        assert feed(watchdog, [loss, math.nan]) == "restart"


def test_watchdog_restarts_a_stall_once_and_then_gives_up() -> None:
    watchdog = Watchdog(patience=PATIENCE, max_restarts=1)
    assert feed(watchdog, [8.0, 5.0, *[5.585] * (PATIENCE - 1)]) == "ok"
    assert watchdog.update(5.585) == "restart"
    assert (watchdog.trouble, len(watchdog.lows)) == ("stalled", 1 + PATIENCE)
    assert feed(watchdog, [5.0] * PATIENCE) == "ok"  # the restart has as long as the start had
    assert watchdog.update(5.0) == "give_up"
    assert (watchdog.trouble, watchdog.restarts) == ("stalled", 1)


def test_watchdog_without_patience_knows_no_stall() -> None:
    assert feed(Watchdog(), [8.0, *[5.0] * 200]) == "ok"


@pytest.mark.parametrize(("later", "trouble"), [(5.0, "stalled"), (4.9, None)])
def test_watchdog_finds_a_stall_that_was_too_late_to_be_patient_with(
    later: float, trouble: str | None
) -> None:
    watchdog = Watchdog(patience=PATIENCE, max_restarts=1)
    assert feed(watchdog, [8.0, *[5.0] * (PATIENCE + 1)]) == "restart"
    assert feed(watchdog, [5.0, 5.0, later]) == "ok"
    watchdog.finish()
    assert watchdog.trouble == trouble


def test_watchdog_calls_what_falls_slower_than_the_improvement_a_stall() -> None:
    slow = [(1 - 2 * IMPROVEMENT) ** (index / PATIENCE) for index in range(100)]
    assert feed(Watchdog(patience=PATIENCE), slow) == "ok"
    slower = [1 - (1 - value) / 4 for value in slow[: PATIENCE + 1]]
    assert feed(Watchdog(patience=PATIENCE), slower) == "restart"
