"""A transformation network without layers at full resolution, a fifth of `light`'s time on CPUs.

Photographs come in as blocks of 4×4 pixels, 48 channels of a quarter of the size, and pictures go
out the same way (sub-pixel convolution, Shi et al. 2016). The residual blocks of Johnson et al.
2016 lie at an eighth of the size; what they lose of a photograph is added again at a quarter
(a skip connection, Ronneberger et al. 2015), and a last residual block draws on both.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.models.transform_net import ConvBlock, ResidualBlock

BLOCK = 4  # pixels: sides of a block that is one place of the first layer
MULTIPLE = 2 * BLOCK  # pixels; the residual blocks have strides of so many


class FastNet(nn.Module):
    """Photographs in, stylized pictures of the same size out.

    With width 16: 4×4 blocks, 3×3-48, 3×3-64 /2, four residual blocks of 64, ×2 upsampling to 48,
    plus the first layer's output, a residual block of 48, 3×3-48, 4×4 blocks.
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
        blocks = self.up[2](self.up[1](drawn))
        return torch.sigmoid(F.pixel_shuffle(blocks, BLOCK))[..., :height, :width]
