"""Gram matrices: how often features occur together, whatever their place.

They are computed in float32 (float64 stays), also under autocast and from half-precision features:
a half-precision product over H*W terms would lose the small entries, or overflow.
"""

from typing import Any

import torch
from torch import Tensor

from impasto.models.vgg import Projection


def gram_matrix(features: Tensor) -> Tensor:
    """Gram matrices divided by C*H*W (Johnson et al. 2016, eq. 3).

    Args:
        features: (B, C, H, W).

    Returns:
        (B, C, C), symmetric.
    """
    with torch.autocast(features.device.type, enabled=False):
        gram, _ = moments(features)
        return gram / features.shape[1]


def projected_gram_matrix(features: Tensor, projection: Projection) -> Tensor:
    """`gram_matrix` of projected features, from the features before the projection.

    With x' = (x, 1) and W' = (W, b) the Gram of W'x' is W' G(x') W'^T: the wide features, and a
    product over all their pixels, are never needed.

    Args:
        features: (B, c, H, W), those of `projection.source`.
        projection: the convolution.

    Returns:
        (B, C, C), symmetric.
    """
    with torch.autocast(features.device.type, enabled=False):
        return project_gram(*moments(features), projection)


def project_gram(gram: Tensor, mean: Tensor, projection: Projection) -> Tensor:
    """`projected_gram_matrix` from the `moments` of what is to be projected: (B, C, C)."""
    affine = torch.cat([projection.weight.flatten(1), projection.bias[:, None]], dim=1).to(
        gram.dtype
    )
    above = torch.cat([gram, mean], dim=2)
    below = torch.cat([mean.transpose(1, 2), torch.ones_like(mean[:, :1])], dim=2)
    return affine @ torch.cat([above, below], dim=1) @ affine.T / len(affine)


def at_least_float32(tensor: Tensor) -> Tensor:
    """Half precision becomes float32, anything else stays."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Means over the pixels of x x^T, (B, C, C), and of x, (B, C, 1)."""
    gram, mean = _Moments.apply(features)
    return gram, mean


class _Moments(torch.autograd.Function):
    """One product backwards where torch would compute two and add them.

    It is taken in the features' own precision, in which their gradient is passed on anyway.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(features)
        rows = at_least_float32(features).flatten(2)
        return rows @ rows.transpose(1, 2) / rows.shape[2], rows.mean(dim=2, keepdim=True)

    @staticmethod
    def backward(ctx: Any, gram_gradient: Tensor, mean_gradient: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        batch, _, height, width = features.shape
        pixels = height * width
        rows = features.permute(0, 2, 3, 1).flatten(1, 2)  # a view where channels come last
        both = ((gram_gradient + gram_gradient.transpose(1, 2)) / pixels).to(rows.dtype)
        mean = (mean_gradient / pixels).to(rows.dtype).transpose(1, 2)
        gradient = torch.baddbmm(mean, rows, both)
        return gradient.view(batch, height, width, -1).permute(0, 3, 1, 2)
