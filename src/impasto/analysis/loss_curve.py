"""A loss curve of Gatys' method, and whether it can be trusted."""

import time
from dataclasses import dataclass, field

from torch import Tensor

from impasto.analysis.progress import Tick, silent
from impasto.errors import InputError
from impasto.gatys.optimize import OptimizerConfig, optimize
from impasto.gatys.watchdog import Trouble, Watchdog
from impasto.losses.perceptual import PerceptualLoss

JOHNSON = OptimizerConfig(optimizer="lbfgs", line_search=False)  # clipped inside the closure
PATIENCE = 30  # iterations
RESTARTS = 1


@dataclass(kw_only=True)
class LossCurve:
    """What became of one picture.

    `losses` are the total losses of the iterates, the start first, and `seconds` how long it took
    to get there. The curve ends early in `trouble`, see `Watchdog`.
    """

    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    restarts: int = 0
    trouble: Trouble | None = None


def record_curve(
    loss: PerceptualLoss,
    *,
    content: Tensor,
    start: Tensor,
    iterations: int,
    config: OptimizerConfig = JOHNSON,
    tick: Tick = silent,
) -> LossCurve:
    """Optimize a picture, (1, 3, H, W) in [0,1], and keep its curve.

    Once, an optimizer in trouble goes on from its best picture without its memory, and with half
    the step where it exploded. Iterations that were lost count like others.
    """
    watchdog = Watchdog(patience=PATIENCE, max_restarts=RESTARTS)
    steps = optimize(
        loss,
        content=content,
        start=start,
        iterations=iterations,
        config=config,
        watchdog=watchdog,
    )
    curve, clock = LossCurve(), 0.0
    while True:
        begin = time.perf_counter()
        try:
            now = next(steps, None)
        except InputError:  # it diverged, as the watchdog says too
            break
        if now is None:
            watchdog.finish()
            break
        clock += time.perf_counter() - begin
        curve.losses.append(now.total)
        curve.seconds.append(clock)
        tick(now.iteration, now.iterations, f"iteration {now.iteration}, loss {now.total:.4g}")
    curve.restarts, curve.trouble = watchdog.restarts, watchdog.trouble
    return curve
