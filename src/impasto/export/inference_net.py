"""TransformNet as it is exported: the same function, arranged for those who only run it."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.export.phases import phase_kernel
from impasto.models.transform_net import ConvBlock, TransformNet, stylize

WHITE, GRAY = 255, 128
FIRST = "down.0.conv.weight"  # what `InferenceNet` divides
LAST = "up.2.conv"


class InferenceNet(nn.Module):
    """A copy of a network, frozen, in eval mode, on the CPU, with a margin around the picture.

    It sees pixels as the whole numbers -128..127: those of a photograph are exact in bf16, and near
    zero its steps are finest, which lowered the largest error of a bf16 run from 19 to 3 levels of
    255. The first convolution divides by 255 again and the instance normalization after it takes
    the shift away, so that every normalization of the graph has the same epsilon: WebGPU backends
    were seen to mix several up.

    Where upsampling is `nearest`, all that comes after it is computed as phases. The last layer is
    padded with zeros then: the margin that is cut off is wider than what they reach.
    """

    def __init__(self, net: TransformNet, *, uint8: bool = False) -> None:
        """With `uint8` it takes and gives bytes, 0..255."""
        super().__init__()
        self.net = TransformNet(**net.config)
        self.net.load_state_dict(exported_parameters(net))
        self.uint8 = uint8
        self.phased = net.upsampling == "nearest"
        for name, parameter in self.phased_parameters().items():
            self.register_buffer(buffer_name(name), phases_of(name, parameter))
        self.eval().requires_grad_(False)

    def phased_parameters(self) -> dict[str, Tensor]:
        """{name: parameter} of those that the graph holds as phases; none if it has no phases."""
        names = ["up.0.conv.weight", "up.1.conv.weight", f"{LAST}.weight", f"{LAST}.bias"]
        parameters = self.net.state_dict()
        return {name: parameters[name] for name in names if self.phased}

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W), float32 in [0,1] or uint8 -> the same shape, kind and range."""
        if not self.uint8:
            return stylize(self._net, images * WHITE - GRAY)
        return torch.round(stylize(self._net, images.float() - GRAY) * WHITE).to(torch.uint8)

    def _net(self, pixels: Tensor) -> Tensor:
        return self.net.cropped(pixels, self._upsampled if self.phased else self.net.up)

    def _upsampled(self, x: Tensor) -> Tensor:
        """As `TransformNet.up`: (B, C, H, W) -> (B, 3, 4 H, 4 W)."""
        x = F.pixel_shuffle(self._doubled(x, 0), 2)
        x = self._doubled(x, 1)
        kernel, bias = (
            self.get_buffer(buffer_name(f"{LAST}.{part}")) for part in ("weight", "bias")
        )
        return F.pixel_shuffle(F.conv2d(x, kernel, bias, padding=kernel.shape[-1] // 2), 2)

    def _doubled(self, x: Tensor, index: int) -> Tensor:
        """A block of `TransformNet.up`: (B, C, H, W) -> phases, (B, 4 C', H, W)."""
        block = self.net.up[index]
        assert isinstance(block, ConvBlock)
        assert block.norm is not None
        kernel = self.get_buffer(buffer_name(f"up.{index}.conv.weight"))
        x = F.conv2d(F.pad(x, [1] * 4, mode="replicate"), kernel)
        batch, channels, height, width = x.shape
        normed = block.norm(x.reshape(batch, channels // 4, 4 * height, width))
        return F.relu(normed).reshape(batch, channels, height, width)


def buffer_name(parameter: str) -> str:
    """What a parameter's phases are called: buffers and nodes may have no dots."""
    kind = "phases" if parameter.startswith(LAST) else "doubled"
    return f"{kind}_{parameter.replace('.', '_')}"


def phases_of(name: str, parameter: Tensor) -> Tensor:
    """A parameter for phases."""
    if parameter.ndim == 1:
        return parameter.repeat_interleave(4)
    return phase_kernel(parameter, doubled=not name.startswith(LAST))


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
