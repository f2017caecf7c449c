"""Pictures that no camera takes, for an encoder that is to judge more than photographs."""

import torch
import torch.nn.functional as F
from torch import Tensor


def disturb(images: Tensor, *, seed: int) -> Tensor:
    """Every second image with other colours and a pattern upon it, within [0,1].

    The encoder will judge pictures on their way from noise to a painting, not photographs only. A
    student that knew white noise alone as a pattern took dots and weaves for paint, and networks
    that learned by it drew them. (B, 3, H, W) in [0,1] -> the same.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(least: float, most: float) -> Tensor:
        where = (len(images[::2]), 1, 1, 1)
        return least + (most - least) * torch.rand(where, generator=generator)

    strange = images[::2][:, torch.randperm(3, generator=generator)]
    means = strange.mean(dim=(-2, -1), keepdim=True)
    strange = means + draw(0.5, 2.0) * (strange - means)
    pattern = grain if seed % 2 else weave
    strange = strange + draw(0.0, 0.25) * pattern(strange.shape, generator=generator)
    disturbed = images.clone()
    disturbed[::2] = strange.clamp(0, 1)
    return disturbed.contiguous(memory_format=torch.channels_last)


def grain(shape: torch.Size, *, generator: torch.Generator) -> Tensor:
    """Noise of unit variance in grains of 1 to 4 pixels."""
    size = int(torch.randint(1, 5, (), generator=generator))
    small = [-(-side // size) for side in shape[-2:]]
    noise = torch.randn((*shape[:2], *small), generator=generator)
    fine = F.interpolate(noise, scale_factor=float(size), mode="bicubic")
    return fine[..., : shape[-2], : shape[-1]] / fine.std()


def weave(shape: torch.Size, *, generator: torch.Generator) -> Tensor:
    """Two coloured gratings across each other, periods of 3 to 12 pixels, variance about 1."""
    rows, columns = (torch.arange(float(side)) for side in shape[-2:])
    woven = torch.zeros(shape)
    for _ in range(2):
        period = 3 + 9 * torch.rand(shape[0], 1, 1, 1, generator=generator)
        angle = torch.pi * torch.rand(shape[0], 1, 1, 1, generator=generator)
        along = rows[:, None] * angle.sin() + columns * angle.cos()
        colour = torch.randn(*shape[:2], 1, 1, generator=generator)
        woven = woven + colour * torch.sin(2 * torch.pi * along / period)
    return woven
