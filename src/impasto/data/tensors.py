"""Pictures between the two worlds: H×W×3 arrays outside, NCHW tensors inside."""

import numpy as np
import torch
from torch import Tensor

from impasto.images.io import RGB


def to_tensor(image: RGB) -> Tensor:
    """H×W×3 -> (1, 3, H, W)."""
    return torch.from_numpy(image.transpose(2, 0, 1)[None].copy())


def to_rgb(images: Tensor) -> RGB:
    """(1, 3, H, W) on any device -> H×W×3 float32, clipped to [0,1]."""
    picture = images[0].detach().float().clamp(0, 1).permute(1, 2, 0).cpu()
    return np.ascontiguousarray(picture.numpy())
