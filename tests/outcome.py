"""What a run of train.py has come to, to compare it with another."""

from pathlib import Path
from typing import Any

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def learned(checkpoint: Path) -> dict[str, Any]:
    """All that a run has come to: parameters, moments, schedule, step, what the guard counts."""
    return load(checkpoint, "state_dict", "optimizer_states", "lr_schedulers", "global_step") | {
        "guard": load(checkpoint, "callbacks")["callbacks"]["NanGuard"]
    }


def load(checkpoint: Path, *keys: str) -> dict[str, Any]:
    """Parts of a checkpoint."""
    content = torch.load(checkpoint, weights_only=True)
    return {key: content[key] for key in keys}


def same(one: Any, other: Any) -> bool:
    """Whether two nested states are equal, tensors bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def totals(folder: Path) -> list[float]:
    """The total loss of a run, as TensorBoard shows it."""
    events = EventAccumulator(str(folder / "logs"))
    events.Reload()
    return [event.value for event in events.Scalars("train/total")]
