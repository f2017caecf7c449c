"""Paintings for a network that is to take any of them: random regions, in many colors and sizes."""

import math
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.utils.data import Dataset

from impasto.data.dataset import DrawnImages, RandomCropDataset, cut
from impasto.data.readable import PAINTINGS, SMALLEST
from impasto.images.io import open_rgb

LEAST_SHARE = 0.35  # of a painting's short side, of the smallest region
TURN = 0.5  # of the samples have their colors turned


class Pair(NamedTuple):
    """A photograph and the painting that it is to look like, or a batch of each."""

    content: Tensor
    style: Tensor


class PaintingDataset(DrawnImages):
    """Random regions of paintings, squares of 0.35 to 1 of the short side.

    Half of them are flipped, and half have their hues turned: there are few paintings, and any
    number of styles.
    """

    kind: ClassVar[str] = PAINTINGS
    streams: ClassVar[tuple[int, int]] = (3, 2)  # or as many photographs would come in that order

    def _square(self, path: Path, random: np.random.Generator) -> npt.NDArray[np.uint8]:
        share = random.uniform(LEAST_SHARE, 1)
        painting = open_rgb(path, at_least=round(self.size / share), smallest=SMALLEST)
        side = min(painting.size) * share
        region = np.asarray(cut(painting, side, random, size=self.size))
        if random.random() < 0.5:
            region = region[:, ::-1]
        if random.random() < TURN:
            region = turn_hues(region, random.uniform(0, 2 * math.pi))
        return region


class PairDataset(Dataset[Pair]):
    """A photograph and a painting, both of the same draw."""

    def __init__(self, *, photos: RandomCropDataset, paintings: PaintingDataset) -> None:
        """Each in an order of its own, so that other pairs meet in every epoch."""
        self.photos = photos
        self.paintings = paintings

    @property
    def parts(self) -> list[DrawnImages]:
        """Both, which know what they skipped."""
        return [self.photos, self.paintings]

    def __getitem__(self, draw: int) -> Pair:
        """Two (3, size, size) of uint8; raises InputError as `DrawnImages` does."""
        return Pair(self.photos[draw], self.paintings[draw])


def turn_hues(image: npt.NDArray[np.uint8], angle: float) -> npt.NDArray[np.uint8]:
    """Turn colors about the axis of greys, which stay: H×W×3 uint8 -> the same, clipped."""
    third, cosine, sine = 1 / 3, math.cos(angle), math.sin(angle) / math.sqrt(3)
    diagonal = cosine + third * (1 - cosine)
    left, right = third * (1 - cosine) - sine, third * (1 - cosine) + sine
    matrix = np.array([[diagonal, left, right], [right, diagonal, left], [left, right, diagonal]])
    turned = image.astype(np.float32) @ matrix.T.astype(np.float32)
    return np.clip(turned + 0.5, 0, 255).astype(np.uint8)
