"""A clock that nothing but the steps of a training moves."""

import math
from typing import Any

import pytest

from impasto.training.budget import Budget
from impasto.training.module import StyleTransferModule


class StepClock:
    """Shows seconds; every step takes `pace` of them."""

    def __init__(self, pace: float = 1.0) -> None:
        """It begins somewhere, as `time.monotonic` does."""
        self.shown, self.pace = 1000.0, pace

    def __call__(self) -> float:
        """As of now."""
        return self.shown


def go_by(clock: StepClock, patch: pytest.MonkeyPatch) -> None:
    """Have every run measure its minutes by `clock`."""
    patch.setitem(Budget.__init__.__kwdefaults__, "clock", clock)  # type: ignore[arg-type]
    original = StyleTransferModule.training_step

    def training_step(self: StyleTransferModule, *args: Any) -> Any:
        clock.shown += clock.pace
        return original(self, *args)

    patch.setattr(StyleTransferModule, "training_step", training_step)


def cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))
