"""What a picture keeps of its photograph: alpha, depth, profile, date; and what it does not."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from pictures import smooth
from PIL import Image, ImageCms
from PIL.ExifTags import GPS, IFD, Base

from impasto.errors import InputError
from impasto.images.color import matte
from impasto.images.encoding import quantize
from impasto.images.io import load_image, save_image
from impasto.images.photo import Keep, picture_bytes, read_photo
from impasto.images.profiles import SRGB, build

DATE, PLACE = "2026:11:26 19:00:00", ((52.0, 31.0, 12.0), (13.0, 24.0, 0.0))
WIDE = build(np.array([SRGB[0], [0.64, 0.33], [0.21, 0.71], [0.15, 0.06]]), 2.2, grey=False)
KINDS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "TIFF": "tif"}


def exif() -> Image.Exif:
    """As a camera writes it, lying on its side."""
    block = Image.Exif()
    block[Base.Make], block[Base.Orientation], block[Base.DateTime] = "Maker", 6, DATE
    block[Base.StripOffsets] = 99  # of no use in another file
    block[IFD.Exif] = {
        Base.DateTimeOriginal: DATE,
        Base.ExifImageWidth: 6000,
        Base.ColorSpace: 65535,
        Base.MakerNote: b"secret",
    }
    block[IFD.GPSInfo] = {GPS.GPSLatitude: PLACE[0], GPS.GPSLongitude: PLACE[1]}
    return block


def through(path: Path, kind: str, **keep: Any) -> Image.Image:
    """A photograph, its own picture, from a file to a file."""
    photo = read_photo(path, alpha=kind != "JPEG")
    pixels = quantize(photo.pixels, depth=keep.get("depth", 8))
    data = picture_bytes(photo, pixels, kind, keep=Keep(**keep))
    return Image.open(io.BytesIO(data), formats=[kind])


def transparent(path: Path, mode: str) -> np.ndarray[Any, Any]:
    """A picture that fades to the right; returns its alpha."""
    fade = np.tile(np.linspace(0, 255, 40).astype(np.uint8), (30, 1))
    image = Image.fromarray(quantize(smooth(30, 40))).convert("L" if mode == "LA" else "RGB")
    image.putalpha(Image.fromarray(fade))
    if mode == "P":
        image = image.quantize(64, method=Image.Quantize.FASTOCTREE)
        fade = np.asarray(image.convert("RGBA"))[..., 3]
        assert len(np.unique(fade)) > 3
    image.save(path)
    return fade


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_alpha_is_carried_through(kind: str, mode: str, tmp_path: Path) -> None:
    fade = transparent(tmp_path / "a.png", mode)
    made = through(tmp_path / "a.png", kind)
    assert made.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(made)[..., 3], fade)
    if kind != "WEBP":
        shown = np.asarray(Image.open(tmp_path / "a.png").convert("RGBA"))
        np.testing.assert_array_equal(np.asarray(made)[fade > 0], shown[fade > 0])


def test_alpha_is_scaled_with_the_picture(tmp_path: Path) -> None:
    transparent(tmp_path / "a.png", "RGBA")
    photo = read_photo(tmp_path / "a.png").fit(60)
    assert photo.alpha is not None
    assert photo.image.size == photo.alpha.size == (80, 60)
    level = np.asarray(photo.alpha).astype(float).mean(axis=0)
    np.testing.assert_allclose(level, np.linspace(0, 255, 80), atol=4)


def test_a_jpeg_is_over_white(tmp_path: Path) -> None:
    transparent(tmp_path / "a.png", "RGBA")
    made = np.asarray(through(tmp_path / "a.png", "JPEG")) / 255
    np.testing.assert_allclose(made, load_image(tmp_path / "a.png"), atol=0.05)
    assert made[:, :2].min() > 0.9


def test_opaque_alpha_is_none(tmp_path: Path) -> None:
    Image.new("RGBA", (20, 20), (1, 2, 3, 255)).save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").alpha is None


def test_behind_transparency_are_the_colors_around_it() -> None:
    image = Image.new("RGBA", (64, 48), (0, 0, 0, 0))
    image.paste((200, 100, 50, 255), (20, 10, 40, 30))
    image.putpixel((25, 15), (7, 8, 9, 1))  # shows, if hardly
    filled = np.asarray(matte(image)).astype(int)
    assert tuple(filled[15, 25]) == (7, 8, 9)
    filled[15, 25] = 200, 100, 50
    np.testing.assert_allclose(filled, np.broadcast_to([200, 100, 50], filled.shape), atol=4)
    assert matte(Image.new("RGBA", (5, 3))).getpixel((2, 1)) == (255, 255, 255)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_exact(kind: str, channels: int, tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 65536, (300, 7, 3))  # more rows than a part has
    levels[0, :2] = [[0, 1, 65535], [256, 257, 65534]]
    pixels = quantize((levels / 65535).astype(np.float32), depth=16)
    assert np.abs(pixels.astype(int) - levels).max() <= 1  # float32 has 24 bits
    source = Image.new("RGBA" if channels == 4 else "RGB", (7, 300), (9, 9, 9, 51)[:channels])
    source.save(tmp_path / "a.png", exif=exif().tobytes(), icc_profile=WIDE)
    photo = read_photo(tmp_path / "a.png").fit(None)
    assert photo.image.size == (300, 7)  # it lay on its side
    turned = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    data = picture_bytes(photo, turned, kind, keep=Keep(depth=16))
    read = imagecodecs.png_decode(data) if kind == "PNG" else tifffile.imread(io.BytesIO(data))
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read[..., :3], turned)
    assert channels == 3 or (read[..., 3] == 51 * 257).all()
    with Image.open(io.BytesIO(data), formats=[kind]) as image:
        assert image.getexif().get_ifd(IFD.Exif)[Base.DateTimeOriginal] == DATE
        image.load()


def test_every_chunk_of_a_16_bit_png_has_its_checksum(tmp_path: Path) -> None:
    save_image(smooth(20, 30), tmp_path / "a.png", depth=16)
    data, place, names = (tmp_path / "a.png").read_bytes(), 8, []
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        body = data[place + 4 : place + 8 + length]
        assert struct.unpack_from(">I", data, place + 8 + length) == (zlib.crc32(body),)
        names.append(name)
        place += 12 + length
    assert names == [b"IHDR", b"IDAT", b"IEND"]
    levels = imagecodecs.png_decode(data) / 65535
    np.testing.assert_allclose(levels, smooth(20, 30), atol=1 / 65535)
    assert np.abs(levels * 255 - np.rint(levels * 255)).max() > 0.4  # which 8 bits cannot have


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_16_bits_are_for_png_and_tiff(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"with 16 bits: give it the suffix \.png or \.tif"):
        save_image(smooth(4, 4), tmp_path / f"a.{suffix}", depth=16)


@pytest.mark.parametrize("kind", KINDS)
def test_a_profile_is_kept_with_its_colors(kind: str, tmp_path: Path) -> None:
    saved = Image.fromarray(quantize(smooth(60, 80) * 0.6 + 0.2))
    saved.save(tmp_path / "a.tif", icc_profile=WIDE)
    made = through(tmp_path / "a.tif", kind, profile=True)
    assert made.info["icc_profile"] == WIDE
    worst = {"JPEG": 8, "WEBP": 16}.get(kind, 2)
    difference = np.abs(np.asarray(made).astype(int) - np.asarray(saved))
    assert difference.max() <= worst
    back = ImageCms.profileToProfile(
        made, io.BytesIO(WIDE), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    plain = np.asarray(through(tmp_path / "a.tif", "PNG")).astype(int)
    assert np.abs(np.asarray(back) - plain).max() <= worst + 2
    assert np.abs(plain - np.asarray(saved)).max() > 10  # it is a profile of another kind


@pytest.mark.parametrize("profile", [b"broken" * 40, build(SRGB, 2.2, grey=True)])
def test_a_profile_that_cannot_be_kept_is_not(profile: bytes, tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), "teal").save(tmp_path / "a.png", icc_profile=profile)
    assert read_photo(tmp_path / "a.png").profile is None
    Image.new("L", (20, 20), 99).save(tmp_path / "b.png", icc_profile=WIDE)
    assert read_photo(tmp_path / "b.png").profile is None


def test_without_asking_it_is_srgb(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), "teal").save(tmp_path / "a.png", icc_profile=WIDE)
    assert "icc_profile" not in through(tmp_path / "a.png", "PNG").info


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", KINDS.values())
def test_the_date_stays_and_the_place_goes(kind: str, source: str, tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), "teal").save(tmp_path / f"a.{source}", exif=exif().tobytes())
    made = through(tmp_path / f"a.{source}", kind)
    assert made.size == (20, 40)
    found = made.getexif()
    inner = found.get_ifd(IFD.Exif)
    assert (found[Base.DateTime], found[Base.Make]) == (DATE, "Maker")
    assert found[Base.Orientation] == 1
    assert inner[Base.DateTimeOriginal] == DATE
    assert (inner[Base.ExifImageWidth], inner[Base.ColorSpace]) == (20, 1)
    assert Base.MakerNote not in inner
    assert not found.get_ifd(IFD.GPSInfo)
    made.load()

    placed = through(tmp_path / f"a.{source}", kind, gps=True).getexif().get_ifd(IFD.GPSInfo)
    assert (placed[GPS.GPSLatitude], placed[GPS.GPSLongitude]) == PLACE

    stripped = through(tmp_path / f"a.{source}", kind, exif=False, gps=True).getexif()
    assert Base.DateTime not in stripped
    assert not stripped.get_ifd(IFD.GPSInfo)


@pytest.mark.parametrize("block", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b""])
def test_a_garbled_block_is_left_out(block: bytes, tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), "teal").save(tmp_path / "a.jpg", exif=block)
    made = through(tmp_path / "a.jpg", "JPEG")
    assert made.size == (40, 20)
    assert not made.getexif()


def test_heic_is_read_or_the_extra_named(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    try:
        from pillow_heif import from_pillow
    except ImportError:
        path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
        with pytest.raises(InputError, match=r"pip install 'impasto\[heif\]'"):
            read_photo(path)
        return
    image = Image.fromarray(quantize(smooth(60, 80)))
    from_pillow(image).save(path, quality=95, exif=exif().tobytes())
    photo = read_photo(path)
    turned = np.asarray(image.transpose(Image.Transpose.ROTATE_270)).astype(int)
    assert np.abs(np.asarray(photo.image) - turned).mean() < 4
    assert photo.exif is not None
    assert photo.exif.photo[Base.DateTimeOriginal] == DATE


def test_avif_is_read_with_its_alpha(tmp_path: Path) -> None:
    image = Image.fromarray(quantize(smooth(60, 80)))
    image.putalpha(128)
    image.save(tmp_path / "a.avif", quality=95)
    photo = read_photo(tmp_path / "a.avif")
    assert photo.alpha is not None
    assert set(np.unique(photo.alpha)) <= {127, 128, 129}
    assert np.abs(photo.pixels - smooth(60, 80)).mean() < 0.02
