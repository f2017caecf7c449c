"""OKLab: known colors, the way back, and what becomes of colors that sRGB does not have."""

import numpy as np
import pytest

from impasto.images.oklab import from_oklab, to_oklab, transfer_color

# Ottosson's post and the CSS Color 4 specification give these.
KNOWN = {
    "white": ((1, 1, 1), (1, 0, 0)),
    "black": ((0, 0, 0), (0, 0, 0)),
    "red": ((1, 0, 0), (0.62796, 0.22486, 0.12585)),
    "lime": ((0, 1, 0), (0.86644, -0.23389, 0.17950)),
    "blue": ((0, 0, 1), (0.45201, -0.03246, -0.31153)),
}


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).random((*shape, 3), np.float32)


@pytest.mark.parametrize("name", KNOWN)
def test_known_colors_have_their_published_values(name: str) -> None:
    rgb, lab = (np.array(values, np.float32) for values in KNOWN[name])
    np.testing.assert_allclose(to_oklab(rgb), lab, atol=2e-5)
    np.testing.assert_allclose(from_oklab(lab), rgb, atol=2e-3)  # the values have five digits


def test_every_level_comes_back_within_a_hundredth_of_a_level() -> None:
    levels = np.linspace(0, 1, 18, dtype=np.float32)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1)
    back = from_oklab(to_oklab(cube))
    assert back.dtype == np.float32
    assert np.abs(back - cube).max() < 0.01 / 255


def test_colors_that_fit_keep_a_and_b_and_take_lightness() -> None:
    gray = np.full((40, 50, 3), 0.5, np.float32)
    pastel = gray + 0.2 * (noise(0, 40, 50) - 0.5)
    lightness = gray + 0.2 * (noise(1, 40, 50) - 0.5)
    made = to_oklab(transfer_color(lightness, pastel))
    np.testing.assert_allclose(made[..., 0], to_oklab(lightness)[..., 0], atol=1e-4)
    np.testing.assert_allclose(made[..., 1:], to_oklab(pastel)[..., 1:], atol=1e-4)


def test_colors_that_do_not_fit_keep_lightness_and_hue_and_lose_no_more_than_they_must() -> None:
    lightness, color = to_oklab(noise(0, 60, 60)), to_oklab(noise(1, 60, 60))
    wanted = np.concatenate([lightness[..., :1], color[..., 1:]], axis=-1)
    made = to_oklab(transfer_color(noise(0, 60, 60), noise(1, 60, 60)))
    np.testing.assert_allclose(made[..., 0], wanted[..., 0], atol=2e-3)
    across = made[..., 1] * wanted[..., 2] - made[..., 2] * wanted[..., 1]
    assert np.abs(across).max() < 1e-3  # the sine of the turn, times both chromas
    chroma = np.hypot(made[..., 1], made[..., 2])
    least = np.hypot(wanted[..., 1], wanted[..., 2])
    less = chroma < least - 2e-3
    assert 0.2 < less.mean() < 0.8
    rgb = from_oklab(wanted)[less]  # on the surface of the cube
    assert np.minimum(rgb, 1 - rgb).min(axis=-1).max() < 0.01


def test_white_and_black_have_no_color_left() -> None:
    red = np.zeros((2, 2, 3), np.float32) + np.float32([1, 0, 0])
    for value in (0, 1):
        flat = np.full((2, 2, 3), value, np.float32)
        np.testing.assert_allclose(transfer_color(flat, red), flat, atol=4e-3)


def test_more_and_more_color_fades_into_the_most_there_is_without_a_step() -> None:
    lab = np.zeros((1, 400, 3), np.float32)
    lab[..., 0], lab[..., 1] = 0.7, np.linspace(0, 0.4, 400)
    chroma = np.diff(to_oklab(from_oklab(lab))[0, :, 1])
    assert chroma.min() > -1e-3
    assert chroma.max() < 0.4 / 399 + 1e-3
    assert np.abs(chroma[-100:]).max() < 1e-3
