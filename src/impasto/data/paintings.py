"""Paintings for a network that is to take any of them: random regions, in many colors and sizes."""

import math
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from impasto.data.dataset import shuffle
from impasto.errors import InputError
from impasto.images.io import open_rgb

LEAST_SHARE = 0.35  # of a painting's short side, of the smallest region
TURN = 0.5  # of the samples have their colors turned


class PaintingDataset(Dataset[Tensor]):
    """Random regions of paintings, indexed by draw, which is the same in every run with a seed.

    A region is a square of 0.35 to 1 of the short side, flipped half of the time, half of the time
    with its hues turned: there are few paintings, and any number of styles.
    """

    def __init__(self, *, paths: Sequence[Path], size: int, seed: int = 0) -> None:
        """Regions come as `size` pixels square.

        Raises:
            InputError: there are no paintings.
        """
        if not paths:
            raise InputError("there are no paintings to learn from: name a folder that has some")
        self.paths = list(paths)
        self.size = size
        self.seed = seed

    def __len__(self) -> int:
        """Paintings in the folder; draws may go on forever."""
        return len(self.paths)

    def __getitem__(self, draw: int) -> Tensor:
        """(3, size, size) uint8. A painting that cannot be read is passed over for the next.

        Raises:
            InputError: none can be read.
        """
        random = np.random.default_rng((self.seed, 2, draw))
        for position in count(draw):
            epoch, place = divmod(position, len(self.paths))
            path = self.paths[int(shuffle(len(self.paths), self.seed, epoch)[place])]
            try:
                return torch.from_numpy(self._region(path, random).transpose(2, 0, 1).copy())
            except InputError:
                if position - draw >= len(self.paths):
                    raise
        raise AssertionError  # count has no end

    def _region(self, path: Path, random: np.random.Generator) -> npt.NDArray[np.uint8]:
        painting = open_rgb(path, at_least=self.size)
        side = min(painting.size) * random.uniform(LEAST_SHARE, 1)
        left, top = (random.uniform(0, length - side) for length in painting.size)
        box = (left, top, left + side, top + side)
        region = np.array(painting.resize((self.size,) * 2, Image.Resampling.BICUBIC, box=box))
        if random.random() < 0.5:
            region = region[:, ::-1]
        if random.random() < TURN:
            region = turn_hues(region, random.uniform(0, 2 * math.pi))
        return region


def turn_hues(image: npt.NDArray[np.uint8], angle: float) -> npt.NDArray[np.uint8]:
    """Turn colors about the axis of greys, which stay: H×W×3 uint8 -> the same, clipped."""
    third, cosine, sine = 1 / 3, math.cos(angle), math.sin(angle) / math.sqrt(3)
    diagonal = cosine + third * (1 - cosine)
    left, right = third * (1 - cosine) - sine, third * (1 - cosine) + sine
    matrix = np.array([[diagonal, left, right], [right, diagonal, left], [left, right, diagonal]])
    turned = image.astype(np.float32) @ matrix.T.astype(np.float32)
    return np.clip(turned + 0.5, 0, 255).astype(np.uint8)
