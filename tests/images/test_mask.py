"""Masks: what of a file counts, how they fit, how they fade."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.errors import InputError
from impasto.images.mask import fit_mask, load_mask, to_mask

HALVES = np.repeat([[0, 255]], 50, axis=1).repeat(40, axis=0).astype(np.uint8)  # 40x100


def saved(path: Path, image: Image.Image, **how: object) -> Path:
    image.save(path, **how)
    return path


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P", "I;16"])
def test_brightness_counts_where_nothing_is_transparent(tmp_path: Path, mode: str) -> None:
    gray = Image.fromarray(HALVES)
    deep = Image.fromarray(HALVES.astype(np.uint16) * 257)
    path = saved(tmp_path / "m.png", deep if mode == "I;16" else gray.convert(mode))
    mask = load_mask(path)
    assert mask.mode == "L"
    np.testing.assert_array_equal(np.asarray(mask), HALVES)


def test_an_opaque_alpha_is_no_transparency(tmp_path: Path) -> None:
    image = Image.fromarray(HALVES).convert("RGBA")
    np.testing.assert_array_equal(np.asarray(load_mask(saved(tmp_path / "m.png", image))), HALVES)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_of_a_cut_out_opacity_counts_and_color_does_not(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (100, 40), "black")
    image.putalpha(Image.fromarray(HALVES))
    mask = load_mask(saved(tmp_path / "m.png", image.convert(mode)))
    np.testing.assert_array_equal(np.asarray(mask), HALVES)


@pytest.mark.parametrize("alpha", [False, True])
def test_a_mask_is_turned_upright(tmp_path: Path, alpha: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    image = Image.fromarray(HALVES)
    if alpha:
        image = Image.merge("LA", [Image.new("L", image.size), image])
    mask = np.asarray(load_mask(saved(tmp_path / "m.png", image, exif=exif)))
    np.testing.assert_array_equal(mask, np.rot90(HALVES, -1))


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_bad_mask_is_named_in_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "m.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_mask(path)
    assert str(caught.value).startswith(f"cannot read the mask {path}: ")
    assert "\n" not in str(caught.value)


def test_an_array_may_be_numbers_or_truths() -> None:
    numbers = np.array([[0, 0.5, 1, 2, -1]])
    assert np.asarray(to_mask(numbers)).tolist() == [[0, 128, 255, 255, 0]]
    assert np.asarray(to_mask(numbers > 0.4)).tolist() == [[0, 255, 255, 255, 0]]


@pytest.mark.parametrize("shape", [(4, 4, 3), (4,), (0, 4)])
def test_an_array_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"a mask of shape .* cannot be used: give H×W of 0 to 1"):
        to_mask(np.zeros(shape))
    with pytest.raises(InputError):
        to_mask(np.full((4, 4), np.nan))


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("feather", [0, None, 7, 300, 10_000])
def test_all_white_stays_white_and_all_black_black(value: int, feather: float | None) -> None:
    mask = Image.new("L", (31, 17), value)
    fitted = fit_mask(mask, 90, 120, feather=feather)
    assert fitted.shape == (90, 120)
    assert (fitted == value).all()


def test_without_feather_an_edge_stays_hard() -> None:
    np.testing.assert_array_equal(fit_mask(Image.fromarray(HALVES), 40, 100, feather=0), HALVES)


@pytest.mark.parametrize("feather", [8, 20, 33, 60])
def test_an_edge_fades_over_the_feather_half_on_either_side(feather: int) -> None:
    profile = fit_mask(Image.fromarray(HALVES), 40, 100, feather=feather)[20] / 255
    distance = np.arange(100) + 0.5 - 50  # of the middles of pixels from the edge
    inside = np.abs(distance) < 0.4 * feather  # beyond, eight bits are too few
    assert (profile[distance < -feather / 2] == 0).all()
    assert (profile[distance > feather / 2] == 1).all()
    assert (profile[inside] > 0).all()
    assert (profile[inside] < 1).all()
    u = np.clip(distance / feather + 0.5, 0, 1)  # two boxes make two parabolas
    expected = np.where(u < 0.5, 2 * u * u, 1 - 2 * (1 - u) ** 2)
    np.testing.assert_allclose(profile, expected, atol=0.02)


def test_by_default_the_feather_is_a_hundredth_of_the_short_side() -> None:
    mask = Image.fromarray(HALVES)
    by_default = fit_mask(mask, 800, 2000)
    np.testing.assert_array_equal(by_default, fit_mask(mask, 800, 2000, feather=8))


def test_a_mask_is_stretched_to_the_picture() -> None:
    fitted = fit_mask(Image.fromarray(HALVES), 60, 30, feather=0)
    assert fitted.shape == (60, 30)
    assert (fitted[:, :14] == 0).all()
    assert (fitted[:, 16:] == 255).all()
