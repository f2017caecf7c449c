"""The grid term: closed forms for waves, slopes and pictures that have no grid."""

import math

import pytest
import torch

from impasto.losses.grid import PERIOD, grid_loss


def wave(period: float, *, amplitude: float = 0.1, phase: float = 0.0) -> torch.Tensor:
    """(1, 3, 64, 96), grey, with a wave from left to right."""
    across = torch.arange(96.0, dtype=torch.float64) * (2 * math.pi / period) + phase
    return (0.5 + amplitude * torch.sin(across)).expand(1, 3, 64, 96).float()


@pytest.mark.parametrize("period", [8, 4, 8 / 3])
def test_a_wave_that_repeats_in_every_block_costs_half_its_amplitude_squared(period) -> None:
    torch.testing.assert_close(
        grid_loss(wave(period, phase=0.3)), torch.tensor([0.005]), rtol=1e-4, atol=0
    )
    upright = wave(period, phase=0.3)[..., :64].transpose(2, 3)
    torch.testing.assert_close(grid_loss(upright), torch.tensor([0.005]), rtol=1e-4, atol=0)


def test_the_finest_grid_costs_its_amplitude_squared() -> None:
    board = torch.ones(2, 3, 32, 32)
    board[..., ::2, 1::2] = -1
    board[..., 1::2, ::2] = -1
    strength = torch.tensor([0.1, 0.2])[:, None, None, None]
    torch.testing.assert_close(grid_loss(0.5 + strength * board), torch.tensor([0.01, 0.04]))


@pytest.mark.parametrize("period", [5.0, 11.0, 40.0])
def test_a_wave_of_another_period_costs_next_to_nothing(period: float) -> None:
    assert float(grid_loss(wave(period))) < 2e-5


def test_slopes_and_plain_pictures_have_no_grid() -> None:
    slope = torch.linspace(0, 1, 96).expand(1, 3, 64, 96)
    assert float(grid_loss(slope)) < 1e-6
    assert float(grid_loss(torch.full((1, 3, 64, 96), 0.7))) < 1e-12


def test_rows_beyond_whole_blocks_do_not_count() -> None:
    images = torch.rand(1, 3, 40, 48)
    more = torch.rand(1, 3, 40 + PERIOD - 1, 48 + PERIOD - 1)
    more[..., :40, :48] = images
    torch.testing.assert_close(grid_loss(more), grid_loss(images))


def test_the_gradient_is_right() -> None:
    images = torch.rand(2, 3, 16, 24, requires_grad=True)
    found = torch.autograd.grad(grid_loss(images).sum(), images)[0]
    towards = torch.randn(2, 3, 16, 24)
    with torch.no_grad():
        ahead, behind = (grid_loss(images + s * 0.05 * towards).sum() for s in (1, -1))
    # it is quadratic, so that a central difference of any width is exact
    torch.testing.assert_close(
        (found * towards).sum(), (ahead - behind) / 0.1, rtol=1e-3, atol=1e-7
    )
