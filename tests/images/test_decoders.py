"""Which kinds of files are opened as images, and how large they may be; nothing else is tried."""

import ast
import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from pictures import smooth
from PIL import EpsImagePlugin, Image, TiffImagePlugin

from impasto.errors import InputError
from impasto.images import decoders
from impasto.images.decoders import FORMATS, LARGEST, opened
from impasto.images.io import load_image, to_pil

ROOT = Path(__file__).parents[2]
NO_KIND = "it is not an image of a supported format"
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 32\n%%EndComments\n"
Image.init()
NOT_SAVED = {"MPO", "PDF", "PALM", "BUFR", "GRIB", "HDF5", "WMF"}
OTHERS = sorted((set(Image.SAVE) - set(FORMATS) - NOT_SAVED) | {"TGA"})
BEGINNINGS = [b"BUFR", b"GRIB\0\0\0\1", b"\x89HDF\r\n\x1a\n", b"\xd7\xcd\xc6\x9a\0\0", b"8BPS\0\1"]
BEGINNINGS += [b"SIMPLE  =                    T", b"/* XPM */", b"\1\0\0\0" + b"x" * 36 + b" EMF"]
BEGINNINGS += [b"%PDF-1.7", b"\0\0\1\0\1\0", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]


def test_images_are_opened_in_one_place_which_names_the_formats() -> None:
    calls = []
    for folder in ("src", "benchmarks", "docs", "data"):
        for path in (ROOT / folder).rglob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            found = [n for n in nodes if isinstance(n, ast.Call)]
            calls += [(path.name, n) for n in found if ast.unparse(n.func).endswith("Image.open")]
    assert [name for name, _ in calls] == ["decoders.py"]
    assert [word.arg for word in calls[0][1].keywords] == ["formats"]
    assert "EPS" not in FORMATS


@pytest.mark.parametrize("body", [b"(ran) (w) file closefile\n", b"{} loop\n", b""])
def test_postscript_is_not_run(
    body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Ghostscript of ours would say that it was started."""
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    (tmp_path / "photo.jpg").write_bytes(POSTSCRIPT + body)
    with pytest.raises(InputError, match=NO_KIND):
        load_image(tmp_path / "photo.jpg")
    assert not (tmp_path / "started").exists()
    with Image.open(tmp_path / "photo.jpg") as image, contextlib.suppress(OSError):
        image.load()  # Pillow by itself does start it
    assert (tmp_path / "started").exists()


@pytest.mark.parametrize("kind", OTHERS)
def test_what_else_pillow_reads_is_not_tried(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    for mode in ("RGB", "RGBA", "L", "P", "1", "F"):
        buffer = (
            io.BytesIO()
        )  # SPIDER's saver takes over the suffix of a path for the whole process
        try:
            Image.new(mode, (64, 64)).save(buffer, kind)
            break
        except (OSError, ValueError, KeyError):
            continue
    path.write_bytes(buffer.getvalue())
    with path.open("rb") as file, Image.open(file, formats=[kind]) as image:
        assert image.format == kind
    with pytest.raises(InputError, match=NO_KIND):
        load_image(path)


@pytest.mark.parametrize("start", BEGINNINGS)
def test_nor_is_what_it_hands_to_others(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(start + bytes(1000))
    with pytest.raises(InputError, match=NO_KIND):
        load_image(tmp_path / "photo.jpg")


def test_targa_by_its_name_only(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), (10, 20, 30)).save(tmp_path / "a.tga")
    assert (load_image(tmp_path / "a.tga")[0, 0] * 255).round().tolist() == [10, 20, 30]


@pytest.mark.parametrize("kind", FORMATS)
def test_the_name_does_not_matter(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    to_pil(smooth(32, 48)).save(path, kind)
    np.testing.assert_allclose(load_image(path), smooth(32, 48), atol=0.1)


def jpeg(width: int, height: int, **options: object) -> bytes:
    """One that says that it has this size; its data is for 16 x 16."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG", **options)
    data = buffer.getvalue()
    at = data.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0") + 5
    sides = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return data[:at] + sides + data[at + 4 :]


@pytest.mark.parametrize("size", [(16320, 12240), (30000, 6200), (16384, 16384)])
def test_what_phones_take_is_opened_and_scaled_as_it_is_decoded(size, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(*size))
    with opened(tmp_path / "a.jpg") as image:
        assert image.size == size
        image.draft(None, (128 * size[0] // size[1], 128))
        assert image.size == tuple(-(-side // 8) for side in size)


def test_what_is_larger_is_refused_with_the_bound(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(16384, 16385))
    with pytest.raises(InputError, match=f"it has more than {LARGEST:,} pixels, scale it down"):
        load_image(tmp_path / "a.jpg", short_side=128)


def test_a_progressive_jpeg_has_a_bound_of_scans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(16, 16, progressive=True) + b"\xff\xda" * 1000)  # a film, say
    load_image(path)
    monkeypatch.setattr(decoders, "SCANS", 9)
    with pytest.raises(InputError, match="it is a JPEG with more than 9 scans, save it again"):
        load_image(path)
    monkeypatch.setattr(decoders, "SCANS", 10)
    load_image(path)
    path.write_bytes(jpeg(16, 16))
    monkeypatch.setattr(decoders, "SCANS", 0)
    load_image(path)


def test_pillows_own_settings_are_left_as_they_were(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    with pytest.raises(InputError):
        load_image(tmp_path / "a.jpg")
    assert before == (Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF)
