"""Worth N iterations: what a curve says of a network, one photograph and then all of them."""

from collections.abc import Sequence
from itertools import accumulate
from statistics import fmean, stdev
from typing import Any

MARKS = (100, 300, 500)  # the iterations of Johnson's Table 1
ROUNDING = 1e-6  # the same picture judged twice may differ by so much
WORSE = "worse than the content image"


def judge(
    curve: Sequence[float], *, network: float, content: float, trouble: str | None = None
) -> int | str:
    """How many iterations a network is worth, or in words why there is no number.

    The first iteration whose loss is no higher than the network's; ">N" if N iterations do not get
    there; WORSE if the content image itself has a lower loss than the network; the trouble, if the
    optimizer stalled or diverged before it got there, which proves nothing.

    Args:
        curve: total losses of the iterates, the start first.
        network: the loss of the network's picture.
        content: the loss of the photograph itself.
        trouble: of the optimizer, see `Descent`.
    """
    if network > content * (1 + ROUNDING):
        return WORSE
    for iteration, loss in enumerate(curve):
        if loss <= network * (1 + ROUNDING):
            return iteration
    return trouble or f">{len(curve) - 1}"


def as_number(worth: int | str) -> int | None:
    """What counts in a mean: N of ">N", 0 where it is WORSE, None for an optimizer's trouble."""
    if isinstance(worth, int):
        return worth
    if worth == WORSE:
        return 0
    return int(worth[1:]) if worth.startswith(">") else None


def lowest_so_far(curve: Sequence[float]) -> list[float]:
    """What an optimizer that keeps its best picture has in hand, iteration by iteration."""
    return list(accumulate(curve, min))


def marks(iterations: int) -> list[int]:
    """The iterations whose losses a table shows."""
    return [mark for mark in MARKS if mark < iterations] + [iterations]


def summarise(results: Sequence[dict[str, Any]], *, size: int) -> dict[str, Any]:
    """Mean and spread over the photographs of one size.

    A network that was never reached counts with all the iterations, so that the mean is a lower
    bound then. Of stalled and diverged optimizers nothing counts but the network's side.
    """
    here = [result for result in results if result["size"] == size]
    sound = [result for result in here if not result["trouble"]]
    worth = [as_number(result["worth"]) for result in here]
    counted = [number for number in worth if number is not None]
    seconds = [result["seconds"] for result in here]
    return {
        "size": size,
        "photos": len(here),
        "counted": len(counted),
        "never_reached": sum(str(result["worth"]).startswith(">") for result in here),
        "worse_than_content": sum(result["worth"] == WORSE for result in here),
        "stalled_or_diverged": len(here) - len(counted),
        "worth": spread(counted),
        "network": spread([result["network"]["total"] for result in here]),
        "content_image": spread([result["content_image"] for result in here]),
        "losses": {
            mark: spread([result["losses"][mark] for result in sound])
            for mark in (here[0]["losses"] if here else ())
        },
        "seconds": {
            "gatys": spread([result["seconds"]["gatys"] for result in sound]),
            "to_reach": spread([each["to_reach"] for each in seconds]),
            "network": spread([each["network"] for each in seconds]),
        },
        "speed_up": spread([result["speed_up"] for result in here]),
    }


def spread(values: Sequence[float | None]) -> dict[str, float] | None:
    """Mean, standard deviation (n - 1), least and most of what is there; None of nothing."""
    numbers = [value for value in values if value is not None]
    if not numbers:
        return None
    deviation = stdev(numbers) if len(numbers) > 1 else 0.0
    return {"mean": fmean(numbers), "std": deviation, "least": min(numbers), "most": max(numbers)}
