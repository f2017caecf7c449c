"""A network against Gatys' method on one photograph: which iteration it matches, how fast."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.analysis.iterations import lowest_so_far, marks, matching_iteration
from impasto.analysis.loss_curve import LossCurve, record_curve
from impasto.analysis.progress import Tick, silent
from impasto.data.tensors import to_tensor
from impasto.gatys.multiscale import Start, start_image
from impasto.images.io import RGB
from impasto.losses.perceptual import Features, PerceptualLoss

RUNS = 3  # of the network after one to warm up; the quickest counts


@dataclass(frozen=True, kw_only=True)
class Match:
    """One photograph at one size. Losses are totals; the curve begins with the start."""

    matches: int | str  # iterations, or why there is no number: see `matching_iteration`
    trouble: str | None  # see `Watchdog`
    restarts: int
    height: int
    width: int
    network: dict[str, float]  # content, style, tv, total
    content_image: float
    losses: dict[str, float | None]  # the lowest by iteration 100, 300, 500
    seconds: dict[str, float | None]  # of gatys in all, to_reach the network's loss, of the network
    speed_up: float | None  # to_reach, or if never reached all of gatys, by network
    curve: list[float]


def find_match(
    photo: RGB,
    *,
    stylize: Callable[[RGB], RGB],
    loss: PerceptualLoss,
    start: Start = "noise",
    iterations: int = 500,
    seed: int = 0,
    tick: Tick = silent,
) -> Match:
    """How many iterations on this photograph `stylize` matches, and how much faster it is.

    Args:
        photo: H×W×3 in [0,1].
        stylize: the network, or whatever stands in for one.
        loss: its style is set; Gatys' method runs on its device.
        start: of Gatys' method.
        iterations: of L-BFGS at most.
        seed: of the noise.
        tick: told of every iterate.
    """
    content = to_tensor(photo).to(next(loss.buffers()).device)
    stylized, network_seconds = _timed(stylize, photo)
    target = loss.content_target(content)
    network = evaluate(loss, to_tensor(stylized).to(content), target)
    content_image = evaluate(loss, content, target)["total"]
    begin = start_image(start, content=content, style=content, seed=seed)
    record_curve(loss, content=content, start=begin, iterations=1)  # to warm up, as the network was
    curve = record_curve(loss, content=content, start=begin, iterations=iterations, tick=tick)
    return _match(
        curve,
        shape=photo.shape,
        network=network,
        content_image=content_image,
        network_seconds=network_seconds,
        iterations=iterations,
    )


def _match(
    curve: LossCurve,
    *,
    shape: tuple[int, ...],
    network: dict[str, float],
    content_image: float,
    network_seconds: float,
    iterations: int,
) -> Match:
    seconds = curve.seconds
    matches = matching_iteration(
        curve.losses, network=network["total"], content=content_image, trouble=curve.trouble
    )
    to_reach = seconds[matches] if isinstance(matches, int) else None
    needed = seconds[-1] if str(matches).startswith(">") else to_reach
    lowest = lowest_so_far(curve.losses)
    return Match(
        matches=matches,
        trouble=curve.trouble,
        restarts=curve.restarts,
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
        curve=curve.losses,
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
