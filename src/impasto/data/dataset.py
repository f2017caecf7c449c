"""Images for training: random crops, the same ones in every run with the same seed."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Sampler, get_worker_info

from impasto.data.readable import PHOTOGRAPHS, SMALLEST, check_share, names, too_many
from impasto.errors import InputError
from impasto.images.io import open_rgb

MAX_ZOOM = 2.0  # a crop's photograph is resized to a short side of 1..2 crops


class DrawnImages(Dataset[Tensor]):
    """Random squares of the images of a folder, indexed by draw.

    Draw d is the same square whatever the number of workers, devices or restarts: its image comes
    from the shuffle of epoch d // len(paths), its place from a generator seeded by d.
    """

    kind: ClassVar[str] = PHOTOGRAPHS
    streams: ClassVar[tuple[int, int]] = (0, 1)  # of random numbers: for the order, for the places

    def __init__(self, *, paths: Sequence[Path], size: int, seed: int = 0) -> None:
        """The squares come as `size` pixels.

        Raises:
            InputError: there are no images.
        """
        if not paths:
            raise InputError(f"there are no {self.kind} to learn from: name a folder that has some")
        self.paths = list(paths)
        self.size = size
        self.seed = seed
        # in shared memory: the processes that read mark it, the one that learns tells
        self.skipped = torch.zeros(len(self.paths), dtype=torch.bool).share_memory_()

    @property
    def parts(self) -> "Sequence[DrawnImages]":
        """Itself, as `PairDataset` has two."""
        return [self]

    def __len__(self) -> int:
        """Images in the folder; draws may go on forever."""
        return len(self.paths)

    def __getitem__(self, draw: int) -> Tensor:
        """(3, size, size) uint8: a quarter of float32 to move between processes.

        An image that cannot be read is marked in `skipped`, and the next one taken.

        Raises:
            InputError: more than half cannot be read. In a process of a loader, whose errors come
                with a traceback, the square is black instead, for `check` to raise before its use.
        """
        for position in count(draw):
            index = self._index(position)
            random = np.random.default_rng((self.seed, self.streams[1], draw))
            try:
                square = self._square(self.paths[index], random)
                return torch.from_numpy(square.transpose(2, 0, 1).copy())
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
            InputError: more than half of the images cannot be read.
        """
        if self.skipped.any():
            check_share(self._skipped(), len(self.paths), kind=self.kind)

    def report(self) -> str | None:
        """A line with the count and the first names of what was skipped, if there is any."""
        bad = self._skipped()
        if not bad:
            return None
        return (
            f"skipped {len(bad)} of {len(self.paths)} {self.kind}, which cannot be read "
            f"({names(bad)}): --verify-photos says why"
        )

    def _skipped(self) -> list[Path]:
        return [self.paths[index] for index in self.skipped.nonzero().flatten().tolist()]

    def _index(self, draw: int) -> int:
        epoch, position = divmod(draw, len(self.paths))
        return int(_shuffle(len(self.paths), (self.seed, self.streams[0], epoch))[position])

    def _square(self, path: Path, random: np.random.Generator) -> npt.NDArray[np.uint8]:
        """Of one image: size x size x 3. Raises InputError if it cannot be read."""
        raise NotImplementedError


class RandomCropDataset(DrawnImages):
    """Random crops of photographs, flipped half of the time."""

    def _square(self, path: Path, random: np.random.Generator) -> npt.NDArray[np.uint8]:
        zoom = random.uniform(1.0, MAX_ZOOM)
        photo = open_rgb(path, at_least=round(zoom * self.size), smallest=SMALLEST)
        side = min(photo.size) / zoom
        crop = np.asarray(cut(photo, side, random, size=self.size))
        return crop[:, ::-1] if random.random() < 0.5 else crop


def cut(image: Image.Image, side: float, random: np.random.Generator, *, size: int) -> Image.Image:
    """A square of `side` pixels somewhere in an image, resized to `size` pixels."""
    left, top = (random.uniform(0, length - side) for length in image.size)
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.BICUBIC, box=box)


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
def _shuffle(length: int, stream: tuple[int, int, int]) -> npt.NDArray[np.int64]:
    return np.random.default_rng(stream).permutation(length)
