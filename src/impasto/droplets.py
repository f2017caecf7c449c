"""Against droplets: spots in a network so strong that its instance norms shrink all the rest.

An instance norm divides every channel by its deviation over the picture. Networks learn to decide
that deviation themselves: one spot of 15 deviations and more, as in StyleGAN (Karras et al. 2020,
"Analyzing and Improving the Image Quality of StyleGAN", section 2), and what the photograph has
elsewhere no longer counts. In pictures such a spot is a smooth blot of one colour. In the margin
that is cut off it is seen by nobody, so it may stay there, as registers do in vision transformers
(Darcet et al. 2024).
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from impasto.net import TransformNet

LIMIT = 7.0  # deviations: the first layers, which photographs decide, have 5 to 9 at most
TINY = 1e-6  # of a variance: a channel that is dead has no spots


def droplet_loss(activations: Tensor, *, margin: int) -> Tensor:
    """Mean of (|x| - LIMIT)², where |x|, in deviations of its channel, is more than LIMIT.

    Args:
        activations: (B, C, H, W), what an instance norm takes.
        margin: places along every edge that are cut off later: they count in the deviation only.

    Returns:
        A scalar, float32, at least 0.
    """
    variance, mean = torch.var_mean(activations.float(), dim=(2, 3), correction=0, keepdim=True)
    height, width = activations.shape[2:]
    seen = activations[..., margin : height - margin, margin : width - margin].float()
    deviations = (seen - mean).abs() * (variance + TINY).rsqrt()
    return (deviations - LIMIT).clamp_min(0).square().mean()


class Droplets:
    """Looks for them in every forward pass of training, in the last two norms before the pixels'.

    The last norm of all, at full resolution, gets them from there.
    """

    def __init__(self, net: TransformNet) -> None:
        """Hook into `net`, which stays as it is otherwise."""
        self._found: list[Tensor] = []
        block: Any = net.residual[-1]
        rise: Any = net.up[0]
        for norm, scale in ((block.second.norm, 4), (rise.norm, 2)):
            norm.register_forward_pre_hook(partial(self._look, net=net, scale=scale))

    def _look(
        self, norm: nn.Module, inputs: tuple[Tensor], *, net: TransformNet, scale: int
    ) -> None:
        if norm.training:
            self._found.append(droplet_loss(inputs[0], margin=net.margin // scale))

    def take(self) -> Tensor:
        """The sum over what was seen since the last time, a scalar."""
        found = torch.stack(self._found).sum()
        self._found.clear()
        return found
