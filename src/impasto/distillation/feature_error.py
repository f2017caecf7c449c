"""How far two encoders' features, and the Grams of these features, are apart.

Both are read off the moments of the two encoders' raw features side by side: projected features,
64 to 512 channels at every pixel, are never computed.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from impasto.losses.gram import moments, project_gram
from impasto.losses.perceptual import Features
from impasto.models.vgg import Projection


def disagreement(
    student: Features,
    teacher: Features,
    *,
    student_projections: Mapping[str, Projection],
    teacher_projections: Mapping[str, Projection],
) -> dict[str, Tensor]:
    """Squared errors of features and Grams, each divided by the teacher's own energy.

    Args:
        student: {source of a projection: (B, c, H, W)}.
        teacher: the same, of the same H, W.
        student_projections: one a layer, to the channels that the teacher has there.
        teacher_projections: one a layer, `no_projection` where the teacher has none.

    Returns:
        {layer: scalar, gram_<layer>: scalar}, means over the batch.
    """
    found = {}
    for layer, mine in student_projections.items():
        theirs = teacher_projections[layer]
        features = [student[mine.source], teacher[theirs.source].to(student[mine.source].dtype)]
        with torch.autocast(features[0].device.type, enabled=False):
            gram, mean = moments(torch.cat(features, dim=1))
            apart = Projection(
                "", torch.cat([mine.weight, -theirs.weight], 1), mine.bias - theirs.bias
            )
            narrow = mine.weight.shape[1]
            blocks = slice(None, narrow), slice(narrow, None)
            of_student, of_teacher = (
                project_gram(gram[:, part, part], mean[:, part], projection)
                for part, projection in zip(blocks, (mine, theirs), strict=True)
            )
            between = project_gram(gram, mean, apart)
        found[layer] = (_trace(between) / _trace(of_teacher)).mean()
        wrong = (of_student - of_teacher).square().sum((1, 2))
        found[f"gram_{layer}"] = (wrong / of_teacher.square().sum((1, 2))).mean()
    return found


def no_projection(layer: str, *, channels: int) -> Projection:
    """What stands in for a projection where features are compared as they are."""
    return Projection(layer, torch.eye(channels)[:, :, None, None], torch.zeros(channels))


def _trace(matrices: Tensor) -> Tensor:
    return matrices.diagonal(dim1=1, dim2=2).sum(1)
