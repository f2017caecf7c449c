"""How a study tells its caller how far it is."""

from collections.abc import Callable

Tick = Callable[[float, float, str], object]  # done, of how much, what is being done


def silent(*_: object) -> None:
    """For callers who do not want to know."""


def portion(tick: Tick, done: float, of: float, *, size: float = 1, name: str = "") -> Tick:
    """What a part of the work may call as if it were all of it.

    Args:
        tick: of the whole.
        done: how much of it is done before.
        of: how much it is.
        size: how much of that the part is.
        name: of the part.
    """
    prefix = f"{name}: " if name else ""
    return lambda share, whole, doing: tick(done + size * share / whole, of, prefix + doing)
