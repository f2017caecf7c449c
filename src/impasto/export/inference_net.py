"""Networks as they are exported: the same function, arranged for those who only run it."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.export.phases import phases_of
from impasto.models.designs import Net
from impasto.models.transform_net import ConvBlock, TransformNet, stylize

WHITE, GRAY = 255, 128
FIRST = "down.0.conv.weight"  # what `InferenceNet` divides


class Phased(NamedTuple):
    """A parameter whose phases are computed with."""

    buffer: str  # holds the phases
    name: str  # of the parameter
    doubled: bool  # as in `phase_kernel`


PHASED = [  # of `PhasedUp`
    Phased("doubled_0", "0.conv.weight", doubled=True),
    Phased("doubled_1", "1.conv.weight", doubled=True),
    Phased("phased_weight", "2.conv.weight", doubled=False),
    Phased("phased_bias", "2.conv.bias", doubled=False),
]


class InferenceNet(nn.Module):
    """A copy of a network, frozen, in eval mode, on the CPU, with a margin around the picture.

    It sees pixels as the whole numbers -128..127: those of a photograph are exact in bf16, and near
    zero its steps are finest, which lowered the largest error of a bf16 run from 19 to 3 levels of
    255. The first convolution divides by 255 again and the instance normalization after it takes
    the shift away, so that every normalization of the graph has the same epsilon: WebGPU backends
    were seen to mix several up.
    """

    def __init__(self, net: Net, *, uint8: bool = False) -> None:
        """With `uint8` it takes and gives bytes, 0..255."""
        super().__init__()
        self.net: Net = type(net)(**net.config)
        self.net.load_state_dict(exported_parameters(net))
        if isinstance(self.net, TransformNet) and self.net.upsampling == "nearest":
            self.net.up = PhasedUp(self.net.up)
        self.uint8 = uint8
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W), float32 in [0,1] or uint8 -> the same shape, kind and range."""
        if not self.uint8:
            return stylize(self.net, images * WHITE - GRAY)
        return torch.round(stylize(self.net, images.float() - GRAY) * WHITE).to(torch.uint8)

    def phased(self) -> list[Phased]:
        """What the graph makes of parameters, and of which; nothing if it has no phases."""
        if not isinstance(self.net.up, PhasedUp):
            return []
        return [
            item._replace(buffer=f"net.up.{item.buffer}", name=f"net.up.{item.name}")
            for item in PHASED
        ]


class PhasedUp(nn.Sequential):
    """`TransformNet.up` where upsampling is `nearest`, all that comes after it as phases.

    The last layer is padded with zeros: the margin that `stylize` cuts off is wider than what they
    reach.
    """

    def __init__(self, up: nn.Sequential) -> None:
        """Take over the layers; their convolutions stay as they are, but are not used."""
        super().__init__(*up)
        for item in PHASED:
            weight = self.get_parameter(item.name).detach()
            self.register_buffer(item.buffer, phases_of(weight, doubled=item.doubled))

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 3, 4 H, 4 W)."""
        x = F.pixel_shuffle(self._doubled(input, 0), 2)
        x = self._doubled(x, 1)
        kernel, bias = self.get_buffer("phased_weight"), self.get_buffer("phased_bias")
        return F.pixel_shuffle(F.conv2d(x, kernel, bias, padding=kernel.shape[-1] // 2), 2)

    def _doubled(self, x: Tensor, index: int) -> Tensor:
        """A block that doubles: (B, C, H, W) -> phases, (B, 4 C', H, W)."""
        block = self[index]
        assert isinstance(block, ConvBlock)
        assert block.norm is not None
        kernel = self.get_buffer(f"doubled_{index}")
        x = F.conv2d(F.pad(x, [1] * 4, mode="replicate"), kernel)
        batch, channels, height, width = x.shape
        normed = block.norm(x.reshape(batch, channels // 4, 4 * height, width))
        return F.relu(normed).reshape(batch, channels, height, width)


def exported_parameters(net: nn.Module) -> dict[str, Any]:
    """The parameters of a network for pixels of 0..255."""
    parameters = {key: value.detach().cpu() for key, value in net.state_dict().items()}
    return parameters | {FIRST: parameters[FIRST] / WHITE}


def network_parameters(exported: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `exported_parameters`, for names as they are in a file."""
    parameters = {name.removeprefix("net."): value for name, value in exported.items()}
    if FIRST in parameters:
        parameters[FIRST] = parameters[FIRST] * WHITE
    return parameters
