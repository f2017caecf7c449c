"""A comparison as a picture: Johnson's Fig. 5, one panel a size."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from impasto.analysis.figures import new_figure, save_figure
from impasto.analysis.iterations import lowest_so_far

CURVE, NETWORK, CONTENT = "tab:blue", "tab:red", "tab:grey"


def draw_comparison(record: dict[str, Any], path: Path) -> None:
    """Mean and spread of the lowest loss so far, and the levels of network and content image.

    Curves of optimizers that stalled or diverged are left out, as they are of the table.

    Raises:
        InputError: the picture cannot be written.
    """
    summary = record["summary"]
    figure = new_figure(width=5.0 * len(summary), height=4.0)
    for index, row in enumerate(summary, start=1):
        axes = figure.add_subplot(1, len(summary), index)
        here = [result for result in record["results"] if result["size"] == row["size"]]
        _panel(axes, [result for result in here if not result["trouble"]], row)
    protocol = record["protocol"]
    figure.suptitle(f"{record['trained']['model']} against L-BFGS from {protocol['start']}")
    save_figure(figure, path)


def _panel(axes: Axes, results: list[dict[str, Any]], row: dict[str, Any]) -> None:
    if results:
        curves = np.array([lowest_so_far(result["curve"]) for result in results])
        mean, low, high = curves.mean(axis=0), curves.min(axis=0), curves.max(axis=0)
        axes.plot(mean, color=CURVE, label="Gatys, mean and range")
        axes.fill_between(range(len(mean)), low, high, color=CURVE, alpha=0.2, linewidth=0)
    for name, color, style in (("network", NETWORK, "-"), ("content_image", CONTENT, "--")):
        level = row[name]
        axes.axhline(level["mean"], color=color, linestyle=style, label=name.replace("_", " "))
        axes.axhspan(level["least"], level["most"], color=color, alpha=0.1, linewidth=0)
    matches, bound = row["matches"], "≥ " if row["never_reached"] else ""
    said = "nothing counted"
    if matches:
        said = f"matches {bound}{matches['mean']:.0f} ± {matches['std']:.0f} iterations"
    axes.set(yscale="log", xlabel="iteration", ylabel="total loss")
    axes.set_title(f"{row['size']} px, {row['counted']} photographs: {said}")
    axes.legend()
