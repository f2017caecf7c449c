"""Reading: exact values for every mode, orientation, depth and profile."""

import os
from pathlib import Path

import numpy as np
import pytest
from color_values import swapped_profile
from pictures import PIXELS
from PIL import Image, ImageCms

from impasto.images import io as images
from impasto.images.color import to_rgb


def first_pixel(path: Path) -> list[int]:
    return [round(v) for v in images.load_image(path)[0, 0] * 255]


def test_load_is_float32_contiguous_and_exact(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    loaded = images.load_image(os.fspath(tmp_path / "a.png"))
    assert loaded.dtype == np.float32
    assert loaded.flags.c_contiguous
    np.testing.assert_array_equal(loaded, PIXELS / np.float32(255))


def test_all_256_levels_survive_the_round_trip() -> None:
    levels = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(16, 16, 3)
    there = images.to_array(Image.fromarray(levels))
    np.testing.assert_array_equal(np.asarray(images.to_pil(there)), levels)


def test_to_pil_clips_and_rounds() -> None:
    array = np.array([[[-1, 2, 0.5], [0.49 / 255, 0.51 / 255, 1]]], dtype=np.float32)
    assert np.asarray(images.to_pil(array)).tolist() == [[[0, 255, 128], [0, 1, 255]]]


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, PIXELS),
        (2, PIXELS[:, ::-1]),
        (3, PIXELS[::-1, ::-1]),
        (4, PIXELS[::-1]),
        (5, PIXELS.swapaxes(0, 1)),
        (6, np.rot90(PIXELS, -1)),
        (7, PIXELS[::-1, ::-1].swapaxes(0, 1)),
        (8, np.rot90(PIXELS)),
    ],
)
def test_exif_orientation(tmp_path: Path, suffix: str, orientation: int, upright) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PIXELS).save(tmp_path / f"a.{suffix}", exif=exif)
    np.testing.assert_array_equal(images.open_rgb(tmp_path / f"a.{suffix}"), upright)


def test_garbled_exif_is_ignored(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=b"Exif\0\0nonsense")
    np.testing.assert_array_equal(images.open_rgb(tmp_path / "a.png"), PIXELS)


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("uint16", [0, 32768, 65535], [0, 128, 255]),
        ("uint16", [0, 257, 2570], [0, 1, 10]),
        ("int32", [0, 32768, 65535], [0, 128, 255]),
        ("int32", [0, 1 << 29, 1 << 30], [0, 128, 255]),
        ("float32", [-1, 0.5, np.nan], [0, 128, 0]),
        ("float32", [0, 2, 4], [0, 128, 255]),
    ],
)
def test_deep_grey_is_scaled_not_clipped(tmp_path: Path, dtype: str, values, expected) -> None:
    Image.fromarray(np.array([values], dtype=dtype)).save(tmp_path / "a.tif")
    grey = np.asarray(images.open_rgb(tmp_path / "a.tif"))
    assert grey.tolist() == [[[value] * 3 for value in expected]]


def test_16_bit_png(tmp_path: Path) -> None:
    Image.fromarray(np.array([[65535, 32768]], dtype=np.uint16)).save(tmp_path / "a.png")
    np.testing.assert_allclose(images.load_image(tmp_path / "a.png")[0, :, 0], [1, 0.5], atol=0.002)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, [255, 255, 255]),
        ("L", 77, [77, 77, 77]),
        ("LA", (0, 51), [204, 204, 204]),
        ("RGBA", (255, 0, 0, 51), [255, 204, 204]),
        ("RGBA", (10, 20, 30, 0), [255, 255, 255]),
        ("CMYK", (255, 0, 0, 0), [0, 255, 255]),
    ],
)
def test_modes_and_alpha_over_white(tmp_path: Path, mode: str, colour, expected) -> None:
    suffix = "tif" if mode == "CMYK" else "png"
    Image.new(mode, (3, 2), colour).save(tmp_path / f"a.{suffix}")
    assert first_pixel(tmp_path / f"a.{suffix}") == expected


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_palette_with_transparency(tmp_path: Path, suffix: str) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / f"a.{suffix}", transparency=0)
    loaded = np.asarray(images.open_rgb(tmp_path / f"a.{suffix}"))
    assert loaded.tolist() == [[[255, 255, 255], [200, 100, 50]]]


def test_rgb_with_a_transparent_colour(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2), (9, 8, 7)).save(tmp_path / "a.png", transparency=(9, 8, 7))
    assert first_pixel(tmp_path / "a.png") == [255, 255, 255]


def test_animation_gives_its_first_frame(tmp_path: Path) -> None:
    red, blue = (Image.new("RGB", (4, 4), name) for name in ("red", "blue"))
    red.save(tmp_path / "a.gif", save_all=True, append_images=[blue])
    assert first_pixel(tmp_path / "a.gif") == [255, 0, 0]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_profile_is_converted_to_srgb(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGB", (2, 2), (255, 0, 0)).convert(mode)
    image.save(tmp_path / "a.png", icc_profile=swapped_profile())
    np.testing.assert_allclose(first_pixel(tmp_path / "a.png"), [0, 255, 0], atol=2)
    once = images.open_rgb(tmp_path / "a.png")
    assert once.info == {}
    np.testing.assert_array_equal(to_rgb(once), once)


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_profile_is_converted_too(tmp_path: Path, mode: str) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey = srgb.replace(b"RGB XYZ ", b"GRAYXYZ ").replace(b"rTRC", b"kTRC")
    exponent = grey.index(b"para") + 12
    linear = grey[:exponent] + b"\0\1\0\0" + grey[exponent + 4 :]  # y = (x + 0.055) / 1.055
    Image.new("L", (2, 2), 128).convert(mode).save(tmp_path / "a.png", icc_profile=linear)
    np.testing.assert_allclose(first_pixel(tmp_path / "a.png"), [192] * 3, atol=1)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kind", ["srgb", "broken"])
def test_harmless_profiles_change_nothing(tmp_path: Path, kind: str, mode: str) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(PIXELS).convert(mode)
    image.save(tmp_path / "a.png", icc_profile=srgb if kind == "srgb" else srgb[:200])
    np.testing.assert_array_equal(images.open_rgb(tmp_path / "a.png"), image.convert("RGB"))
