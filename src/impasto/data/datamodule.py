"""Batches of crops for every process of a run, and what all of them skipped."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_only
from torch.utils.data import DataLoader

from impasto.config.settings import RunSettings
from impasto.data.dataset import DrawnImages, InfiniteSampler, RandomCropDataset
from impasto.data.paintings import PaintingDataset, Pair, PairDataset
from impasto.data.verify import check_images
from impasto.data.workers import end_with_this_process, serve
from impasto.errors import InputError
from impasto.system import default_workers

SHARED = Path("/dev/shm")  # where Linux keeps what processes share
SPARE = 1 << 16  # bytes, for the locks of queues
MEGABYTE = 1 << 20
SIGNS = ("DataLoader worker (pid", "shared memory")  # in what torch says of workers that are lost

logger = logging.getLogger(__name__)
B = TypeVar("B")


class DrawsDataModule(pl.LightningDataModule):
    """Batches of what a dataset gives for draws, float32 RGB in [0,1] once on the device."""

    def __init__(
        self,
        *,
        dataset: DrawnImages | PairDataset,
        batch_size: int = 4,
        workers: int | None = None,
    ) -> None:
        """`workers` None: as many as there are cores to spare, at most 8 a device."""
        super().__init__()
        self.dataset = dataset
        self.batch_size = batch_size
        self.given = workers
        self.workers = default_workers() if workers is None else workers

    def train_dataloader(self) -> DataLoader[Any]:
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

    def on_before_batch_transfer(self, batch: B, dataloader_idx: int) -> B:
        """Raises InputError if more than half of the files turned out to be unreadable."""
        for part in self.dataset.parts:
            part.check()
        return batch

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """uint8 -> float32 in [0,1], after the copy to the device."""
        if isinstance(batch, Pair):
            return Pair(*(images.float() / 255 for images in batch))
        return batch.float() / 255

    def teardown(self, stage: str) -> None:
        """Every process has read its own share: what any of them skipped, all know of."""
        if self.trainer is None or self.trainer.world_size == 1:
            return
        strategy = self.trainer.strategy
        for part in self.dataset.parts:
            skipped = part.skipped.to(strategy.root_device, torch.uint8)
            part.skipped = strategy.reduce(skipped, reduce_op="max").bool().cpu()

    def report(self) -> list[str]:
        """A line for the photographs that were skipped, and one for the paintings."""
        return [line for part in self.dataset.parts if (line := part.report())]


class PhotoDataModule(DrawsDataModule):
    """Batches of crops of photographs, (B, 3, size, size)."""

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
        photos = RandomCropDataset(paths=paths, size=size, seed=seed)
        super().__init__(dataset=photos, batch_size=batch_size, workers=workers)


def build_data(
    settings: RunSettings, photos: Sequence[Path], paintings: Sequence[Path] | None = None
) -> DrawsDataModule:
    """The crops of a run, its files looked at first if `--verify-photos` says so.

    With `paintings` every photograph comes in a `Pair` with one of them.

    Raises:
        InputError: there are none, or more than half of them cannot be read; or no shared memory
            for the processes that were asked for.
    """
    size, seed = settings.image_size, settings.seed
    crops = RandomCropDataset(paths=photos, size=size, seed=seed)
    dataset: DrawnImages | PairDataset = crops
    if paintings is not None:
        regions = PaintingDataset(paths=paintings, size=size, seed=seed)
        dataset = PairDataset(photos=crops, paintings=regions)
    batch = 3 * size**2 * settings.batch_size * len(dataset.parts)  # bytes
    flags = sum(len(part.paths) for part in dataset.parts)
    workers = _that_fit(settings, batch=batch, flags=flags)
    data = DrawsDataModule(dataset=dataset, batch_size=settings.batch_size, workers=workers)
    if settings.verify_photos:
        check = rank_zero_only(check_images)
        for part in dataset.parts:
            check(part.paths, size=size, workers=data.workers, kind=part.kind)
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


def _that_fit(settings: RunSettings, *, batch: int, flags: int) -> int | None:
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
