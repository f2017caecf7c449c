"""Figures and labelled sheets, drawn by matplotlib without its global state."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from impasto.files import write_output
from impasto.images.io import RGB

DPI = 120


def new_figure(*, width: float, height: float) -> Figure:
    """An empty figure, in inches, that no backend knows of."""
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG or JPEG, by its suffix, and the folders above it.

    Raises:
        InputError: the place cannot be written.
    """
    kind = "jpeg" if path.suffix == ".jpg" else "png"
    quality = {"quality": 90}
    write_output(path, lambda place: figure.savefig(place, format=kind, pil_kwargs=quality))


def draw_sheet(
    cells: Sequence[Sequence[RGB]],
    *,
    rows: Sequence[str],
    columns: Sequence[Sequence[str]],
    title: str,
    path: Path,
    side: float = 2.0,
) -> None:
    """A table of pictures, labelled.

    Args:
        cells: H×W×3 in [0,1]; rows may differ in length.
        rows: one label a row.
        columns: for the first rows, or all, one label a picture.
        title: above it all.
        path: PNG or JPEG.
        side: width of a picture, inches of DPI pixels.

    Raises:
        InputError: the place cannot be written.
    """
    width = max(map(len, cells))
    slant = max(image.shape[0] / image.shape[1] for row in cells for image in row)
    height = (side * slant + 0.3) * len(cells) + 0.5
    figure = new_figure(width=side * width + 0.6, height=height)
    for y, images in enumerate(cells):
        for x, image in enumerate(images):
            axes = figure.add_subplot(len(cells), width, y * width + x + 1)
            axes.imshow(image.clip(0, 1), interpolation="antialiased")  # nearest if enlarged
            axes.set(xticks=[], yticks=[])
            if y < len(columns):
                axes.set_title(columns[y][x], fontsize=8)
            if x == 0:
                axes.set_ylabel(rows[y], fontsize=8)
    figure.suptitle(title, fontsize=10)
    save_figure(figure, path)


def false_colors(values: Tensor) -> RGB:
    """(H, W) -> H×W×3, from dark at its least to light at its most."""
    shifted = values - values.min()
    shade = (shifted / shifted.max().clamp_min(1e-12)).cpu().numpy()
    colors: RGB = matplotlib.colormaps["viridis"](shade)[..., :3].astype(np.float32)
    return colors
