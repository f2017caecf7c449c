"""Photographs for training: random crops, the same ones in every run with the same seed."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Sampler, get_worker_info

from impasto.data.readable import SMALLEST, check_share, names, too_many
from impasto.errors import InputError
from impasto.images.io import open_rgb

MAX_ZOOM = 2.0  # a crop's photograph is resized to a short side of 1..2 crops


class RandomCropDataset(Dataset[Tensor]):
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
            f"({names(bad)}): --verify-photos says why"
        )

    def _skipped(self) -> list[Path]:
        return [self.paths[index] for index in self.skipped.nonzero().flatten().tolist()]

    def _index(self, draw: int) -> int:
        epoch, position = divmod(draw, len(self.paths))
        return int(shuffle(len(self.paths), self.seed, epoch)[position])

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


class InfiniteSampler(Sampler[int]):
    """Draw numbers without end, starting anywhere: every `stride`-th from `start`."""

    def __init__(self, *, start: int = 0, stride: int = 1) -> None:
        """With several devices, device r starts r later and strides over the others' draws."""
        self.start = start
        self.stride = stride

    def __iter__(self) -> Iterator[int]:
        """Count up forever: a run's length is its steps, not its epochs."""
        return count(self.start, self.stride)


@lru_cache(maxsize=4)
def shuffle(length: int, seed: int, epoch: int) -> np.ndarray:
    """The order of `length` files in an epoch, the same in every run with that seed."""
    return np.random.default_rng((seed, 0, epoch)).permutation(length)
