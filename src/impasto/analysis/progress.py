"""How studies tell their caller how far they are."""

from collections.abc import Callable

from impasto.gatys.optimize import Progress

Say = Callable[[str], object]  # a plain line
Tick = Callable[[float, float, str], object]  # done, of how much, what is being done
Watch = Callable[[Progress], object]  # every iterate


def silent(*_: object) -> None:
    """For callers who do not want to know."""
