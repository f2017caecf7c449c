"""Every kind of bad file is one sentence; finding and laying out pictures."""

import errno
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from pictures import PIXELS, smooth
from PIL import Image

from impasto.errors import InputError
from impasto.images import decoders
from impasto.images import io as images


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    images.to_pil(smooth(64, 64)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("missing.jpg", None, "check the name"),
        ("folder", None, "name an image in it"),
        ("empty.jpg", b"", "save it again"),
        ("text.png", b"not an image\nat all", "save it again"),
        ("cut.jpg", encoded("JPEG")[:-300], "save it again"),
        ("cut.png", encoded("PNG")[:-300], "save it again"),
        ("cut.webp", encoded("WEBP")[:-300], "save it again"),
        ("header.png", encoded("PNG")[:20], "save it again"),
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
    def refuse(*_args: object, **_options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "a.png").write_bytes(b"x")
    # root may read everything, and tests may run as root
    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(InputError, match=r"a\.png: .*permissions"):
        images.load_image(tmp_path / "a.png")


def test_too_many_pixels(tmp_path: Path, monkeypatch) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    before = Image.MAX_IMAGE_PIXELS
    monkeypatch.setattr(decoders, "LARGEST", 36)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images.load_image(tmp_path / "a.png")  # 35
    monkeypatch.setattr(decoders, "LARGEST", 34)
    with pytest.raises(InputError, match=r"a\.png: it has more than 268,435,456 pixels, scale it"):
        images.load_image(tmp_path / "a.png")
    assert before == Image.MAX_IMAGE_PIXELS  # which is the whole program's


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
