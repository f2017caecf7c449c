"""Photographs for training: random crops, the same ones in every run with the same seed."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info

from impasto.errors import InputError
from impasto.images import open_rgb
from impasto.scan import SMALLEST, check_photos, check_share, names, too_many
from impasto.settings import TrainSettings

MAX_ZOOM = 2.0  # a crop's photograph is resized to a short side of 1..2 crops


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
        # in shared memory: the processes that read mark it, the one that learns tells
        self.skipped = torch.zeros(len(self.paths), dtype=torch.bool).share_memory_()

    def __len__(self) -> int:
        """Photographs in the folder; draws may go on forever."""
        return len(self.paths)

    def __getitem__(self, draw: int) -> Tensor:
        """(3, size, size) uint8: a quarter of float32 to move between processes.

        A photograph that cannot be read is marked in `skipped`, and the next one taken.

        Raises:
            InputError: more than half cannot be read. In a process of a loader, whose errors come
                with a traceback, the crop is black instead, for `check` to raise before its use.
        """
        for position in count(draw):
            index = self._index(position)
            try:
                crop = self._crop(self.paths[index], np.random.default_rng((self.seed, 1, draw)))
                return torch.from_numpy(np.array(crop).transpose(2, 0, 1).copy())
            except InputError:
                self.skipped[index] = True
                if too_many(int(self.skipped.sum()), len(self.paths)):
                    break
        if get_worker_info() is None:
            self.check()
        return torch.zeros(3, self.size, self.size, dtype=torch.uint8)

    def check(self) -> None:
        """Look at what was marked; cheap enough for every batch.

        Raises:
            InputError: more than half of the photographs cannot be read.
        """
        if self.skipped.any():
            check_share(self._skipped(), len(self.paths))

    def report(self) -> str | None:
        """A line with the count and the first names of what was skipped, if there is any."""
        bad = self._skipped()
        if not bad:
            return None
        return (
            f"skipped {len(bad)} of {len(self.paths)} photographs, which cannot be read "
            f"({names(bad)}): --check-photos says why"
        )

    def _skipped(self) -> list[Path]:
        return [self.paths[index] for index in self.skipped.nonzero().flatten().tolist()]

    def _index(self, draw: int) -> int:
        epoch, position = divmod(draw, len(self.paths))
        return int(_shuffle(len(self.paths), self.seed, epoch)[position])

    def _crop(self, path: Path, random: np.random.Generator) -> Image.Image:
        zoom = random.uniform(1.0, MAX_ZOOM)
        photo = open_rgb(path, at_least=round(zoom * self.size), smallest=SMALLEST)
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
        self.workers = default_workers() if workers is None else workers

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Begin where the trainer stands, so that a resumed run sees what it would have seen."""
        trainer = self.trainer
        rank, world, step = (
            (trainer.global_rank, trainer.world_size, trainer.global_step) if trainer else (0, 1, 0)
        )
        return DataLoader(
            self.dataset,
            batch_size=self.batch_size,
            sampler=Draws(start=step * self.batch_size * world + rank, stride=world),
            num_workers=self.workers,
            pin_memory=torch.cuda.is_available(),
        )

    def on_before_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> Tensor:
        """Raises InputError if more than half of the photographs turned out to be unreadable."""
        self.dataset.check()
        return batch

    def on_after_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> Tensor:
        """uint8 -> float32 in [0,1], after the copy to the device."""
        return batch.float() / 255


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


def default_workers() -> int:
    """One core is left to the training process itself."""
    return max(1, min(8, (os.cpu_count() or 2) - 1))


@lru_cache(maxsize=4)
def _shuffle(length: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, 0, epoch)).permutation(length)
