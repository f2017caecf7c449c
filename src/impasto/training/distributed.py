"""Several processes that learn one network: how they agree, and what is said when one is lost."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from subprocess import Popen
from threading import Thread
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.plugins.environments import (
    ClusterEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch.distributed import DistError

from impasto.errors import InputError

SILENCE = timedelta(minutes=10)  # longer than any export keeps the others waiting
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
                f"{processes}: make them alike"
            )
    if processes == 1:
        return "auto"
    # the only buffers are those of the frozen loss, the same everywhere
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
    """Around `fit`.

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


class RankWatcher(Callback):
    """Sees to it that all processes begin alike, and tells which one has died."""

    def __init__(self, *, say: Callable[[str], object]) -> None:
        """`say` takes a sentence, from another thread, shortly before Lightning ends the rest."""
        self.say = say

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare where the processes stand; watch those that this one has started.

        Raises:
            InputError: they stand at different steps.
        """
        if trainer.world_size == 1:
            return
        step = trainer.global_step
        if _largest(trainer, step) != -_largest(trainer, -step):
            raise InputError(
                "the processes begin at different steps: give an --output-dir that every node sees"
            )
        children: Sequence[Popen[Any]] = getattr(trainer.strategy.launcher, "procs", [])
        Thread(target=self._watch, args=(children,), daemon=True).start()

    def _watch(self, children: Sequence[Popen[Any]]) -> None:
        codes: list[int | None] = [None] if children else []
        while None in codes:
            codes = [child.poll() for child in children]
            for rank, code in enumerate(codes, start=1):
                if code:
                    self.say(f"process {rank} of this run died ({_how(code)}): {REMEDY}")
                    return
            time.sleep(0.5)


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _largest(trainer: pl.Trainer, value: int) -> int:
    tensor = torch.tensor(value, device=trainer.strategy.root_device)
    return int(trainer.strategy.reduce(tensor, reduce_op="max"))
