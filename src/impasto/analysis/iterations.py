"""How many iterations a network matches, read off a loss curve: one photograph, then all."""

from collections.abc import Sequence
from itertools import accumulate
from statistics import fmean, stdev
from typing import Any

MARKS = (100, 300, 500)  # the iterations of Johnson's Table 1
ROUNDING = 1e-6  # the same picture judged twice may differ by so much
WORSE = "worse than the content image"


def matching_iteration(
    curve: Sequence[float], *, network: float, content: float, trouble: str | None = None
) -> int | str:
    """The iteration whose loss a network matches, or in words why there is none.

    The first iteration whose loss is no higher than the network's; ">N" if N iterations do not get
    there; WORSE if the content image itself has a lower loss than the network; the trouble, if the
    optimizer stalled or diverged before it got there, which proves nothing.

    Args:
        curve: total losses of the iterates, the start first.
        network: the loss of the network's picture.
        content: the loss of the photograph itself.
        trouble: of the optimizer, see `Watchdog`.
    """
    if network > content * (1 + ROUNDING):
        return WORSE
    for iteration, loss in enumerate(curve):
        if loss <= network * (1 + ROUNDING):
            return iteration
    return trouble or f">{len(curve) - 1}"


def as_number(matches: int | str) -> int | None:
    """What counts in a mean: N of ">N", 0 where it is WORSE, None for an optimizer's trouble."""
    if isinstance(matches, int):
        return matches
    if matches == WORSE:
        return 0
    return int(matches[1:]) if matches.startswith(">") else None


def in_words(matches: int | str) -> str:
    """What `matching_iteration` found, as a phrase after the name of a photograph."""
    if isinstance(matches, int):
        return f"matches {matches} iterations"
    return f"matches more than {matches[1:]} iterations" if matches.startswith(">") else matches


def lowest_so_far(curve: Sequence[float]) -> list[float]:
    """What an optimizer that keeps its best picture has in hand, iteration by iteration."""
    return list(accumulate(curve, min))


def marks(iterations: int) -> list[int]:
    """The iterations whose losses a table shows."""
    return [mark for mark in MARKS if mark < iterations] + [iterations]


def summarize(results: Sequence[dict[str, Any]], *, size: int) -> dict[str, Any]:
    """Mean and spread over the photographs of one size.

    A network that was never reached counts with all the iterations, so that the mean is a lower
    bound then. Of stalled and diverged optimizers nothing counts but the network's side.
    """
    here = [result for result in results if result["size"] == size]
    sound = [result for result in here if not result["trouble"]]
    numbers = [as_number(result["matches"]) for result in here]
    counted = [number for number in numbers if number is not None]
    seconds = [result["seconds"] for result in here]
    return {
        "size": size,
        "photos": len(here),
        "counted": len(counted),
        "never_reached": sum(str(result["matches"]).startswith(">") for result in here),
        "worse_than_content": sum(result["matches"] == WORSE for result in here),
        "stalled_or_diverged": len(here) - len(counted),
        "matches": spread(counted),
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
