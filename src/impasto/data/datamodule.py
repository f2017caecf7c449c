"""Batches of crops for every process of a run, and what all of them skipped."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor
from torch.utils.data import DataLoader

from impasto.config.settings import TrainSettings
from impasto.data.dataset import InfiniteSampler, RandomCropDataset
from impasto.data.verify import check_photos
from impasto.data.workers import end_with_this_process, serve
from impasto.errors import InputError
from impasto.system import default_workers

SHARED = Path("/dev/shm")  # where Linux keeps what processes share
SPARE = 1 << 16  # bytes, for the locks of queues
MEGABYTE = 1 << 20
SIGNS = ("DataLoader worker (pid", "shared memory")  # in what torch says of workers that are lost

logger = logging.getLogger(__name__)


class PhotoDataModule(pl.LightningDataModule):
    """Batches of crops, (B, 3, size, size) float32 RGB in [0,1] once they are on the device."""

    def __init__(
        self,
        *,
        paths: Sequence[Path],
        size: int = 256,
        batch_size: int = 4,
        workers: int | None = None,
        seed: int = 0,
    ) -> None:
        """`workers` None: as many as there are cores to spare, at most 8 a device."""
        super().__init__()
        self.dataset = RandomCropDataset(paths=paths, size=size, seed=seed)
        self.batch_size = batch_size
        self.given = workers
        self.workers = default_workers() if workers is None else workers

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Begin where the trainer stands, so that a resumed run sees what it would have seen."""
        trainer = self.trainer
        rank, world, step, devices = 0, 1, 0, 1
        if trainer is not None:
            rank, world, step = trainer.global_rank, trainer.world_size, trainer.global_step
            devices = trainer.num_devices
        end_with_this_process()
        return DataLoader(
            self.dataset,
            batch_size=self.batch_size,
            sampler=InfiniteSampler(start=step * self.batch_size * world + rank, stride=world),
            num_workers=default_workers(devices) if self.given is None else self.given,
            worker_init_fn=serve,
            pin_memory=torch.cuda.is_available(),
        )

    def on_before_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> Tensor:
        """Raises InputError if more than half of the photographs turned out to be unreadable."""
        self.dataset.check()
        return batch

    def on_after_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> Tensor:
        """uint8 -> float32 in [0,1], after the copy to the device."""
        return batch.float() / 255

    def teardown(self, stage: str) -> None:
        """Every process has read its own share: what any of them skipped, all know of."""
        if self.trainer is not None and self.trainer.world_size > 1:
            strategy = self.trainer.strategy
            skipped = self.dataset.skipped.to(strategy.root_device, torch.uint8)
            self.dataset.skipped = strategy.reduce(skipped, reduce_op="max").bool().cpu()


def build_data(settings: TrainSettings, paths: Sequence[Path]) -> PhotoDataModule:
    """The crops of a run, its photographs looked at first if `--verify-photos` says so.

    Raises:
        InputError: there are none, or more than half of them cannot be read; or no shared memory
            for the processes that were asked for.
    """
    batch = 3 * settings.image_size**2 * settings.batch_size  # bytes
    data = PhotoDataModule(
        paths=paths,
        size=settings.image_size,
        batch_size=settings.batch_size,
        workers=_that_fit(settings, batch=batch, flags=len(paths)),
        seed=settings.seed,
    )
    if settings.verify_photos:
        check = rank_zero_only(check_photos)
        check(paths, size=settings.image_size, workers=data.workers)
    return data


@contextmanager
def lost_readers_are_said() -> Iterator[None]:
    """Around `fit`.

    Raises:
        InputError: a process that read photographs is gone, or found no memory to share.
    """
    try:
        yield
    except (RuntimeError, ConnectionError, EOFError) as error:
        # a process that is just ending is not known to be gone when its batch is asked for
        if isinstance(error, RuntimeError) and not any(sign in str(error) for sign in SIGNS):
            raise
        raise InputError(
            f"lost a process that read photographs, for lack of memory or of space in {SHARED} "
            "perhaps: lower --workers, 0 shares nothing"
        ) from error


def _that_fit(settings: TrainSettings, *, batch: int, flags: int) -> int | None:
    """The workers that the settings ask for, or fewer where nobody named a number.

    Batches travel through shared memory, of which containers have 64 MB or less.
    """
    if not SHARED.is_dir():
        return settings.workers
    free = shutil.disk_usage(SHARED).free
    if free < flags + SPARE:
        raise InputError(f"{SHARED} is full: free some of it, or docker run --shm-size=1g")
    fitting = workers_in(free - flags - SPARE, batch=batch * settings.devices)
    named, devices = settings.workers, settings.devices
    wanted = default_workers(devices) if named is None else named
    if wanted <= fitting:
        return named
    room = f"{SHARED} has {free / MEGABYTE:.1f} MB"
    if named is not None:
        raise InputError(
            f"{room}, too little for --workers {named}: give {fitting}, or docker run --shm-size=1g"
        )
    logger.info("%s, enough for %d of %d processes that read photographs", room, fitting, wanted)
    return fitting


def workers_in(free: int, *, batch: int) -> int:
    """How many workers `free` bytes of shared memory are enough for.

    Args:
        free: bytes.
        batch: bytes of one. Each worker has two under way, the run itself holds two.
    """
    return max(0, (free // batch - 2) // 2)
