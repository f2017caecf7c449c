import numpy as np
import pytest

from impasto.analysis.artifacts import blobs, border, grid, weave

RANDOM = np.random.default_rng(0)
NOISE = RANDOM.random((128, 128, 1)).repeat(3, axis=2).astype(np.float32)
ROWS = np.arange(128)[:, None, None]
COLUMNS = np.arange(128)[None, :, None]


def wave(period: float, *, down: float = 0.0) -> np.ndarray:
    phase = 2 * np.pi * (COLUMNS + down * ROWS) / period
    return (0.5 + 0.2 * np.sin(phase + 0.3)).astype(np.float32).repeat(3, axis=2)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_grid_is_found_at_its_own_period_only(period: int) -> None:
    lattice = 0.5 + 0.05 * NOISE + 0.2 * (COLUMNS % period == 0)
    assert grid(lattice.astype(np.float32), NOISE, period=period) > 5
    other = {2: 4, 4: 8, 8: 4}[period]
    assert grid(NOISE, NOISE, period=period) < 1.5
    assert grid(wave(other) + 0.05 * NOISE, NOISE, period=period) < 1.5


def test_a_grid_is_looked_for_where_the_photograph_is_flat() -> None:
    photo = NOISE.copy()
    photo[:64] = 0.5
    stylized = 0.05 * NOISE
    stylized[64:] += 0.2 * (COLUMNS % 4 == 0)
    assert grid(stylized, photo, period=4) < 1.5
    assert grid(stylized[::-1], photo, period=4) > 5


def test_a_weave_of_any_direction_stands_out_of_its_ring() -> None:
    assert weave(NOISE) < 3
    for down in (0.0, 1.0, -0.6):
        assert weave(wave(8.0, down=down) + 0.3 * NOISE) > 20
    assert weave(np.full((64, 64, 3), 0.5, np.float32)) == pytest.approx(1)


def test_a_frame_is_the_difference_of_the_outer_pixels() -> None:
    framed = np.full((64, 80, 3), 0.6, np.float32)
    framed[:8] = framed[-8:] = framed[:, :8] = framed[:, -8:] = 0.5
    # each side's outer band is 0.5 throughout; the next two bands end in the other sides' frames
    inside = [0.6 - 0.1 * 16 / length for length in (80, 80, 64, 64)]
    assert border(framed) == pytest.approx(np.mean(inside) - 0.5, abs=1e-6)
    assert border(np.full((64, 80, 3), 0.6, np.float32)) < 1e-4


def test_blobs_are_black_or_white_throughout() -> None:
    picture = np.full((32, 32, 3), 0.5, np.float32)
    picture[:8, :16] = 0.0
    picture[24:, 24:] = 1.0
    picture[8:16, :8] = [1.0, 0.0, 0.0]  # red is a colour
    assert blobs(picture) == pytest.approx(3 / 16)
