"""Maps from one encoder's features to another's: solved for, not learned.

Whatever the convolutions are at a step, the best linear map from the student's features to the
teacher's is known: least squares. Solving for it at every step (variable projection, Golub and
Pereyra 1973) leaves the optimizer the convolutions alone: in 300 steps they came as far as in 5,000
with maps that were learned along with them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.distillation.feature_error import disagreement
from impasto.models.vgg import RAW, Projection, VGGEncoder

RIDGE = 1e-4  # of the mean variance, for directions that the student does not use


class Solver:
    """Least squares over the batches it has seen, the older ones fading."""

    def __init__(self, *, memory: int) -> None:
        """Up to `memory` batches all count the same, then old ones fade at that pace."""
        self.memory = memory
        self._seen: dict[str, tuple[int, Tensor, Tensor]] = {}

    @torch.no_grad()
    def __call__(self, layer: str, student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
        """Weight (C, c) and bias (C) of the best map at a layer, this batch included.

        Args:
            layer: whose memory it is.
            student: (B, c, H, W).
            teacher: (B, C, H, W).
        """
        with torch.autocast(student.device.type, enabled=False):
            x, y = (item.float().permute(0, 2, 3, 1).flatten(0, 2) for item in (student, teacher))
            x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
            gram, cross = x.T @ x / len(x), x.T @ y / len(x)
            count, *before = self._seen.get(layer, (0, gram, cross))
            share = 1 / min(count + 1, self.memory)
            gram, cross = (
                old.lerp(new, share) for old, new in zip(before, (gram, cross), strict=True)
            )
            self._seen[layer] = count + 1, gram, cross
            ridge = RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
            solution = torch.linalg.solve(gram + ridge, cross).T
        return solution[:, :-1], solution[:, -1]


class Fit(NamedTuple):
    """How far a student is from its teacher, seen through the best maps."""

    errors: dict[str, Tensor]  # of `disagreement`
    hints: Tensor  # sum over the layers in between: squared error by energy
    projections: dict[str, Projection]  # those maps, to what the teacher's projections give


def fit(
    student: VGGEncoder,
    teacher: VGGEncoder,
    images: Tensor,
    *,
    solver: Solver,
    projections: Mapping[str, Projection],
    hints: Sequence[str],
) -> Fit:
    """Compare two encoders on images, (B, 3, H, W) in [0,1].

    Args:
        student: has gradients.
        teacher: has none.
        images: (B, 3, H, W) in [0,1].
        solver: remembers the batches before.
        projections: the teacher's, one a layer.
        hints: layers besides, compared through such maps too (Romero et al. 2015, FitNets), so that
            a deep layer need not wait for what lies between two layers to sort itself out.
    """
    with torch.no_grad():
        target = teacher(images, [*(wide.source for wide in projections.values()), *hints])
    found = student(images, [*(layer + RAW for layer in projections), *hints])
    solved = {}
    for layer, projection in projections.items():
        weight, bias = solver(layer, found[layer + RAW], target[projection.source])
        wide = projection.weight.flatten(1)
        solved[layer] = Projection(
            layer + RAW, (wide @ weight)[:, :, None, None], wide @ bias + projection.bias
        )
    missed = sum(
        (_missed(solver, hint, found[hint], target[hint]) for hint in hints), torch.zeros(())
    )
    errors = disagreement(
        found, target, student_projections=solved, teacher_projections=projections
    )
    return Fit(errors, missed, solved)


def _missed(solver: Solver, hint: str, found: Tensor, target: Tensor) -> Tensor:
    """Squared error of the best map at a layer, by the energy of the teacher's features there."""
    weight, bias = solver(hint, found, target)
    mapped = F.conv2d(found, weight[:, :, None, None].to(found.dtype), bias.to(found.dtype))
    return (mapped - target).float().square().sum() / target.float().square().sum()
