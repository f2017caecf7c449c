"""Shadows over photographs, for a network that is to draw what lies in the dark."""

import torch
from torch import Tensor

SHADED = 0.5  # of the photographs
DARKEST = 0.85  # of the light is missing at most


def shade(images: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Darken half of the images from one side to the other.

    Instance normalization goes by the whole picture, so a dark corner has hardly any contrast left
    beside a bright window, and comes out empty unless a network has learned to look closer.

    Args:
        images: (B, 3, H, W) in [0,1].
        generator: of the random numbers.

    Returns:
        The same shape and range. A shadow takes up to 0.85 of the values and falls off linearly,
        to nothing at the other side.
    """
    batch, _, height, width = images.shape
    draws = torch.rand(3, batch, 1, 1, 1, generator=generator).to(images.device)
    angle, depth = 2 * torch.pi * draws[0], DARKEST * draws[1] * (draws[2] < SHADED)
    down = torch.linspace(-1, 1, height, device=images.device)[:, None]
    across = torch.linspace(-1, 1, width, device=images.device)
    ramp = down * angle.sin() + across * angle.cos()
    span = angle.sin().abs() + angle.cos().abs()
    return images * (1 - depth * (ramp / span + 1) / 2).to(images.dtype)
