"""TransformNet as it is exported: the same function, arranged for those who only run it."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.net import TransformNet

WHITE, GREY = 255, 128
PHASES = 2  # pixels along a side that the last convolution makes at once


class InferenceNet(TransformNet):
    """A copy of a network, frozen, in eval mode, on the CPU.

    It sees pixels as the whole numbers -128..127: those of a photograph are exact in bf16, and near
    zero its steps are finest, which lowered the largest error of a bf16 run from 19 to 3 levels of
    255. The instance normalisation that follows takes shift and scale away again.

    The last convolution makes 2×2 pixels at once. Its 12 outputs fill the vector units of a
    processor that 3 leave idle: 11 % of ONNX Runtime's time.
    """

    def __init__(self, net: TransformNet, *, uint8: bool = False) -> None:
        """With `uint8` it takes and gives bytes, 0..255."""
        super().__init__(**net.arrangement)
        self.load_state_dict({key: value.detach().cpu() for key, value in net.state_dict().items()})
        self.uint8 = uint8
        down: Any = self.down  # nn.Sequential does not say of what
        up: Any = self.up
        down[0].norm.eps *= WHITE**2
        up[2] = PhasedConv(up[2].conv)
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W), float32 in [0,1] or uint8 -> the same shape, kind and range."""
        if not self.uint8:
            return super().forward(images * WHITE - GREY)
        return torch.round(super().forward(images.float() - GREY) * WHITE).to(torch.uint8)

    def last(self, x: Tensor) -> Tensor:
        """(B, width, H + 8, W + 8), H and W even -> (B, 3, H, W)."""
        stylized: Tensor = self.up[2](x)
        return stylized


class PhasedConv(nn.Module):
    """A convolution as one of stride PHASES with PHASES² times the outputs."""

    def __init__(self, conv: nn.Conv2d) -> None:
        """`conv` has an odd square kernel, stride 1 and a bias."""
        super().__init__()
        size = conv.kernel_size[0]
        self.conv = nn.Conv2d(
            conv.in_channels, conv.out_channels * PHASES**2, size + PHASES - 1, stride=PHASES
        )
        surplus, places = PHASES - 1, range(PHASES)
        shifted = [
            F.pad(conv.weight.detach(), (across, surplus - across, down, surplus - down))
            for down in places
            for across in places
        ]
        self.conv.weight.data = torch.stack(shifted, dim=1).flatten(0, 1)
        if conv.bias is not None:
            self.conv.bias = nn.Parameter(conv.bias.detach().repeat_interleave(PHASES**2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H + size - 1, W + size - 1), H and W even -> (B, out, H, W)."""
        return F.pixel_shuffle(self.conv(x), PHASES)


def undo_phases(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The parameters of a convolution from those of its PhasedConv; of a plain one as they are."""
    if weight.shape[-1] % 2:
        return weight, bias
    size = weight.shape[-1] - PHASES + 1
    return weight[:: PHASES**2, :, :size, :size].contiguous(), bias[:: PHASES**2].contiguous()
