"""Random numbers that are the same in every run, float64 for gradcheck and closed forms."""

import torch
from torch import Tensor


def rand(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Numbers of [0,1)."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Numbers of mean 0 and deviation 1."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
