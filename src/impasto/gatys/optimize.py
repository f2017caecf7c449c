"""Gatys' method: optimize the pixels of one picture against a PerceptualLoss.

Gatys, Ecker, Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016. The
pixels stay in [0,1]: they are clipped before the loss is evaluated, as in Johnson et al. 2016
(projected L-BFGS); Gatys does not clip. Beyond Johnson, a pixel at its bound is not pushed further
out: L-BFGS would take its gradient for a slope that is not there, and explode or freeze.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from impasto.errors import InputError
from impasto.gatys.watchdog import Watchdog
from impasto.losses.perceptual import Features, PerceptualLoss

Optimizer = Literal["lbfgs", "adam", "sgd"]
DEFAULT_LR = {"lbfgs": 1.0, "adam": 0.02, "sgd": 1.0}
SEARCHED = 25  # pictures at most that a line search tries in one iteration


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
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
    """Where an optimization stands after an iteration.

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
        """What is minimized."""
        return self.content + self.style + self.tv


def optimize(
    loss: PerceptualLoss,
    *,
    content: Tensor,
    start: Tensor,
    iterations: int,
    config: OptimizerConfig | None = None,
    watchdog: Watchdog | None = None,
) -> Iterator[Progress]:
    """Optimize one picture at one size; the style of `loss` has been set.

    Yields the start (iteration 0) and the picture after every iteration. An iteration is one step
    of the optimizer: one evaluation of the loss, or several with a line search. After a restart
    the numbers go on and the picture is the best one so far.

    Args:
        loss: its encoder sees the picture at every evaluation.
        content: (1, 3, H, W) in [0,1].
        start: of the same shape, where the picture begins.
        iterations: steps; fewer where the watchdog gives up on a loss that no longer falls.
        config: optimizer and step size.
        watchdog: decides on restarts; a new one. By default one that looks for explosions only.

    Raises:
        InputError: the loss explodes, or is not finite, and the watchdog gives up.
    """
    optimizer = PixelOptimizer(
        loss,
        start=start,
        target=loss.content_target(content),
        config=config or OptimizerConfig(),
        watchdog=watchdog or Watchdog(),
    )
    for iteration in range(iterations + 1):
        if iteration:
            optimizer.step()
        yield optimizer.progress(iteration, of=iterations)
        if optimizer.watchdog.trouble:
            return


class PixelOptimizer:
    """Pixels in [0,1], their loss, and what moves them; goes back to the best where that fails.

    `pixels` and `terms` (content, style, tv) belong together after every step.
    """

    def __init__(
        self,
        loss: PerceptualLoss,
        *,
        start: Tensor,
        target: Features,
        config: OptimizerConfig,
        watchdog: Watchdog,
    ) -> None:
        """Look at the start, (1, 3, H, W); `target` is the loss's `content_target`.

        Raises:
            InputError: the start has no finite loss.
        """
        self.loss = loss
        self.target = target
        self.config = config
        self.watchdog = watchdog
        self.best = start
        self._begin(start, rate=config.rate, scale=self._unknown_scale)
        self._look()

    def step(self) -> None:
        """Move the pixels once; where that leads nowhere, put them back to the best so far.

        Raises:
            InputError: the loss explodes, or is not finite, and the watchdog gives up.
        """
        before = self.pixels.detach().clone()
        scale = self.scale or 1.0
        evaluations = self._evaluations()
        self.optimizer.step(lambda: scale * sum(next(evaluations)))
        with torch.no_grad():
            self.pixels.clamp_(0, 1)
        self.rate *= self.config.decay
        group = self.optimizer.param_groups[0]
        if torch.equal(before, self.pixels):  # a line search that found nothing never would again
            self.optimizer.state.clear()
            group["lr"] = max(group["lr"] / 10, self.rate / 1000)
        else:
            group["lr"] = self.rate
        self._look()

    def progress(self, iteration: int, *, of: int) -> Progress:
        """Where it stands."""
        content, style, tv = self.terms
        return Progress(
            iteration=iteration,
            iterations=of,
            content=content,
            style=style,
            tv=tv,
            image=self.pixels.detach().clone(),
            restarts=self.watchdog.restarts,
        )

    @property
    def _unknown_scale(self) -> float | None:
        """A factor on the loss; None: to be found from the first gradient.

        L-BFGS has absolute tolerances and a first step of 1 / |gradient|: give it gradients of
        about 1 a pixel, whatever the weights. The rate of SGD, and the epsilon of Adam, are meant
        for the loss as it is.
        """
        return None if self.config.optimizer == "lbfgs" else 1.0

    def _begin(self, start: Tensor, *, rate: float, scale: float | None) -> None:
        """Start here, with no memory of anything before."""
        self.rate = rate
        self.scale = scale
        self.pixels = start.detach().clamp(0, 1).requires_grad_()
        self.optimizer = _optimizer(self.pixels, replace(self.config, lr=rate))

    def _look(self) -> None:
        """Take the terms of the picture, or go back to the best one where they are no good."""
        while True:
            self.terms = self._evaluate()
            verdict = self.watchdog.update(sum(self.terms))
            if self.watchdog.is_lowest:
                self.best = self.pixels.detach().clone()
            if verdict != "restart":
                break
            if self.watchdog.trouble == "diverged":
                self._begin(self.best, rate=self.rate / 2, scale=self.scale)
            else:
                self._begin(self.best, rate=self.config.rate, scale=self._unknown_scale)
        if self.watchdog.trouble == "diverged":
            raise InputError(
                f"the loss explodes at iteration {len(self.watchdog.lows)}, at a learning rate of "
                f"{self.rate:.2g} still: lower --lr or the weights"
            )

    def _evaluations(self) -> Iterator[list[float]]:
        """What an optimizer asks for in a step: first the terms of where it is, which are known."""
        yield self.terms
        while True:
            yield self._evaluate()

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


def _optimizer(pixels: Tensor, config: OptimizerConfig) -> torch.optim.Optimizer:
    if config.optimizer == "adam":
        return torch.optim.Adam([pixels], lr=config.rate, betas=config.betas, eps=config.eps)
    if config.optimizer == "sgd":
        return torch.optim.SGD([pixels], lr=config.rate)
    return torch.optim.LBFGS(
        [pixels],
        lr=config.rate,
        max_iter=1,  # a step is an iteration; the history is kept between steps
        max_eval=SEARCHED,  # else 1, with which a line search cannot search
        history_size=config.history,
        tolerance_grad=0,
        tolerance_change=1e-12,  # where a line search stops halving
        line_search_fn="strong_wolfe" if config.line_search else None,
    )
