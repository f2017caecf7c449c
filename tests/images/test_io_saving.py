"""Sizes and saving: exact shapes, exact or close values, nothing lost when a save fails."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from pictures import PIXELS, smooth
from PIL import Image, JpegImagePlugin

from impasto.errors import InputError
from impasto.images import io as images


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
