"""Content without what the style decides: where features are strong, not how strong they are.

A painting's Gram at a layer fixes every channel's mean and contrast there. Content that is compared
feature by feature at the same layer asks for the photograph's instead, so that no picture can meet
both: on The Starry Night half of the content term was the channels' means. With every channel
brought to the photograph's mean and contrast first, content and style ask for different things.

Mean-variance normalized content is from style transfer of arbitrary paintings (the content loss of
Park and Lee, "Arbitrary Style Transfer with Style-Attentional Networks", CVPR 2019). There all
channels count alike; here each keeps the photograph's contrast, so that one which the photograph
hardly uses hardly counts.
"""

import torch
from torch import Tensor

from impasto.losses.gram import at_least_float32

MOST = 100.0  # times that a faint channel's contrast is raised
TINY = torch.finfo(torch.float32).tiny


def centered(features: Tensor) -> Tensor:
    """Features, (B, C, H, W), less every channel's mean in its image, at least in float32."""
    features = at_least_float32(features)
    return features - features.mean(dim=(2, 3), keepdim=True)


def as_contrasted(features: Tensor, target: Tensor) -> Tensor:
    """Centred features with the contrast of a target, channel by channel.

    Args:
        features: (B, C, H, W).
        target: the photograph's, centered; (B, C, H, W).

    Returns:
        (B, C, H, W): every channel's standard deviation over an image is the target's, unless it
        would have to be raised by about MOST or more: then it stays below.
    """
    features = centered(features)
    own, wanted = (x.square().mean(dim=(2, 3), keepdim=True) for x in (features, target))
    ratio = wanted / (own + wanted / MOST**2).clamp_min(TINY)  # both 0 where a channel is dead
    return features * ratio.clamp_min(TINY).sqrt()  # at 0 the root has no gradient
