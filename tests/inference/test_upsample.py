"""The guided upsample: constants, edges, strokes, and bands that leave no trace."""

import numpy as np
import pytest
from pictures import smooth

from impasto.images.io import RGB, load_image, sample_photos
from impasto.inference import upsample
from impasto.inference.upsample import bands, guided_upsample, resized


def halves(height: int, width: int, *, edge: int) -> RGB:
    image = np.full((height, width, 3), 0.2, np.float32)
    image[:, edge:] = 0.8
    return image


@pytest.mark.parametrize("size", [(1, 7), (300, 200), (3, 2**18 + 1)])
def test_bands_are_all_rows_in_order(size: tuple[int, int]) -> None:
    rows = [row for band in bands(*size) for row in range(band.start, band.stop)]
    assert rows == list(range(size[0]))


def test_a_constant_stays_constant_whatever_the_photograph() -> None:
    photo = np.random.default_rng(0).random((90, 70, 3), np.float32)
    flat = np.zeros((45, 35, 3), np.float32) + np.float32([0.2, 0.5, 0.9])
    made = guided_upsample(flat, small=resized(photo, 45, 35), photo=photo)
    assert made.shape == (90, 70, 3)
    np.testing.assert_allclose(made, np.broadcast_to(flat[0, 0], made.shape), atol=1e-5)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_an_edge_of_the_photograph_is_sharp_again(factor: int) -> None:
    photo = halves(60, 96, edge=49)  # not on the grid of the small picture
    small = resized(photo, 60 // factor, 96 // factor)
    stylized = 1 - small  # follows the photograph, the other way
    made = guided_upsample(stylized, small=small, photo=photo)
    plain = np.abs(resized(stylized, 60, 96) - (1 - photo)).mean()
    assert np.abs(made - (1 - photo)).mean() < 0.25 * plain
    assert np.abs(np.diff(made[30, 47:51, 0])).max() > 0.5  # within one pixel


def test_the_photograph_itself_comes_back() -> None:
    photo = load_image(sample_photos()[0], short_side=256)
    small = resized(photo, 128, 128)
    gray = np.repeat((photo @ np.float32([0.2126, 0.7152, 0.0722]))[..., None], 3, axis=2)
    made = guided_upsample(resized(gray, 128, 128), small=small, photo=photo)
    plain = np.abs(resized(resized(gray, 128, 128), 256, 256) - gray).mean()
    assert np.abs(made - gray).mean() < 0.3 * plain


def test_strokes_that_the_photograph_does_not_have_are_kept() -> None:
    photo = np.full((120, 160, 3), 0.5, np.float32)
    strokes = smooth(60, 80)
    made = guided_upsample(strokes, small=resized(photo, 60, 80), photo=photo)
    np.testing.assert_allclose(made, smooth(120, 160), atol=0.02)


def test_bands_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    photo = generator.random((101, 83, 3), np.float32)
    small = resized(photo, 40, 33)
    stylized = generator.random((40, 33, 3), np.float32)
    whole = guided_upsample(stylized, small=small, photo=photo)
    monkeypatch.setattr(upsample, "BAND", 7 * 83)
    np.testing.assert_allclose(
        guided_upsample(stylized, small=small, photo=photo), whole, atol=1e-4
    )


def test_results_lie_within_the_range() -> None:
    photo = np.random.default_rng(0).integers(0, 2, (64, 64, 3)).astype(np.float32)
    small = resized(photo, 32, 32)
    made = guided_upsample(1 - small, small=small, photo=photo)
    assert made.min() >= 0
    assert made.max() <= 1
