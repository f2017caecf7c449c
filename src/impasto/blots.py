"""Against black blots: spots that a network paints black so that its norms see an outlier.

Instance normalisation divides every channel by its deviation over the picture. A network that is
pressed for style, in our reading, makes one spot of a dark part so strong that the rest shrinks,
as in StyleGAN (Karras et al. 2020, section 2, "droplets"); through the sigmoid it is plain black.
The perceptual loss hardly minds: without such spots it was 3 % higher (docs/recipe.md).
"""

import torch
from torch import Tensor

RARE = 0.001  # of a painting's pixels are darker than what counts as a blot
LEAST = 1e-30  # what the sigmoid rounds to nothing counts as this


def darkest(style: Tensor) -> Tensor:
    """How bright the brightest channel is of all but the RARE darkest pixels of a painting.

    Args:
        style: (1, 3, H, W) in [0,1].

    Returns:
        A scalar in [LEAST, 1].
    """
    brightest = style.float().amax(1).flatten()
    return brightest.kthvalue(int(RARE * len(brightest)) + 1).values.clamp_min(LEAST)


def blot_loss(images: Tensor, bound: Tensor) -> Tensor:
    """Mean over pixels of log(bound / m) where m, a pixel's brightest channel, is darker.

    A logarithm, because the slope of a sigmoid vanishes as its value does: in the network's own
    terms every black pixel is pulled up with the same force, however black.

    Args:
        images: (B, 3, H, W) in [0,1].
        bound: a scalar, what the painting's `darkest` is.

    Returns:
        A scalar, float32, at least 0; 0 where every pixel has a channel of at least `bound`.
    """
    brightest = images.float().amax(1).clamp_min(LEAST)
    return torch.log(bound / brightest).clamp_min(0).mean()
