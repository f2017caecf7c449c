"""How much of a run is used up, in steps or in minutes, and the learning rate at that point."""

import math
import time
from collections.abc import Callable
from typing import Literal

Schedule = Literal["cosine", "constant"]
WARMUP_SHARE = 0.05  # of the minutes, at most


class Budget:
    """What a run may take: steps, minutes, or both, of which counts what is used up first.

    The clock runs from the first step on, through previews, checkpoints and exports, as the user's
    does. It stands still between two halves of a run, and while the machine sleeps.
    """

    def __init__(
        self,
        *,
        steps: int | None = None,
        minutes: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` shows seconds, from wherever it likes."""
        self.steps = steps
        self.seconds = None if minutes is None else 60 * minutes
        self.clock = clock
        self.elapsed = 0.0  # seconds, as of the last step; the same on every process of a run
        self._zero: float | None = None  # what the clock showed when nothing had elapsed

    def start(self) -> None:
        """Let the clock run, if it does not."""
        if self._zero is None:
            self._zero = self.clock() - self.elapsed

    def now(self) -> float:
        """Seconds that have elapsed by this process's clock."""
        return self.elapsed if self._zero is None else self.clock() - self._zero

    def used(self, step: int) -> float:
        """The share that is used up after `step` steps, in [0,1]."""
        of_steps = step / self.steps if self.steps else 0.0
        of_time = self.elapsed / self.seconds if self.seconds else 0.0
        return min(1.0, max(of_steps, of_time))

    def is_used_up(self, step: int) -> bool:
        """Whether the run ends after `step` steps."""
        return self.used(step) == 1.0

    def rate(self, step: int, *, warmup: int, schedule: Schedule) -> float:
        """The learning rate of the next step, in [0,1], after `step` steps.

        It rises over `warmup` steps, then stays or falls along a cosine to zero.
        """
        used = self.used(step)
        rise = (step + 1) / (warmup + 1)
        if self.seconds:
            # It is there for the optimizer's running means, which need steps, not seconds; but on a
            # slow machine so many steps may be half of the run.
            rise = max(rise, used / WARMUP_SHARE)
        rise = min(1.0, rise)
        if schedule == "constant":
            return rise
        return rise * 0.5 * (1.0 + math.cos(math.pi * used))

    def told(self, step: int) -> str:
        """As in `5 of 12 steps in 0.1 minutes` or `512 steps in 3.0 of 3 minutes`."""
        steps = f"{step} of {self.steps}" if self.steps else f"{step}"
        limit = f" of {self.seconds / 60:g}" if self.seconds else ""
        return f"{steps} steps in {self.elapsed / 60:.1f}{limit} minutes"
