"""Coarse to fine: the sizes a picture grows through, and the picture it grows from.

What an encoder sees of a large picture is small: strokes that fill its view at 512 pixels are fine
hatching at 2048. Begun small, a picture keeps its large strokes, and gets there sooner.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.gatys.optimize import OptimizerConfig, Progress, optimize
from impasto.losses.perceptual import PerceptualLoss

Start = Literal["content", "style", "noise"]


def coarse_to_fine(
    loss: PerceptualLoss,
    *,
    content: Tensor,
    style: Tensor,
    start: Tensor | Start,
    sizes: Sequence[int],
    iterations: int,
    config: OptimizerConfig | None = None,
    seed: int = 0,
) -> Iterator[Progress]:
    """Optimize at growing sizes, each from the result before; raises what `optimize` raises.

    Iterations are numbered through. Losses jump where the size changes: each has its own.

    Args:
        loss: its style is set here, at every size.
        content, style: (1, 3, H, W) and (1, 3, h, w) in [0,1] at full size; they shrink together.
        start: a picture, or which to make, noise by `seed`.
        sizes: short sides, growing, the last that of `content`; see `scale_sizes`.
        iterations: in all; shared out evenly.
        config: as in `optimize`.
        seed: of the noise.
    """
    done = restarts = 0
    picture = start_image(start, content=content, style=style, seed=seed)
    for index, size in enumerate(sizes):
        scale = size / min(content.shape[-2:])
        loss.set_style(resize(style, scale))
        small = resize(content, scale)
        share = (iterations - done) // (len(sizes) - index)
        steps = optimize(
            loss, content=small, start=fill(picture, small), iterations=share, config=config
        )
        for now in steps:
            picture = now.image
            if now.iteration or index == 0:  # the start of a finer size was the end before it
                number, again = done + now.iteration, restarts + now.restarts
                yield replace(now, iteration=number, iterations=iterations, restarts=again)
        done, restarts = done + share, restarts + now.restarts


class Lowest:
    """Sees every iterate and keeps the one with the lowest loss.

    Losses of two sizes do not compare, so that a larger picture takes the place of a smaller one.
    """

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.best: Progress | None = None

    def __call__(self, now: Progress) -> None:
        """Look at an iterate."""
        best = self.best
        if best is None or now.image.shape != best.image.shape or now.total < best.total:
            self.best = now


def scale_sizes(size: int, *, scales: int | None = None) -> list[int]:
    """Short sides from coarse to fine, each half the next, `size` pixels last.

    `scales` None: as many as it takes to begin at 512 or less.
    """
    if scales is None:
        scales = 1 + max(0, math.ceil(math.log2(size / 512)))
    return [round(size / 2**power) for power in reversed(range(scales))]


def start_image(start: Tensor | Start, *, content: Tensor, style: Tensor, seed: int) -> Tensor:
    """The picture to begin with, of the shape of `content`.

    `noise` is Gaussian around gray, clipped; `style` and pictures are scaled and cropped to fit.
    """
    if isinstance(start, Tensor):
        return fill(start, content)
    if start == "noise":
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(content.shape, generator=generator, dtype=content.dtype)
        return (0.5 + 0.25 * noise).clamp(0, 1).to(content.device)
    return fill(style, content) if start == "style" else content.clone()


def resize(image: Tensor, scale: float) -> Tensor:
    """(1, 3, H, W) -> scaled by `scale`, antialiased, in [0,1]; unchanged for 1."""
    if scale == 1:
        return image
    size = [max(1, round(side * scale)) for side in image.shape[-2:]]
    return F.interpolate(image, size, mode="bicubic", antialias=True).clamp(0, 1)


def fill(image: Tensor, like: Tensor) -> Tensor:
    """Scale and centre-crop an image to the H×W of another."""
    height, width = like.shape[-2:]
    if image.shape[-2:] == like.shape[-2:]:
        return image
    scale = max(height / image.shape[-2], width / image.shape[-1])
    size = [max(height, round(image.shape[-2] * scale)), max(width, round(image.shape[-1] * scale))]
    scaled = F.interpolate(image, size, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return scaled[..., top : top + height, left : left + width]
