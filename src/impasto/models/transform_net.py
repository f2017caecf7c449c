"""Johnson's residual transformation network (Johnson et al. 2016, supplementary table 1).

Two designs of one layout. `johnson` has the paper's channels and kernels. `light`, the default, has
fewer channels at full resolution, where a small network spends most of its time, three times
instead of four times the width in the residual blocks, and a 5×5 last layer: a quarter of the
paper's time in ONNX Runtime (docs/performance.md; pictures in docs/research/real-ruler.md).

Deviations from the paper in both: instance normalization (Ulyanov et al. 2016) instead of batch
normalization; reflection padding in every convolution, the residual ones too, instead of unpadded
residual blocks with 40 pixels around the picture; upsampling + convolution instead of strided
transposed convolutions, which leave checkerboards (Odena et al. 2016); the output passes through a
sigmoid, the paper's scaled tanh moved to [0,1].
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.models.layers import InstanceNorm, ReflectConv2d

Design = Literal["light", "johnson"]
Upsampling = Literal["nearest", "bilinear"]
MARGIN = 12  # pixels around a picture when the network is applied, see `stylize`
MIN_SIDE = 16  # pixels; below it the reflection in the deepest blocks has nothing to reflect


class ConvBlock(nn.Module):
    """[×2 upsampling,] reflection padding, convolution[, instance normalization[, ReLU]]."""

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
            bias=not norm,  # a bias before instance normalization is subtracted again
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
    """(B, C, H, W) -> (B, C, 2H, 2W)."""
    align = None if how == "nearest" else False
    with torch.autocast(x.device.type, enabled=False):  # or CPUs would do it in float32
        return F.interpolate(x, scale_factor=2, mode=how, align_corners=align)


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
        added: Tensor = x + self.second(self.first(x))
        return added


class TransformNet(nn.Module):
    """Photographs in, stylized pictures of the same size out.

    `johnson` with width 32 is the paper's: 9×9-32, 3×3-64 /2, 3×3-128 /2, five residual blocks of
    128, two ×2 upsamplings to 64 and 32, 9×9-3. `light` with width 16: 9×9-16, 3×3-32 /2,
    3×3-48 /2, five residual blocks of 48, two ×2 upsamplings to 16 and 8, 5×5-3.
    """

    def __init__(
        self,
        *,
        width: int = 16,
        design: Design = "light",
        residual_blocks: int = 5,
        upsampling: Upsampling = "nearest",
    ) -> None:
        """`width` is the number of channels after the first layer."""
        super().__init__()
        self.width = width
        self.design: Design = design
        self.upsampling: Upsampling = upsampling
        light = design == "light"
        deep = (3 if light else 4) * width
        half, full = (width, max(1, width // 2)) if light else (2 * width, width)
        self.down = nn.Sequential(
            ConvBlock(in_channels=3, out_channels=width, kernel_size=9),
            ConvBlock(in_channels=width, out_channels=2 * width, kernel_size=3, stride=2),
            ConvBlock(in_channels=2 * width, out_channels=deep, kernel_size=3, stride=2),
        )
        self.residual = nn.Sequential(
            *(ResidualBlock(channels=deep) for _ in range(residual_blocks))
        )
        self.up = nn.Sequential(
            ConvBlock(in_channels=deep, out_channels=half, kernel_size=3, upsampling=upsampling),
            ConvBlock(in_channels=half, out_channels=full, kernel_size=3, upsampling=upsampling),
            ConvBlock(
                in_channels=full,
                out_channels=3,
                kernel_size=5 if light else 9,
                norm=False,
                relu=False,
            ),
        )

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make another of the same layers."""
        return {
            "width": self.width,
            "design": self.design,
            "residual_blocks": len(self.residual),
            "upsampling": self.upsampling,
        }

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0,1] -> the same shape in [0,1], for every H, W >= 16.

        Sides that are no multiple of 4 are reflected up to one; the surplus is cut off again.
        """
        height, width = images.shape[-2:]
        padded = F.pad(images, (0, -width % 4, 0, -height % 4), mode="reflect")
        stylized = torch.sigmoid(self.up(self.residual(self.down(padded))))
        return stylized[..., :height, :width]


def stylize(net: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Apply a network with MARGIN reflected pixels around the picture, which are cut off again.

    The layers' own padding shows as a frame otherwise. (B, 3, H, W) in [0,1] -> the same shape.
    """
    height, width = images.shape[-2:]
    stylized = net(F.pad(images, [MARGIN] * 4, mode="reflect"))
    return stylized[..., MARGIN : MARGIN + height, MARGIN : MARGIN + width]
