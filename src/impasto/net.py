"""Johnson's residual transformation network (Johnson et al. 2016, supplementary table 1).

Deviations from the paper, all common since: instance normalisation (Ulyanov et al. 2016) instead of
batch normalisation; reflection padding in every convolution, the residual ones too, instead of
unpadded residual blocks, and therefore 12 pixels around the picture instead of 40, and around the
crops of training only if asked for, with 16 around the picture then; upsampling + convolution
instead of strided transposed convolutions, which leave checkerboards (Odena et al. 2016); the
output passes through a sigmoid, the paper's scaled tanh moved to [0,1].
"""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.layers import InstanceNorm, ReflectConv2d, blur

Upsampling = Literal["smooth", "bilinear", "nearest"]
MARGIN = 12  # pixels; with them the frame, up to 3 times as strong as in photographs, is gone
BEYOND = 4  # pixels more after learning with MARGIN: the frame that pleased the loss there
REACH = 4  # pixels: what the last convolution sees of that margin
MIN_SIDE = 16  # pixels; below it the reflection in the deepest blocks has nothing to reflect


class ConvBlock(nn.Module):
    """[×2 upsampling,] reflection padding, convolution[, instance normalisation[, ReLU]]."""

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        upsampling: Upsampling | None = None,
        norm: bool = True,
        relu: bool = True,
    ) -> None:
        """`upsampling` doubles H and W before the convolution."""
        super().__init__()
        self.upsampling = upsampling
        self.conv = ReflectConv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            bias=not norm,  # a bias before instance normalisation is subtracted again
        )
        self.norm = InstanceNorm(channels=out_channels) if norm else None
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H', W')."""
        if self.upsampling is not None:
            x = upsample(x, self.upsampling)
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        return F.relu(x) if self.relu else x


def upsample(x: Tensor, how: Upsampling) -> Tensor:
    """(B, C, H, W) -> (B, C, 2H, 2W).

    `smooth` blurs before it interpolates: what alternates from pixel to pixel down here becomes a
    lattice of lines up there, at 4 and 8 pixels in the picture, on which networks draw weaves.
    """
    if how == "smooth":
        x = blur(x)
    mode, align = ("nearest", None) if how == "nearest" else ("bilinear", False)
    with torch.autocast(x.device.type, enabled=False):  # or CPUs would do it in float32
        return F.interpolate(x, scale_factor=2, mode=mode, align_corners=align)


class ResidualBlock(nn.Module):
    """x + conv(conv(x)); nothing after the addition (Gross & Wilber 2016, as in the paper)."""

    def __init__(self, *, channels: int) -> None:
        """Keep the number of channels."""
        super().__init__()
        self.first = ConvBlock(in_channels=channels, out_channels=channels, kernel_size=3)
        self.second = ConvBlock(
            in_channels=channels, out_channels=channels, kernel_size=3, relu=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return x + self.second(self.first(x))


class TransformNet(nn.Module):
    """Photographs in, stylized pictures of the same size out.

    With width 32 (the paper): 9×9-32, 3×3-64 /2, 3×3-128 /2, five residual blocks of 128, two ×2
    upsamplings to 64 and 32, 9×9-3.
    """

    def __init__(
        self,
        *,
        width: int = 32,
        residual_blocks: int = 5,
        upsampling: Upsampling = "smooth",
        learns_with_margin: bool = False,
    ) -> None:
        """`width` is the number of channels at full resolution, the margin as in `forward`."""
        super().__init__()
        self.width = width
        self.learns_with_margin = learns_with_margin
        self.upsampling: Upsampling = upsampling
        deep = 4 * width
        self.down = nn.Sequential(
            ConvBlock(in_channels=3, out_channels=width, kernel_size=9),
            ConvBlock(in_channels=width, out_channels=2 * width, kernel_size=3, stride=2),
            ConvBlock(in_channels=2 * width, out_channels=deep, kernel_size=3, stride=2),
        )
        self.residual = nn.Sequential(
            *(ResidualBlock(channels=deep) for _ in range(residual_blocks))
        )
        self.up = nn.Sequential(
            ConvBlock(
                in_channels=deep, out_channels=2 * width, kernel_size=3, upsampling=upsampling
            ),
            ConvBlock(
                in_channels=2 * width, out_channels=width, kernel_size=3, upsampling=upsampling
            ),
            ConvBlock(in_channels=width, out_channels=3, kernel_size=9, norm=False, relu=False),
        )

    @property
    def arrangement(self) -> dict[str, Any]:
        """The arguments that make another of the same layers and margins."""
        return {
            "width": self.width,
            "residual_blocks": len(self.residual),
            "upsampling": self.upsampling,
            "learns_with_margin": self.learns_with_margin,
        }

    @property
    def margin(self) -> int:
        """Pixels around the picture that are cut off again, in the mode that the network is in."""
        if self.learns_with_margin:
            return MARGIN if self.training else MARGIN + BEYOND
        return 0 if self.training else MARGIN

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0,1] -> the same shape in [0,1], for every H, W >= 16.

        Sides that are no multiple of 4 are reflected up to one and the surplus is cut off again, in
        eval mode with `margin` more on every side: the layers' own padding shows as a frame there.
        So it may be in training too: a frame pleases the loss, and is missing where it is cut off.
        """
        height, width = images.shape[-2:]
        margin, near = self.margin, min(self.margin, MARGIN)
        surplus = near, near + -width % 4, near, near + -height % 4
        padded = F.pad(images, surplus, mode="reflect")
        if margin > near:  # reflected again: images of MIN_SIDE have no more than MARGIN to reflect
            padded = F.pad(padded, [margin - near] * 4, mode="reflect")
        x = self.residual(self.down(padded))
        if not margin:
            return torch.sigmoid(self.up(x))[..., :height, :width]
        x = self.up[:-1](x)
        rows, columns = (
            slice(margin - REACH, margin + REACH + side + side % 2) for side in (height, width)
        )
        return torch.sigmoid(self.last(x[..., rows, columns]))[..., :height, :width]

    def last(self, x: Tensor) -> Tensor:
        """The last convolution, without padding: (B, width, H + 8, W + 8) -> (B, 3, H, W)."""
        conv = self.up[-1].get_submodule("conv")
        return F.conv2d(x, conv.get_parameter("weight"), conv.get_parameter("bias"))
