"""Muon: the optimizer that turns the steps of convolutions into orthogonal matrices.

Jordan et al. 2024, https://kellerjordan.github.io/posts/muon: the momentum of a weight, flattened
to (out, in·kh·kw), is replaced by the nearest semi-orthogonal matrix, so that every direction
learns as fast as the strongest. torch.optim.Muon takes matrices only and leaves all else to a
second optimizer; this one takes a network of convolutions, as one optimizer for Lightning.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from impasto.system import has_fast_bf16

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic, Jordan's: singular values to 0.7..1.2
ITERATIONS = 5
THIN = 8  # channels: a convolution from or to fewer (RGB) has hardly any directions to even out


class Muon(torch.optim.Adam):
    """Muon for the convolutions inside a network, Adam for all else."""

    def __init__(self, parameters: Iterable[nn.Parameter], *, lr: float, ratio: float = 20) -> None:
        """`lr` is Adam's rate; a convolution's steps have singular values of about ratio·lr."""
        convolutions: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for parameter in parameters:
            inner = parameter.ndim == 4 and min(parameter.shape[:2]) >= THIN
            (convolutions if inner else rest).append(parameter)
        groups: list[dict[str, Any]] = [{"params": rest, "orthogonal": False}]
        groups.append({"params": convolutions, "orthogonal": True, "lr": ratio * lr})
        super().__init__([group for group in groups if group["params"]], lr=lr, fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; returns what `closure` does."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        taken: list[tuple[nn.Parameter, Tensor]] = []
        for group in self.param_groups:
            if group["orthogonal"]:
                taken += _step(group, self.state)
        for parameter, _ in taken:
            parameter.grad = None  # Adam passes over it
        super().step()
        for parameter, gradient in taken:
            parameter.grad = gradient
        return loss


def _step(group: dict[str, Any], state: dict[Tensor, Any]) -> list[tuple[nn.Parameter, Tensor]]:
    taken, by_shape = [], defaultdict(list)
    for parameter in group["params"]:
        gradient = parameter.grad
        if gradient is None:
            continue
        if parameter not in state:  # Adam looks for "step" when a state is loaded
            state[parameter] = {"step": torch.zeros(()), "momentum": torch.zeros_like(parameter)}
        momentum = state[parameter]["momentum"]
        momentum.lerp_(gradient, 1 - MOMENTUM)
        ahead = gradient.lerp(momentum, MOMENTUM)  # Nesterov's
        by_shape[parameter.shape].append((parameter, ahead.flatten(1)))
        taken.append((parameter, gradient))
    for shape, pairs in by_shape.items():
        steps = orthogonalise(torch.stack([matrix for _, matrix in pairs]))
        scale = max(1.0, steps.shape[-2] / steps.shape[-1]) ** 0.5
        for (parameter, _), step in zip(pairs, steps, strict=True):
            parameter.add_(step.view(shape), alpha=-group["lr"] * scale)
    return taken


def orthogonalise(matrices: Tensor) -> Tensor:
    """About U·Vᵀ for every matrix U·S·Vᵀ, by Newton-Schulz iterations.

    (N, rows, columns) -> the same shape, float32, with singular values of 0.7..1.2. Ones below
    1e-3 of the norm stay smaller.
    """
    x = matrices.bfloat16() if has_fast_bf16(matrices.device.type) else matrices.float()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if tall else x).float()
