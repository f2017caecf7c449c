"""TransformNet as it is exported: the same function, arranged for those who only run it."""

from typing import Any

import torch
from torch import Tensor, nn

from impasto.models.transform_net import TransformNet, stylize

WHITE, GRAY = 255, 128
FIRST = "down.0.conv.weight"  # what `InferenceNet` divides


class InferenceNet(nn.Module):
    """A copy of a network, frozen, in eval mode, on the CPU, with a margin around the picture.

    It sees pixels as the whole numbers -128..127: those of a photograph are exact in bf16, and near
    zero its steps are finest, which lowered the largest error of a bf16 run from 19 to 3 levels of
    255. The first convolution divides by 255 again and the instance normalization after it takes
    the shift away, so that every normalization of the graph has the same epsilon: WebGPU backends
    were seen to mix several up.
    """

    def __init__(self, net: TransformNet, *, uint8: bool = False) -> None:
        """With `uint8` it takes and gives bytes, 0..255."""
        super().__init__()
        self.net = TransformNet(**net.config)
        self.net.load_state_dict(exported_parameters(net))
        self.uint8 = uint8
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W), float32 in [0,1] or uint8 -> the same shape, kind and range."""
        if not self.uint8:
            return stylize(self.net, images * WHITE - GRAY)
        return torch.round(stylize(self.net, images.float() - GRAY) * WHITE).to(torch.uint8)


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
