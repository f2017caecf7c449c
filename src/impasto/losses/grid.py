"""Grid: what repeats in a picture with the strides of the network that drew it.

Upsampling repeats features in blocks. Where a ReLU follows, the steps between the blocks become a
pattern of the same phase all over the picture, which the Gram matrices of early layers take for the
grain of a painting. Shifting the picture before the encoder sees it (`random_shift`) does not make
it dear; this term does. Not in the papers.
"""

import torch
from torch import Tensor

PERIOD = 8  # pixels: the largest stride of our networks; what repeats every 2 or 4 repeats here too


def grid_loss(images: Tensor) -> Tensor:
    """Mean squared deviation of what repeats every `PERIOD` pixels down and across.

    It is the average of all blocks of `PERIOD`² pixels, in a Hann window, without which every slope
    from one edge to the other would count.

    Args:
        images: (B, 3, H, W) in [0,1], no smaller than a block; what is beyond whole blocks is left
            out.

    Returns:
        (B,), 0 without a grid: a wave of amplitude a across the picture, in all colors, has a² / 2.
    """
    height, width = (side // PERIOD * PERIOD for side in images.shape[-2:])
    images = images[..., :height, :width].float()
    window = torch.outer(_window(height, images), _window(width, images))
    blocks = (images - images.mean((2, 3), keepdim=True)) * window
    pattern = blocks.unflatten(3, (-1, PERIOD)).unflatten(2, (-1, PERIOD)).mean((2, 4))
    return (pattern - pattern.mean((2, 3), keepdim=True)).square().mean((1, 2, 3))


def _window(side: int, like: Tensor) -> Tensor:
    """(side,), of mean 1 for every place in a block if there are at least two blocks."""
    return 2 * torch.hann_window(side, dtype=like.dtype, device=like.device)
