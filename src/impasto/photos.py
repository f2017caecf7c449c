"""Photographs for training: random crops, the same ones in every run with the same seed."""

import os
import signal
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from impasto.errors import InputError
from impasto.images import open_rgb

MAX_ZOOM = 2.0  # a crop's photograph is resized to a short side of 1..2 crops
MAX_MISSES = 20  # unreadable photographs in a row


class PhotoFolder(Dataset[Tensor]):
    """Random crops of photographs, indexed by draw.

    Draw d is the same crop whatever the number of workers, devices or restarts: its photograph
    comes from the shuffle of epoch d // len(paths), its place from a generator seeded by d.
    """

    def __init__(self, *, paths: Sequence[Path], size: int, seed: int = 0) -> None:
        """Crops are `size` pixels square.

        Raises:
            InputError: there are no photographs.
        """
        if not paths:
            raise InputError("there are no photographs to learn from: name a folder that has some")
        self.paths = list(paths)
        self.size = size
        self.seed = seed

    def __len__(self) -> int:
        """Photographs in the folder; draws may go on forever."""
        return len(self.paths)

    def __getitem__(self, draw: int) -> Tensor:
        """(3, size, size) uint8: a quarter of float32 to move between processes.

        Raises:
            InputError: twenty photographs in a row were unreadable.
        """
        for miss in range(MAX_MISSES):
            path = self.paths[self._index(draw + miss)]
            try:
                crop = self._crop(path, np.random.default_rng((self.seed, 1, draw)))
            except InputError as error:
                warnings.warn(f"skipped: {error}", stacklevel=2)
                continue
            return torch.from_numpy(np.array(crop).transpose(2, 0, 1).copy())
        raise InputError(
            f"{MAX_MISSES} photographs in a row cannot be read, the last one {path}: "
            "check the folder given as --photos"
        )

    def _index(self, draw: int) -> int:
        epoch, position = divmod(draw, len(self.paths))
        return int(_shuffle(len(self.paths), self.seed, epoch)[position])

    def _crop(self, path: Path, random: np.random.Generator) -> Image.Image:
        zoom = random.uniform(1.0, MAX_ZOOM)
        photo = open_rgb(path, at_least=round(zoom * self.size))
        side = min(photo.size) / zoom
        left, top = (random.uniform(0, length - side) for length in photo.size)
        box = (left, top, left + side, top + side)
        crop = photo.resize((self.size, self.size), Image.Resampling.BICUBIC, box=box)
        if random.random() < 0.5:
            crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return crop


class Draws(Sampler[int]):
    """Draw numbers without end, starting anywhere: every `stride`-th from `start`."""

    def __init__(self, *, start: int = 0, stride: int = 1) -> None:
        """With several devices, device r starts r later and strides over the others' draws."""
        self.start = start
        self.stride = stride

    def __iter__(self) -> Iterator[int]:
        """Count up forever: a run's length is its steps, not its epochs."""
        return count(self.start, self.stride)


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
        return DataLoader(
            self.dataset,
            batch_size=self.batch_size,
            sampler=Draws(start=step * self.batch_size * world + rank, stride=world),
            num_workers=default_workers(devices) if self.given is None else self.given,
            worker_init_fn=_leave_signals_to_the_run,
            pin_memory=torch.cuda.is_available(),
        )

    def on_after_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> Tensor:
        """uint8 -> float32 in [0,1], after the copy to the device."""
        return batch.float() / 255


def default_workers(devices: int = 1) -> int:
    """For each of `devices` on this machine; one core is left to its training process."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(8, (cores or 2) // devices - 1))


def _leave_signals_to_the_run(worker: int) -> None:
    """Ctrl-C and schedulers signal all processes; who ends a run well still needs these."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


@lru_cache(maxsize=4)
def _shuffle(length: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, 0, epoch)).permutation(length)
