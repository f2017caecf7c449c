"""Pictures through a network that takes one size only: in overlapping pieces of that size."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from impasto.inference.tiling import ramp

RGB = npt.NDArray[np.float32]
SHARE = 4  # of a piece's side overlaps the next one


def in_pieces(image: RGB, size: tuple[int, int], run: Callable[[RGB], RGB]) -> RGB:
    """Run on pieces and blend them; what is smaller is mirrored at its edges up to the size.

    Args:
        image: H×W×3.
        size: height and width of what `run` takes and gives.
        run: array of that size and three channels -> the same shape.

    Returns:
        The shape of `image`.
    """
    height, width = image.shape[:2]
    missing = [(0, max(0, side - have)) for side, have in zip(size, (height, width), strict=True)]
    image = np.pad(image, [*missing, (0, 0)], mode="symmetric")
    total = np.zeros_like(image)
    weight = np.zeros_like(image[..., :1])
    for rows in _spans(image.shape[0], size[0]):
        for columns in _spans(image.shape[1], size[1]):
            down = ramp(rows, image.shape[0], overlap=max(1, size[0] // SHARE))[:, None, None]
            along = ramp(columns, image.shape[1], overlap=max(1, size[1] // SHARE))[None, :, None]
            total[rows, columns] += down * along * run(image[rows, columns])
            weight[rows, columns] += down * along
    return (total / weight)[:height, :width]


def _spans(length: int, size: int) -> list[slice]:
    """Evenly from end to end, as few as overlap by their SHARE."""
    step = size - max(1, size // SHARE) if size > 1 else 1
    count = 1 + -(-(length - size) // step)
    starts = [(length - size) * index // max(1, count - 1) for index in range(count)]
    return [slice(start, start + size) for start in starts]
