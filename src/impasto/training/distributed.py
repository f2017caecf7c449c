"""Several processes that learn one network: how they agree, and what is said when one is lost.

All of it is for tests/faults/test_ranks.py and test_launchers.py, which run two processes.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.plugins.environments import (
    ClusterEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch.distributed import DistError

from impasto.errors import InputError

# Longer than any export keeps the others waiting (test_one_that_only_falls_silent_...).
SILENCE = timedelta(minutes=10)
LAUNCHERS: dict[str, type[ClusterEnvironment]] = {
    "torchrun": TorchElasticEnvironment,
    "SLURM": SLURMEnvironment,
}
AGREE_EVERY = 10  # steps; asking the others makes every GPU wait, so not at every one
REFUSALS = (  # what Lightning raises about devices and launchers; for TPUs the module is missing
    MisconfigurationException,
    ModuleNotFoundError,
    RuntimeError,
    ValueError,
)
REMEDY = "start all of them again with the same command, which goes on from the last checkpoint"


def pick_strategy(processes: int) -> DDPStrategy | str:
    """Lightning's choice for one process, DDP that does not wait for ever for several.

    Raises:
        InputError: a launcher has started another number: as so many single runs they would all
            write the same files.
    """
    for launcher, environment in LAUNCHERS.items():
        if environment.detect() and (started := environment().world_size()) != processes:
            raise InputError(
                f"{launcher} has started {started} processes, but --devices times --nodes is "
                f"{processes}: make these numbers equal"
            )
    if processes == 1:
        return "auto"
    # buffers are the same everywhere: those of the frozen loss, and the statistics of paintings
    return DDPStrategy(timeout=SILENCE, gradient_as_bucket_view=True, broadcast_buffers=False)


def agreed(trainer: pl.Trainer, value: int) -> int:
    """The largest `value` of any process, so that all of them do the same at the same step.

    With several processes it is 0 but at every tenth step. Every process has to call it.
    """
    if trainer.world_size == 1:
        return value
    if trainer.global_step % AGREE_EVERY:
        return 0
    return _largest(trainer, value)


def of_the_first(trainer: pl.Trainer, value: float) -> float:
    """The first process's `value`, at least 0, to a thousandth if there are others.

    Every process has to call it.
    """
    if trainer.world_size == 1:
        return value
    return _largest(trainer, round(1000 * value) if trainer.is_global_zero else 0) / 1000


@contextmanager
def refused_is_said() -> Iterator[None]:
    """Around the making of a trainer.

    Raises:
        InputError: there are no such devices, or not so many.
    """
    try:
        yield
    except InputError:
        raise
    except REFUSALS as error:
        why = str(error).strip().partition("\n")[0].rstrip(".!")
        raise InputError(f"--accelerator, --devices and --nodes do not fit: {why}") from error


@contextmanager
def lost_is_said(processes: int) -> Iterator[None]:
    """Around `fit` (test_a_lost_node_ends_the_other_and_both_can_go_on).

    Raises:
        InputError: another process of the run is gone, or was silent for `SILENCE`.
    """
    try:
        yield
    except RuntimeError as error:
        torn = isinstance(error, DistError) or "gloo" in str(error).lower()
        if processes == 1 or not torn:
            raise
        raise InputError(f"lost one of the {processes} processes of this run: {REMEDY}") from error


class SameBeginning(Callback):
    """Sees to it that all processes begin at the same step (test_nodes_that_do_not_see_...)."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Raises InputError if they do not."""
        step = trainer.global_step
        if trainer.world_size > 1 and _largest(trainer, step) != -_largest(trainer, -step):
            raise InputError(
                "the processes begin at different steps: give an --output-dir that every node sees"
            )


def let_the_first_speak() -> None:
    """Have all processes of a run but the first log errors only."""
    if getattr(rank_zero_only, "rank", 0):
        logging.getLogger("impasto").setLevel(logging.ERROR)


def _largest(trainer: pl.Trainer, value: int) -> int:
    tensor = torch.tensor(value, device=trainer.strategy.root_device)
    return int(trainer.strategy.reduce(tensor, reduce_op="max"))
