"""Reflection padding and instance normalization, the same numbers as torch's, faster on CPUs.

torch 2.x turns channels_last tensors around and back for both: measured on two Xeon cores with AMX,
that was a third of a training step. Other devices and graphs that are exported keep torch's own
operators: CUDA's group norm takes no bfloat16 with parameters of float32, which autocast gives it.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def reflect_pad(x: Tensor, margin: int) -> Tensor:
    """(B, C, H, W) -> (B, C, H + 2 margin, W + 2 margin), reflected at the edges' pixel centres.

    As `F.pad(x, [margin] * 4, mode="reflect")`, with a gradient that touches the margins only.
    """
    if _keeps_torchs(x):
        return F.pad(x, [margin] * 4, mode="reflect")
    padded: Tensor = _ReflectPad.apply(x, margin)
    return padded


def _keeps_torchs(x: Tensor) -> bool:
    exporting: bool = torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export()
    return exporting or x.device.type != "cpu"


class _ReflectPad(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, margin: int) -> Tensor:
        ctx.margin = margin
        with torch.autocast(x.device.type, enabled=False):  # on CPUs it would turn x into float32
            return F.pad(x, [margin] * 4, mode="reflect")

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _fold_margins(gradient, ctx.margin), None


def _fold_margins(padded: Tensor, margin: int) -> Tensor:
    """Add every margin to the pixels that it mirrors and cut it off: the transpose of padding."""
    inside = slice(margin, -margin)
    layout = (
        torch.channels_last
        if padded.is_contiguous(memory_format=torch.channels_last)
        else (torch.contiguous_format)
    )
    folded = padded[..., inside, inside].clone(memory_format=layout)
    near, far = slice(1, margin + 1), slice(-margin - 1, -1)
    folded[..., near] += padded[..., inside, :margin].flip(-1)
    folded[..., far] += padded[..., inside, -margin:].flip(-1)
    for rows, mirrored in ((slice(None, margin), near), (slice(-margin, None), far)):
        strip = padded[..., rows, :].flip(-2)
        across = strip[..., inside].clone()
        across[..., near] += strip[..., :margin].flip(-1)
        across[..., far] += strip[..., -margin:].flip(-1)
        folded[..., mirrored, :] += across
    return folded


class ReflectConv2d(nn.Conv2d):
    """nn.Conv2d that keeps H and W (at stride 1), padded by `reflect_pad`; odd square kernels."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H / stride, W / stride)."""
        margin = self.kernel_size[0] // 2
        padded = reflect_pad(input, margin) if margin else input
        return F.conv2d(padded, self.weight, self.bias, self.stride)


class InstanceNorm(nn.InstanceNorm2d):
    """nn.InstanceNorm2d with parameters that leaves channels_last tensors as they lie."""

    def __init__(self, *, channels: int) -> None:
        """Weight 1, bias 0."""
        super().__init__(channels, affine=True)
        self.instead: Callable[[Tensor], Tensor] | None = None  # is called, if there is one

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape; mean 0 and variance 1 a channel, then weight, bias.

        Weight and bias may be (B, C), one of each for every image, where they are put in the place
        of the layer's own (`torch.func.functional_call`): conditional instance normalization.
        """
        if self.instead is not None:
            return self.instead(input)
        if not _keeps_torchs(input):
            applied: Tensor = _InstanceNorm.apply(input, self.weight, self.bias, self.eps)
            return applied
        if self.weight.ndim == 1:
            return super().forward(input)
        normalized = F.instance_norm(input, eps=self.eps)
        scale, shift = _an_image(self.weight, self.bias, normalized.dtype)
        return normalized * scale + shift


def _an_image(weight: Tensor, bias: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Two of (B, C) as (B, C, 1, 1), in the type of what they scale and shift."""
    return weight.to(dtype)[..., None, None], bias.to(dtype)[..., None, None]


class _InstanceNorm(torch.autograd.Function):
    """A group norm of one channel a group, whose own gradient is slow in channels_last."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        batch, channels, height, width = x.shape
        shared = weight.ndim == 1
        y, mean, rstd = torch.native_group_norm(
            x,
            weight if shared else None,
            bias if shared else None,
            batch,
            channels,
            height * width,
            channels,
            eps,
        )
        ctx.save_for_backward(x, weight, mean, rstd)
        if shared:
            return y
        scale, shift = _an_image(weight, bias, y.dtype)
        return torch.addcmul(shift, y, scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, mean, rstd = ctx.saved_tensors
        shape, exact = (*x.shape[:2], 1, 1), mean.dtype
        pixels = x.shape[2] * x.shape[3]
        mean, rstd = mean.view(shape), rstd.view(shape)
        bias_gradient = _sum(gradient, exact)
        product = _sum(gradient * x, exact)
        weight_gradient = (product - mean * bias_gradient) * rstd
        scale = weight.view(-1, shape[1], 1, 1) * rstd
        slope = -scale * rstd * weight_gradient / pixels
        offset = -scale * bias_gradient / pixels - slope * mean
        low = [part.to(x.dtype) for part in (offset, slope, scale)]
        x_gradient = torch.addcmul(low[0], x, low[1]).addcmul_(gradient, low[2])
        flat = [part.flatten(1).to(weight.dtype) for part in (weight_gradient, bias_gradient)]
        if weight.ndim == 1:
            flat = [part.sum(0) for part in flat]
        return x_gradient, flat[0], flat[1], None


def _sum(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Over H and W, keeping both; rows as a product, which accumulates in float32 and is fast."""
    ones = x.new_ones(1, x.shape[3])
    rows = ones @ x.permute(0, 2, 3, 1)  # (B, H, 1, C)
    return rows.sum((1, 2), dtype=dtype)[:, :, None, None]
