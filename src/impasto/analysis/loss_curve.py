"""A loss curve of Gatys' method, and whether it can be trusted."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from torch import Tensor

from impasto.analysis.progress import Watch, silent
from impasto.errors import InputError
from impasto.gatys.multiscale import Lowest
from impasto.gatys.optimize import Method, Progress, optimise
from impasto.losses.perceptual import PerceptualLoss

JOHNSON = Method(optimizer="lbfgs", line_search=False)  # projected: clipped inside the closure
PATIENCE = 30  # iterations
IMPROVEMENT = 1e-5  # of the lowest loss, in PATIENCE iterations; a healthy tail still makes 3e-4
RESTARTS = 1


@dataclass(kw_only=True)
class Descent:
    """What became of one picture.

    `curve` holds the total loss of every iterate, the start first, and `seconds` how long it took
    to get there. The curve ends early in `trouble`: when the optimizer had been restarted and still
    `stalled` (its lowest loss fell by less than IMPROVEMENT in PATIENCE iterations) or `diverged`
    (its loss exploded or was no number). A minimum cannot be told from a stall by its curve.
    """

    curve: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    restarts: int = 0
    trouble: str | None = None


def descend(
    loss: PerceptualLoss,
    *,
    content: Tensor,
    start: Tensor,
    iterations: int,
    method: Method = JOHNSON,
    watch: Watch = silent,
) -> Descent:
    """Optimise a picture, (1, 3, H, W) in [0,1], and keep its curve.

    Once, an optimizer in trouble goes on from its lowest picture with a cleared history, and with
    half the step where it exploded. Iterations that were lost count like others.
    """
    follower = _Follower(iterations, watch)
    descent, picture = follower.descent, start
    for _ in range(1 + RESTARTS):
        done = max(0, len(descent.curve) - 1)
        steps = optimise(
            loss, content=content, start=picture, iterations=iterations - done, method=method
        )
        descent.trouble = follower.follow(steps, done)
        if descent.trouble != "stalled" or follower.lowest.best is None:
            break
        picture = follower.lowest.best.image
    return descent


class _Follower:
    """Keeps the record while optimizers come and go."""

    def __init__(self, iterations: int, watch: Watch) -> None:
        self.iterations = iterations
        self.descent = Descent()
        self.lowest = Lowest()
        self.watch = watch
        self.clock = 0.0

    def follow(self, steps: Iterator[Progress], done: int) -> str | None:
        """History an optimizer to its end, `done` iterations on; returns its trouble, if any."""
        descent, since = self.descent, done
        before = descent.restarts + (done > 0)
        while True:
            try:
                now = self._timed(steps)
            except InputError:
                return "diverged"
            if now is None:  # a restart may have had less than PATIENCE to prove itself
                return "stalled" if done and _is_flat(descent.curve, before=done + 1) else None
            if before + now.restarts > descent.restarts:
                descent.restarts, since = before + now.restarts, done + now.iteration
                if descent.restarts > RESTARTS:
                    return "diverged" if now.restarts else "stalled"
            self._record(now, at=done + now.iteration)
            if has_stalled(descent.curve, since=since):
                return "stalled"

    def _timed(self, steps: Iterator[Progress]) -> Progress | None:
        begin = time.perf_counter()
        now = next(steps, None)
        self.clock += time.perf_counter() - begin
        return now

    def _record(self, now: Progress, *, at: int) -> None:
        descent = self.descent
        del descent.curve[at:], descent.seconds[at:]  # a restart takes the last one's place
        descent.curve.append(now.total)
        descent.seconds.append(self.clock)
        self.lowest(now)
        self.watch(replace(now, iteration=at, iterations=self.iterations))


def has_stalled(curve: list[float], *, since: int = 0) -> bool:
    """Whether the lowest loss has not moved in the last PATIENCE iterations after `since`."""
    return len(curve) - 1 - since >= PATIENCE and _is_flat(curve, before=len(curve) - PATIENCE)


def _is_flat(curve: list[float], *, before: int) -> bool:
    return min(curve) > min(curve[:before]) * (1 - IMPROVEMENT)
