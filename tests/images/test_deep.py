"""16 bits a color: read in full where nothing has to be converted."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from impasto.cli import stylize
from impasto.images.encoding import Beside, encode
from impasto.images.io import load_image, resized
from impasto.images.photo import read_photo
from impasto.images.profiles import PRIMARIES, build

NUMBERS = np.random.default_rng(0).integers(0, 65536, (37, 53, 3)).astype(np.uint16)
EXACT = NUMBERS.astype(np.float32) / 65535


def deep_file(kind: str, **beside: object) -> io.BytesIO:
    return io.BytesIO(encode(NUMBERS, kind, beside=Beside(**beside)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_colors_of_16_bits_are_read_in_full(kind: str) -> None:
    np.testing.assert_allclose(load_image(deep_file(kind)), EXACT, atol=1e-7)
    photo = read_photo(deep_file(kind), fine=True)
    np.testing.assert_allclose(photo.pixels, EXACT, atol=1e-7)
    np.testing.assert_array_equal(np.asarray(photo.image), NUMBERS >> 8)
    np.testing.assert_allclose(photo.fit(20).pixels, resized(EXACT, 20, 29), atol=1e-6)
    assert read_photo(deep_file(kind)).fine is None


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_16_bits_is_read_in_full(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"grey.{kind.lower()}"
    Image.fromarray(NUMBERS[..., 0]).save(path)
    np.testing.assert_allclose(load_image(path), np.repeat(EXACT[..., :1], 3, 2), atol=1e-7)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_come_upright(kind: str) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    turned = load_image(deep_file(kind, exif=exif.tobytes()))
    np.testing.assert_allclose(turned, np.rot90(EXACT, -1), atol=1e-7)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_with_alpha_are_read_in_full_unless_put_over_white(kind: str) -> None:
    alpha = np.full((37, 53), 100, np.uint8)
    photo = read_photo(deep_file(kind, alpha=alpha), fine=True)
    np.testing.assert_allclose(photo.pixels, EXACT, atol=1e-7)
    np.testing.assert_array_equal(np.asarray(photo.alpha), alpha)
    over_white = (EXACT * 100 + 155) / 255
    np.testing.assert_allclose(load_image(deep_file(kind, alpha=alpha)), over_white, atol=1.1 / 255)


def test_what_has_to_be_converted_has_8_bits() -> None:
    other = build(PRIMARIES[12], 2.2, grey=False)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert read_photo(deep_file("PNG", profile=srgb), fine=True).fine is not None
    assert read_photo(deep_file("PNG", profile=other), fine=True).fine is None


def test_a_photograph_of_16_bits_stays_what_it_is_where_the_mask_is_black(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_bytes(deep_file("PNG").getvalue())
    words = ["a.png", "-o", "b.png", "--depth", "16", "--strength", "0"]
    assert stylize.main(words) == 0
    np.testing.assert_allclose(load_image("b.png"), EXACT, atol=1e-7)
