"""When an optimizer should begin again, and when that is of no use: what its losses say."""

import math
from typing import Literal

EXPLODED = 20.0  # times the lowest loss so far
ASTRAY = 5  # iterations in a row above the first loss: pixels all black or white are not much worse
NOISE = 1e-6  # times the first loss: what moves below it is no explosion
MAX_FAILURES = 10  # restarts in a row none of which found a lower loss
IMPROVEMENT = 1e-5  # of the lowest loss; a healthy tail makes 3e-4 in 30 iterations

Verdict = Literal["ok", "restart", "give_up"]
Trouble = Literal["diverged", "stalled"]


class Watchdog:
    """Follows the loss of one optimization. After "restart" the caller goes back to its best.

    A loss has `diverged` where it is no number, explodes, or stays above where it began. It has
    `stalled` where its lowest value fell by less than IMPROVEMENT in `patience` iterations; a
    minimum cannot be told from a stall.
    """

    def __init__(self, *, patience: int | None = None, max_restarts: int | None = None) -> None:
        """Begin with no loss seen.

        Args:
            patience: iterations; None: stalls are not looked for.
            max_restarts: in all; None: as many as there are, up to MAX_FAILURES in a row.
        """
        self.patience = patience
        self.max_restarts = max_restarts
        self.restarts = 0
        self.trouble: Trouble | None = None  # of the last loss
        self.is_lowest = False  # the last loss
        self.lows: list[float] = []  # the lowest loss so far, at every iteration
        self._first = math.inf  # where it began, or began again after a stall
        self._failures = self._astray = 0
        self._begun = 0  # the iteration of the last restart
        self._stalled_at: int | None = None

    def update(self, loss: float) -> Verdict:
        """Take the loss of the next iteration, or of the picture that a restart goes on from.

        "give_up" says that the loss is in trouble and that another restart would not help.
        """
        self.trouble = self._judge(loss)
        if self.trouble is None:
            return "ok"
        self._failures += 1
        used_up = self.restarts == self.max_restarts or self._failures > MAX_FAILURES
        if used_up or not self.lows:
            return "give_up"
        self.restarts += 1
        if self.trouble == "stalled":
            self._first, self._astray = self.lows.pop(), 0  # the restart takes its place
            self._stalled_at = len(self.lows)
        self._begun = len(self.lows)
        return "restart"

    def finish(self) -> None:
        """The iterations are used up: a stall that nothing lower has followed is one still."""
        if self._stalled_at is not None and self._is_flat(since=self._stalled_at):
            self.trouble = "stalled"

    def _judge(self, loss: float) -> Trouble | None:
        lowest = self.lows[-1] if self.lows else math.inf
        self._astray = self._astray + 1 if loss > self._first else 0
        limit = EXPLODED * max(lowest, NOISE * self._first)
        is_sound = math.isfinite(loss) and loss <= limit and self._astray < ASTRAY
        self.is_lowest = is_sound and loss < lowest
        if not is_sound:
            return "diverged"
        if not self.lows:
            self._first = loss
        if self.is_lowest:
            self._failures = 0
        self.lows.append(min(loss, lowest))
        if self.patience is None or len(self.lows) - 1 - self._begun < self.patience:
            return None
        return "stalled" if self._is_flat(since=len(self.lows) - 1 - self.patience) else None

    def _is_flat(self, *, since: int) -> bool:
        return self.lows[-1] > self.lows[since] * (1 - IMPROVEMENT)
