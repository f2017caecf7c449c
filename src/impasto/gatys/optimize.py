"""Gatys' method: optimise the pixels of one picture against a PerceptualLoss.

Gatys, Ecker, Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016. The
pixels stay in [0,1]: they are clipped before the loss is evaluated, as in Johnson et al. 2016
(projected L-BFGS); Gatys does not clip. Beyond Johnson, a pixel at its bound is not pushed further
out: L-BFGS would take its gradient for a slope that is not there, and explode or freeze.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from impasto.errors import InputError
from impasto.losses.perceptual import Features, PerceptualLoss

Optimizer = Literal["lbfgs", "adam", "sgd"]
DEFAULT_LR = {"lbfgs": 1.0, "adam": 0.02, "sgd": 1.0}
SEARCHED = 25  # pictures at most that a line search tries in one iteration
EXPLODED = 20.0  # times the lowest loss so far
ASTRAY = 5  # iterations in a row above the first loss: pixels all black or white are not much worse
NOISE = 1e-6  # times the first loss: what moves below it is no explosion
MAX_FAILURES = 10  # restarts in a row, each with half the step, none of which found a lower loss


@dataclass(frozen=True, kw_only=True)
class Method:
    """How the pixels move; `lr` None is a good value for the optimizer."""

    optimizer: Optimizer = "lbfgs"
    lr: float | None = None
    decay: float = 1.0  # factor on the rate at every iteration, for SGD and Adam
    line_search: bool = False  # strong Wolfe, for L-BFGS
    history: int = 100  # pairs that L-BFGS remembers
    betas: tuple[float, float] = (0.9, 0.999)  # of Adam
    eps: float = 1e-8  # of Adam

    @property
    def rate(self) -> float:
        """The learning rate that is used."""
        return DEFAULT_LR[self.optimizer] if self.lr is None else self.lr


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where an optimisation stands after an iteration.

    The terms are those of `image`, (1, 3, H, W) in [0,1], which is a snapshot of its own.
    `restarts` counts how often the loss exploded or was no number, so that the optimizer went back
    to the best picture with half the step and without its memory.
    """

    iteration: int
    iterations: int
    content: float
    style: float
    tv: float
    image: Tensor
    restarts: int = 0

    @property
    def total(self) -> float:
        """What is minimised."""
        return self.content + self.style + self.tv


def optimise(
    loss: PerceptualLoss,
    *,
    content: Tensor,
    start: Tensor,
    iterations: int,
    method: Method | None = None,
) -> Iterator[Progress]:
    """Optimise one picture at one size; the style of `loss` has been set.

    Yields the start (iteration 0) and the picture after every iteration. An iteration is one step
    of the optimizer: one evaluation of the loss, or several with a line search. After a restart
    the numbers go on and the picture is the best one so far.

    Args:
        loss: its encoder sees the picture at every evaluation.
        content, start: (1, 3, H, W) in [0,1].
        iterations: steps.
        method: optimizer and step size.

    Raises:
        InputError: the loss explodes, or is not finite, however small the step.
    """
    descent = _PixelOptimizer(loss, start, loss.content_target(content), method or Method())
    for iteration in range(iterations + 1):
        content_term, style, tv = descent.look(iteration)
        yield Progress(
            iteration=iteration,
            iterations=iterations,
            content=content_term,
            style=style,
            tv=tv,
            image=descent.pixels.detach().clone(),
            restarts=descent.restarts,
        )
        if iteration < iterations:
            descent.move()


class _PixelOptimizer:
    """Pixels in [0,1] and the optimizer that moves them; goes back where that fails."""

    def __init__(
        self, loss: PerceptualLoss, start: Tensor, target: Features, method: Method
    ) -> None:
        self.loss = loss
        self.target = target
        self.method = method
        # L-BFGS has absolute tolerances and a first step of 1 / |gradient|: give it gradients of
        # about 1 a pixel, whatever the weights. The rate of SGD, and the epsilon of Adam, are meant
        # for the loss as it is.
        self.scale = None if method.optimizer == "lbfgs" else 1.0
        self.restarts = self.failures = self.astray = 0
        self.best, self.lowest, self.first = start, math.inf, math.inf
        self._begin(start, method.rate)

    def look(self, iteration: int) -> list[float]:
        """Terms of the picture; of the best one so far where what we came to is no good."""
        self.terms = self._evaluate()
        while not self._is_sound(sum(self.terms)):
            self.restarts, self.failures = self.restarts + 1, self.failures + 1
            if self.lowest == math.inf or self.failures > MAX_FAILURES:
                raise InputError(
                    f"the loss explodes at iteration {iteration}, at a learning rate of "
                    f"{self.rate:.2g} still: lower --lr or the weights"
                )
            self._begin(self.best, self.rate / 2)
            self.terms = self._evaluate()
        if sum(self.terms) < self.lowest:
            self.first = sum(self.terms) if self.lowest == math.inf else self.first
            self.best, self.lowest = self.pixels.detach().clone(), sum(self.terms)
            self.failures = 0
        return self.terms

    def move(self) -> None:
        """Take a step from where `look` looked."""
        before = self.pixels.detach().clone()
        seen = [self.terms]
        scale = self.scale or 1.0
        self.optimizer.step(lambda: scale * sum(seen.pop() if seen else self._evaluate()))
        with torch.no_grad():
            self.pixels.clamp_(0, 1)
        self.rate *= self.method.decay
        group = self.optimizer.param_groups[0]
        if torch.equal(before, self.pixels):  # a line search that found nothing never would again
            self.optimizer.state.clear()
            group["lr"] = max(group["lr"] / 10, self.rate / 1000)
        else:
            group["lr"] = self.rate

    def _begin(self, start: Tensor, rate: float) -> None:
        """Start here, with no memory of anything before."""
        self.rate = rate
        self.pixels = start.detach().clamp(0, 1).requires_grad_()
        self.optimizer = _optimizer(self.pixels, replace(self.method, lr=rate))

    def _evaluate(self) -> list[float]:
        """Terms of the clipped pixels; leaves the gradient in the pixels, 0 where it leads out."""
        pixels = self.pixels.detach()
        image = pixels.clamp(0, 1).requires_grad_()
        terms = self.loss(image, self.target)
        (gradient,) = torch.autograd.grad(terms.total, image)
        outward = ((pixels <= 0) & (gradient > 0)) | ((pixels >= 1) & (gradient < 0))
        gradient = gradient.masked_fill(outward, 0)
        if self.scale is None:
            self.scale = 1 / (float(gradient.abs().mean()) or 1.0)
        self.pixels.grad = gradient * self.scale
        return torch.stack(list(terms)).tolist()

    def _is_sound(self, total: float) -> bool:
        self.astray = self.astray + 1 if total > self.first else 0
        limit = EXPLODED * max(self.lowest, NOISE * self.first)
        return math.isfinite(total) and total <= limit and self.astray < ASTRAY


def _optimizer(pixels: Tensor, method: Method) -> torch.optim.Optimizer:
    if method.optimizer == "adam":
        return torch.optim.Adam([pixels], lr=method.rate, betas=method.betas, eps=method.eps)
    if method.optimizer == "sgd":
        return torch.optim.SGD([pixels], lr=method.rate)
    return torch.optim.LBFGS(
        [pixels],
        lr=method.rate,
        max_iter=1,  # a step is an iteration; the history is kept between steps
        max_eval=SEARCHED,  # else 1, with which a line search cannot search
        history_size=method.history,
        tolerance_grad=0,
        tolerance_change=1e-12,  # where a line search stops halving
        line_search_fn="strong_wolfe" if method.line_search else None,
    )
