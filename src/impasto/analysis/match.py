"""Gatys' method against a network, on one photograph."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.analysis.iterations import judge, lowest_so_far, marks
from impasto.analysis.loss_curve import Descent, descend
from impasto.analysis.progress import Watch, silent
from impasto.data.tensors import to_tensor
from impasto.gatys.multiscale import Start, start_image
from impasto.images.io import RGB
from impasto.losses.perceptual import Features, PerceptualLoss

RUNS = 3  # of the network after one to warm up; the quickest counts


@dataclass(frozen=True, kw_only=True)
class Result:
    """One photograph at one size. Losses are totals; the curve begins with the start."""

    worth: int | str  # iterations, or why there is no such number: see `judge`
    trouble: str | None  # see `Descent`
    restarts: int
    height: int
    width: int
    network: dict[str, float]  # content, style, tv, total
    content_image: float
    losses: dict[str, float | None]  # the lowest by iteration 100, 300, 500
    seconds: dict[str, float | None]  # of gatys in all, to_reach the network's loss, of the network
    speed_up: float | None  # to_reach, or if never reached all of gatys, by network
    curve: list[float]


def contest(
    photo: RGB,
    *,
    stylize: Callable[[RGB], RGB],
    loss: PerceptualLoss,
    start: Start = "noise",
    iterations: int = 500,
    seed: int = 0,
    watch: Watch = silent,
) -> Result:
    """How many iterations on this photograph `stylize` is worth, and how much quicker it is.

    Args:
        photo: H×W×3 in [0,1].
        stylize: the network, or whatever stands in for one.
        loss: its style is set; Gatys' method runs on its device.
        start: of Gatys' method.
        iterations: of L-BFGS at most.
        seed: of the noise.
        watch: sees every iterate.
    """
    content = to_tensor(photo).to(next(loss.buffers()).device)
    stylized, network_seconds = _timed(stylize, photo)
    target = loss.content_target(content)
    network = evaluate(loss, to_tensor(stylized).to(content), target)
    content_image = evaluate(loss, content, target)["total"]
    begin = start_image(start, content=content, style=content, seed=seed)
    descend(loss, content=content, start=begin, iterations=1)  # to warm up, as the network was
    descent = descend(loss, content=content, start=begin, iterations=iterations, watch=watch)
    return _result(
        descent,
        shape=photo.shape,
        network=network,
        content_image=content_image,
        network_seconds=network_seconds,
        iterations=iterations,
    )


def _result(
    descent: Descent,
    *,
    shape: tuple[int, ...],
    network: dict[str, float],
    content_image: float,
    network_seconds: float,
    iterations: int,
) -> Result:
    curve, seconds = descent.curve, descent.seconds
    worth = judge(curve, network=network["total"], content=content_image, trouble=descent.trouble)
    to_reach = seconds[worth] if isinstance(worth, int) else None
    needed = seconds[-1] if str(worth).startswith(">") else to_reach
    lowest = lowest_so_far(curve)
    return Result(
        worth=worth,
        trouble=descent.trouble,
        restarts=descent.restarts,
        height=shape[0],
        width=shape[1],
        network=network,
        content_image=content_image,
        losses={str(at): dict(enumerate(lowest)).get(at) for at in marks(iterations)},
        seconds={
            "gatys": seconds[-1] if seconds else None,
            "to_reach": to_reach,
            "network": network_seconds,
        },
        speed_up=None if needed is None else needed / network_seconds,
        curve=curve,
    )


@torch.no_grad()
def evaluate(loss: PerceptualLoss, image: Tensor, target: Features) -> dict[str, float]:
    """The terms of an image, (1, 3, H, W), and their total, as numbers."""
    terms = loss(image, target)
    values = dict(zip(terms._fields, torch.stack(list(terms)).tolist(), strict=True))
    return {**values, "total": sum(values.values())}


def _timed(stylize: Callable[[RGB], RGB], photo: RGB) -> tuple[RGB, float]:
    stylized, seconds = stylize(photo), []
    for _ in range(RUNS):
        begin = time.perf_counter()
        stylize(photo)
        seconds.append(time.perf_counter() - begin)
    return stylized, min(seconds)
