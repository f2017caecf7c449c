"""Pictures in and out: exact values, every kind of bad file, and what a failed save leaves."""

import errno
import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, JpegImagePlugin

from impasto import images
from impasto.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def smooth(height: int, width: int) -> images.RGB:
    """A picture without fine detail, which JPEG and any resizing leave almost alone."""
    y, x = (np.indices((height, width)) + 0.5) * 3 / np.reshape([height, width], (2, 1, 1))
    return np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=2).astype(np.float32) / 2 + 0.5


def swapped_profile() -> bytes:
    """An sRGB profile in which red and green have changed places."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return srgb.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")


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
    np.testing.assert_array_equal(images.to_rgb(once), once)


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


@pytest.mark.parametrize(
    ("size", "short_side", "max_side", "expected"),
    [
        ((641, 427), 256, None, (384, 256)),
        ((427, 641), 256, None, (256, 384)),
        ((33, 31), 257, None, (274, 257)),
        ((50, 50), 51, None, (51, 51)),
        ((100, 1), 3, None, (300, 3)),
        ((300, 200), None, 150, (150, 100)),
        ((300, 200), None, 400, (300, 200)),
        ((1000, 100), 50, 250, (250, 25)),
        ((1000, 1), None, 10, (10, 1)),
    ],
)
def test_sizes(tmp_path: Path, size, short_side, max_side, expected) -> None:
    Image.new("RGB", size, "red").save(tmp_path / "a.png")
    loaded = images.load_image(tmp_path / "a.png", short_side=short_side, max_side=max_side)
    assert loaded.shape == (expected[1], expected[0], 3)
    np.testing.assert_array_equal(loaded, np.broadcast_to([1, 0, 0], loaded.shape))


def test_fit_short_side() -> None:
    fitted = images.fit_short_side(images.to_pil(smooth(90, 121)), 30)
    assert fitted.size == (40, 30)
    np.testing.assert_allclose(images.to_array(fitted), smooth(30, 40), atol=0.02)


@pytest.mark.parametrize("wanted", [{"short_side": 64}, {"max_side": 96}])
def test_reduced_decoding_is_close_to_full_decoding(tmp_path: Path, wanted) -> None:
    images.save_image(smooth(512, 768), tmp_path / "a.jpg")
    Image.open(tmp_path / "a.jpg").save(tmp_path / "a.png")
    reduced = images.load_image(tmp_path / "a.jpg", **wanted)
    np.testing.assert_allclose(
        reduced, images.load_image(tmp_path / "a.png", **wanted), atol=2.5 / 255
    )


@pytest.mark.parametrize(("at_least", "short"), [(None, 515), (258, 515), (257, 258), (60, 65)])
def test_open_rgb_keeps_at_least(tmp_path: Path, at_least: int | None, short: int) -> None:
    images.save_image(smooth(700, 515), tmp_path / "a.jpg")
    assert images.open_rgb(tmp_path / "a.jpg", at_least=at_least).width == short


@pytest.mark.parametrize("suffix", ["png", "tif", "TIFF"])
def test_lossless_saving_is_exact(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "new" / "folder" / f"a.{suffix}"
    images.save_image(PIXELS / np.float32(255), path)
    np.testing.assert_array_equal(images.open_rgb(path), PIXELS)


@pytest.mark.parametrize(("suffix", "worst"), [("jpg", 0.03), ("JPEG", 0.03), ("webp", 0.05)])
def test_lossy_saving_is_close(tmp_path: Path, suffix: str, worst: float) -> None:
    images.save_image(smooth(60, 80), tmp_path / f"a.{suffix}")
    np.testing.assert_allclose(
        images.load_image(tmp_path / f"a.{suffix}"), smooth(60, 80), atol=worst
    )


@pytest.mark.parametrize("quality", [75, 95, 100])
def test_jpeg_is_444_and_noise_can_be_saved(tmp_path: Path, quality: int) -> None:
    noise = np.random.default_rng(1).random((400, 500, 3), dtype=np.float32)
    images.save_image(noise, tmp_path / "a.jpg", quality=quality)
    with Image.open(tmp_path / "a.jpg") as saved:
        assert JpegImagePlugin.get_sampling(saved) == 0
        assert saved.size == (500, 400)


@pytest.mark.parametrize("breaks", ["os.fsync", "pathlib.Path.replace", "PIL.Image.Image.save"])
def test_a_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch, breaks: str) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a.png").write_bytes(b"old")
    monkeypatch.setattr(breaks, fail)
    with pytest.raises(InputError, match=r"a\.png \(No space left on device\)"):
        images.save_image(smooth(4, 4), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_save_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for name in ("file/a.png", "folder.png", "a.xyz", "a"):
        with pytest.raises(InputError, match=name):
            images.save_image(smooth(4, 4), tmp_path / name)
    with pytest.raises(InputError, match=r"\.jpg, \.jpeg, \.png, \.webp, \.tif, \.tiff"):
        images.save_image(smooth(4, 4), tmp_path / "a.xyz")
    with pytest.raises(InputError, match=r"wide\.webp"):
        images.save_image(np.zeros((1, 20000, 3), np.float32), tmp_path / "wide.webp")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.png"]


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    images.to_pil(smooth(64, 64)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("missing.jpg", None, "check the name"),
        ("folder", None, "name an image in it"),
        ("empty.jpg", b"", "save it anew"),
        ("text.png", b"not an image\nat all", "save it anew"),
        ("cut.jpg", encoded("JPEG")[:-300], "save it anew"),
        ("cut.png", encoded("PNG")[:-300], "save it anew"),
        ("cut.webp", encoded("WEBP")[:-300], "save it anew"),
        ("header.png", encoded("PNG")[:20], "save it anew"),
    ],
)
@pytest.mark.parametrize("short_side", [None, 16])
def test_bad_files(tmp_path: Path, name: str, content, remedy: str, short_side) -> None:
    (tmp_path / "folder").mkdir()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=remedy) as caught:
        images.load_image(tmp_path / name, short_side=short_side)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_permission(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_args: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(
        Image, "open", refuse
    )  # root may read everything, and tests may run as root
    with pytest.raises(InputError, match=r"a\.png: .*permissions"):
        images.load_image(tmp_path / "a.png")


def test_decompression_bomb(tmp_path: Path, monkeypatch) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images.load_image(tmp_path / "a.png")  # 35 pixels: Pillow only warns
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15)
    with pytest.raises(InputError, match=r"a\.png: it has too many pixels"):
        images.load_image(tmp_path / "a.png")


@pytest.mark.parametrize("short_side", [-1, 0, 1000])
def test_a_size_that_makes_no_sense(tmp_path: Path, short_side: int) -> None:
    Image.new("RGB", (4000, 1)).save(tmp_path / "strip.png")
    with pytest.raises(InputError, match=r"strip\.png.*choose another"):
        images.load_image(tmp_path / "strip.png", short_side=short_side)
    with pytest.raises(InputError, match="4000 x 1 pixels"):
        images.fit_short_side(Image.new("RGB", (4000, 1)), short_side)


def test_find_images(tmp_path: Path) -> None:
    kept = ["a.JPG", "b/c.png", "b/d/e/f.Tiff", "b/z.webp"]
    for name in [*kept, "notes.txt", ".hidden.jpg", ".git/x.jpg", "b/.cache/y.png", "empty/jpg"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    assert images.find_images(str(tmp_path)) == [tmp_path / name for name in kept]
    assert images.find_images(tmp_path / "empty") == []


def test_find_images_follows_links_but_not_in_circles(tmp_path: Path) -> None:
    for name in ("root/a.jpg", "elsewhere/b.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    root = tmp_path / "root"
    (root / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "link again").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "loop").symlink_to(root, target_is_directory=True)
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert images.find_images(root) == [root / "a.jpg", root / "link" / "b.jpg"]


@pytest.mark.parametrize("name", ["missing", "file.jpg"])
def test_find_images_wants_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.jpg").touch()
    with pytest.raises(InputError, match=name):
        images.find_images(tmp_path / name)


def test_sample_photos_are_small_and_load() -> None:
    names = [path.stem for path in images.sample_photos()]
    assert names == ["astronaut", "brick", "camera", "chelsea", "coffee", "rocket"]
    for path in images.sample_photos():
        assert path.stat().st_size < 120_000
        assert min(images.load_image(path).shape[:2]) in range(300, 513)
        assert f"`{path.name}`" in path.with_name("README.md").read_text()


def test_contact_sheet() -> None:
    black, red = np.zeros((2, 3, 3), np.float32), np.zeros((1, 2, 3), np.float32)
    red[..., 0] = 1
    sheet = images.contact_sheet([[black, red], [red]], gap=1)
    assert sheet.dtype == np.float32
    assert sheet.flags.c_contiguous
    codes = sheet @ np.float32([1, 2, 4])  # 0 black, 1 red, 7 white
    assert codes.tolist() == [
        [0, 0, 0, 7, 1, 1, 7],
        [0, 0, 0, 7, 7, 7, 7],
        [7, 7, 7, 7, 7, 7, 7],
        [1, 1, 7, 7, 7, 7, 7],
        [7, 7, 7, 7, 7, 7, 7],
    ]
