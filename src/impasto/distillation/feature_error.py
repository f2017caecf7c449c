"""How far two encoders' features, and the Grams of these features, are apart.

Both are read off the moments of the two encoders' raw features side by side: the lifted features,
64 to 512 channels at every pixel, are never computed.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from impasto.losses.gram import lift_gram, moments
from impasto.losses.perceptual import Features
from impasto.models.vgg import Lift


def disagreement(
    student: Features,
    teacher: Features,
    *,
    student_lifts: Mapping[str, Lift],
    teacher_lifts: Mapping[str, Lift],
) -> dict[str, Tensor]:
    """Squared errors of features and Grams, each divided by the teacher's own energy.

    Args:
        student: {source of a lift: (B, c, H, W)}.
        teacher: the same, of the same H, W.
        student_lifts: one a tap, to the channels that the teacher has there.
        teacher_lifts: one a tap, `no_lift` where the teacher has none.

    Returns:
        {tap: scalar, gram_<tap>: scalar}, means over the batch.
    """
    found = {}
    for tap, mine in student_lifts.items():
        theirs = teacher_lifts[tap]
        features = [student[mine.source], teacher[theirs.source].to(student[mine.source].dtype)]
        with torch.autocast(features[0].device.type, enabled=False):
            gram, mean = moments(torch.cat(features, dim=1))
            apart = Lift("", torch.cat([mine.weight, -theirs.weight], 1), mine.bias - theirs.bias)
            narrow = mine.weight.shape[1]
            blocks = slice(None, narrow), slice(narrow, None)
            of_student, of_teacher = (
                lift_gram(gram[:, part, part], mean[:, part], lift)
                for part, lift in zip(blocks, (mine, theirs), strict=True)
            )
            between = lift_gram(gram, mean, apart)
        found[tap] = (_trace(between) / _trace(of_teacher)).mean()
        wrong = (of_student - of_teacher).square().sum((1, 2))
        found[f"gram_{tap}"] = (wrong / of_teacher.square().sum((1, 2))).mean()
    return found


def no_lift(tap: str, *, channels: int) -> Lift:
    """What stands in for a lift where features are compared as they are."""
    return Lift(tap, torch.eye(channels)[:, :, None, None], torch.zeros(channels))


def _trace(matrices: Tensor) -> Tensor:
    return matrices.diagonal(dim1=1, dim2=2).sum(1)
