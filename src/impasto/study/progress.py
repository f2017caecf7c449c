"""How studies tell their caller how far they are; the best picture of an optimisation."""

from collections.abc import Callable

from impasto.gatys import Progress

Say = Callable[[str], object]  # a plain line
Tick = Callable[[float, float, str], object]  # done, of how much, what is being done
Watch = Callable[[Progress], object]  # every iterate


def silent(*_: object) -> None:
    """For callers who do not want to know."""


class Lowest:
    """Sees every iterate and keeps the one with the lowest loss.

    Losses of two sizes do not compare, so that a larger picture takes the place of a smaller one.
    """

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.best: Progress | None = None

    def __call__(self, now: Progress) -> None:
        """Look at an iterate."""
        best = self.best
        if best is None or now.image.shape != best.image.shape or now.total < best.total:
            self.best = now
