"""Paintings in the colors of other paintings, so that a network has more of them to learn from."""

import torch
from torch import Tensor

SWAPPED = 0.25  # of the paintings
FAINT = 0.02  # least deviation that something is divided by
STRONGEST = 3.0  # most by which contrast grows: more would show the noise of a JPEG


def swap_palettes(paintings: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Give a quarter of the paintings the colors of the one before in the batch.

    Means and deviations of red, green and blue become those of the other one (after Reinhard et al.
    2001, who do so in another color space). What is left are strokes and shapes, so that these
    cannot be guessed from the colors that usually go with them.

    Args:
        paintings: (B, 3, H, W) in [0,1].
        generator: of the random numbers.

    Returns:
        The same shape and range.
    """
    draws = torch.rand(len(paintings), 1, 1, 1, generator=generator).to(paintings.device)
    mean = paintings.mean(dim=(2, 3), keepdim=True)
    deviation = paintings.std(dim=(2, 3), keepdim=True)
    growth = (deviation.roll(1, 0) / deviation.clamp_min(FAINT)).clamp_max(STRONGEST)
    swapped = (paintings - mean) * growth + mean.roll(1, 0)
    return torch.where(draws < SWAPPED, swapped.clamp(0, 1), paintings)
