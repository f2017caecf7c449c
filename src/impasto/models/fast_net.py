"""A transformation network without layers at full size: a third to a half of the time of `light`.

Photographs come in as blocks of 4×4 pixels, 48 channels of a quarter of the size, and pictures go
out the same way (sub-pixel convolution, Shi et al. 2016). The residual blocks of Johnson et al.
2016 lie at an eighth of the size; what they lose of a photograph is added again at a quarter
(a skip connection, Ronneberger et al. 2015), and a last residual block draws on both.

What comes out is normalized once more: brightness and two opponent colors get the means and
deviations of the style, which for a painting are simply its own. So the colors of a style need not
be learned.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.models.layers import InstanceNorm
from impasto.models.transform_net import ConvBlock, ResidualBlock

BLOCK = 4  # pixels: sides of a block that is one place of the first layer
MULTIPLE = 2 * BLOCK  # pixels; the residual blocks have strides of so many
OPPONENT = (  # rows: brightness, red against blue, green against both; orthonormal
    (3**-0.5, 3**-0.5, 3**-0.5),
    (2**-0.5, 0.0, -(2**-0.5)),
    (6**-0.5, -2 * 6**-0.5, 6**-0.5),
)
USUAL_COLORS = ((0.35, 0.1, 0.05), (0.85, 0.05, 0.0))  # deviations and means of opponent colors


class FastNet(nn.Module):
    """Photographs in, stylized pictures of the same size out.

    With width 16: 4×4 blocks, 3×3-48, 3×3-64 /2, four residual blocks of 64, ×2 upsampling to 48,
    plus the first layer's output, a residual block of 48, 3×3-48, colors, 4×4 blocks.
    """

    def __init__(self, *, width: int = 16, residual_blocks: int = 4) -> None:
        """The layers have three and four times `width` channels."""
        super().__init__()
        self.width = width
        near, deep, pixels = 3 * width, 4 * width, 3 * BLOCK**2
        self.down = nn.Sequential(
            ConvBlock(in_channels=pixels, out_channels=near, kernel_size=3),
            ConvBlock(in_channels=near, out_channels=deep, kernel_size=3, stride=2),
        )
        self.residual = nn.Sequential(
            *(ResidualBlock(channels=deep) for _ in range(residual_blocks))
        )
        self.up = nn.Sequential(
            ConvBlock(in_channels=deep, out_channels=near, kernel_size=3, upsampling="nearest"),
            ResidualBlock(channels=near),
            ConvBlock(in_channels=near, out_channels=pixels, kernel_size=3, norm=False, relu=False),
        )
        self.colors = InstanceNorm(channels=3)
        self.register_buffer("opponent", torch.tensor(OPPONENT), persistent=False)
        with torch.no_grad():
            for parameter, values in zip(self.colors.parameters(), USUAL_COLORS, strict=True):
                parameter.copy_(torch.tensor(values))
            # the pixels of a block begin alike, or their differences show as a grid (Aitken 2017)
            weight = self.get_parameter("up.2.conv.weight")
            weight.copy_(weight[:: BLOCK**2].repeat_interleave(BLOCK**2, dim=0))

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make another of the same layers."""
        return {"width": self.width, "residual_blocks": len(self.residual)}

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0,1] -> the same shape in [0,1], for every H, W >= 16.

        Sides that are no multiple of 8 are reflected up to one; the surplus is cut off again.
        """
        height, width = images.shape[-2:]
        padded = F.pad(images, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="reflect")
        near = self.down[0](F.pixel_unshuffle(padded, BLOCK))
        drawn = self.up[0](self.residual(self.down[1](near))) + near
        blocks = self.colored(self.up[2](self.up[1](drawn)))
        return F.pixel_shuffle(blocks, BLOCK)[..., :height, :width]

    @torch.no_grad()
    def flatten(self) -> None:
        """Have the last layer draw plain blocks of features that are the same all around.

        Otherwise it learns a grid, equal in every block, that early Gram matrices take for grain.
        """
        weight, bias = (self.get_parameter(f"up.2.conv.{name}") for name in ("weight", "bias"))
        weight.sub_(_within_blocks(weight.sum((2, 3)))[..., None, None] / weight[0, 0].numel())
        bias.sub_(_within_blocks(bias))

    def colored(self, blocks: Tensor) -> Tensor:
        """Blocks of opponent colors, as they were drawn -> RGB in [0,1], in the style's colors.

        (B, 48, h, w) -> the same shape.
        """
        batch, channels, height, width = blocks.shape
        with torch.autocast(blocks.device.type, enabled=False):  # 8 bits would not be enough
            flat = self.colors(blocks.float().reshape(batch, 3, BLOCK**2 * height, width))
            rgb = self.get_buffer("opponent").T @ flat.flatten(2)
        return rgb.clamp(0, 1).reshape(batch, channels, height, width)


def _within_blocks(numbers: Tensor) -> Tensor:
    """How far the pixels of a block are from their mean; (48, ...) -> the same shape."""
    blocks = numbers.reshape(3, BLOCK**2, -1)
    return (blocks - blocks.mean(1, keepdim=True)).reshape(numbers.shape)
