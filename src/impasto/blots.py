"""Against black blots: spots that a network paints black so that its norms see an outlier.

Instance normalisation divides every channel by its deviation over the picture. A network that is
pressed for style, in our reading, makes one spot of a dark part so strong that the rest shrinks,
as in StyleGAN (Karras et al. 2020, section 2, "droplets"); through the sigmoid it is plain black.
The perceptual loss hardly minds: without such spots it was 3 % higher (docs/recipe.md).
"""

import torch
from torch import Tensor

DARKEST = 0.04  # of [0,1], ten levels of 255: hardly a pixel of a painting is darker
LEAST = 1e-30  # what the sigmoid rounds to nothing counts as this


def blot_loss(images: Tensor) -> Tensor:
    """Mean over pixels of log(DARKEST / m) where m, a pixel's brightest channel, is darker.

    A logarithm, because the slope of a sigmoid vanishes as its value does: in the network's own
    terms every black pixel is pulled up with the same force, however black.

    Args:
        images: (B, 3, H, W) in [0,1].

    Returns:
        A scalar, float32, at least 0; 0 where every pixel has a channel of at least DARKEST.
    """
    brightest = images.float().amax(1).clamp(LEAST, DARKEST)
    return torch.log(DARKEST / brightest).mean()
