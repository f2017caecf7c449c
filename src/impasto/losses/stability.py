"""The same picture for photographs that hardly differ: less flicker in films.

Between two frames of a film the noise of the camera changes, and most of what is seen moves a
little. The term is the mean squared difference between a stylized photograph and the same one
stylized after a small shift and with noise, carried back. It needs photographs only, where Huang et
al. 2017 and Ruder et al. 2018 learn from films and their optical flow.
"""

from typing import NamedTuple

import torch
from torch import Tensor

SHIFT = 8  # pixels: a disturbed photograph is smaller by so many; twice the network's stride
NOISE = 0.02  # standard deviation, of [0,1]: five levels of 255
BORDER = 8  # pixels at the edges that are not compared: padding is seen there


class Disturbed(NamedTuple):
    """A photograph that was disturbed: (B, 3, H - SHIFT, W - SHIFT), and where it was cut out."""

    content: Tensor
    down: int
    across: int


def disturb(content: Tensor, *, generator: torch.Generator | None = None) -> Disturbed:
    """Shift a photograph, (B, 3, H, W) in [0,1], by up to `SHIFT` pixels, and add noise.

    Args:
        content: sides of at least `SHIFT` + 16 pixels.
        generator: of the random numbers, on the processor.
    """
    down, across = torch.randint(SHIFT + 1, (2,), generator=generator).tolist()
    window = _window(content, down, across)
    noise = torch.randn(window.shape, generator=generator).to(window)
    return Disturbed((window + NOISE * noise).clamp(0, 1), down, across)


def stability_loss(stylized: Tensor, again: Tensor, *, down: int, across: int) -> Tensor:
    """How far a network is from making the same picture of both.

    Args:
        stylized: of the photograph, (B, 3, H, W) in [0,1].
        again: of the disturbed one, (B, 3, H - SHIFT, W - SHIFT).
        down: as in `Disturbed`.
        across: as in `Disturbed`.

    Returns:
        (B,), the mean squared difference, 0 at least.
    """
    inner = (..., slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    difference = _window(stylized, down, across)[inner] - again[inner]
    return difference.square().flatten(1).mean(dim=1)


def _window(images: Tensor, down: int, across: int) -> Tensor:
    height, width = images.shape[-2] - SHIFT, images.shape[-1] - SHIFT
    return images[..., down : down + height, across : across + width]
