"""Batches of crops for every process of a run, and what all of them skipped."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor
from torch.utils.data import DataLoader

from impasto.hardware import default_workers
from impasto.photos import Draws, PhotoFolder
from impasto.scan import check_photos
from impasto.settings import TrainSettings
from impasto.workers import end_with_this_process, serve


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
        self.dataset = PhotoFolder(paths=paths, size=size, seed=seed)
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
            sampler=Draws(start=step * self.batch_size * world + rank, stride=world),
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


def build_data(
    settings: TrainSettings, paths: Sequence[Path], *, say: Callable[[str], object]
) -> PhotoDataModule:
    """The crops of a run, its photographs looked at first if `--check-photos` says so.

    Raises:
        InputError: there are none, or more than half of them cannot be read.
    """
    data = PhotoDataModule(
        paths=paths,
        size=settings.image_size,
        batch_size=settings.batch_size,
        workers=settings.workers,
        seed=settings.seed,
    )
    if settings.check_photos:
        check = rank_zero_only(check_photos)
        check(paths, size=settings.image_size, workers=data.workers, say=say)
    return data
