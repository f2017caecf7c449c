"""Pictures that tests share."""

import numpy as np

from impasto.images import io as images

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def smooth(height: int, width: int) -> images.RGB:
    """A picture without fine detail, which JPEG and any resizing leave almost alone."""
    y, x = (np.indices((height, width)) + 0.5) * 3 / np.reshape([height, width], (2, 1, 1))
    return np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=2).astype(np.float32) / 2 + 0.5
