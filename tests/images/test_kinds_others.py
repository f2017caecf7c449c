"""JPEG, JPEG 2000, AVIF, WebP, GIF, BMP, PNM and Targa: right, or refused in a sentence."""

import io
import struct
from itertools import product
from pathlib import Path

import imagecodecs
import numpy as np
import PIL
import pytest
from color_values import P3, TO_SRGB, light, srgb, swapped_profile
from pictures import smooth
from PIL import Image

from impasto.errors import InputError
from impasto.images.io import load_image

HEIGHT, WIDTH = 32, 48
SMOOTH = smooth(HEIGHT, WIDTH).astype(float)
ALPHA = np.linspace(0, 1, WIDTH)[None, :, None].repeat(HEIGHT, axis=0)
NOISE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)


def load(path: Path, data: bytes) -> np.ndarray:
    path.write_bytes(data)
    return load_image(path) * 255


def pillow(image: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def deep(image: np.ndarray, bits: int) -> np.ndarray:
    return np.rint(image * (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint16)


def over_white(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return color * alpha + 1 - alpha


# JPEG 2000


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("container", ["jp2", "j2k"])
@pytest.mark.parametrize("reversible", [True, False])
def test_jpeg_2000(bits, channels, container, reversible, tmp_path: Path) -> None:
    color = SMOOTH[..., :1] if channels < 3 else SMOOTH
    image = np.concatenate([color, ALPHA], axis=2) if channels in (2, 4) else color
    samples = deep(image, bits)
    data = imagecodecs.jpeg2k_encode(
        samples[..., 0] if channels == 1 else samples,
        level=0 if reversible else 60,
        codecformat=container,
        reversible=reversible,
        bitspersample=bits,
    )
    right = over_white(color, ALPHA) if channels in (2, 4) else color
    if bits > 8 and channels > 1:  # Pillow makes white black
        with pytest.raises(InputError, match="it is a JPEG 2000 with more than 8 bits per color"):
            load(tmp_path / f"a.{container}", data)
        return
    loaded = load(tmp_path / f"a.{container}", data)
    np.testing.assert_allclose(loaded, np.broadcast_to(right * 255, loaded.shape), atol=3)


def with_profile(jp2: bytes, profile: bytes) -> bytes:
    """A JP2 file with a profile in place of its number of a color space."""
    at = jp2.index(b"colr") - 4
    box = struct.pack(">I4s3B", 11 + len(profile), b"colr", 2, 0, 0) + profile
    old = struct.unpack_from(">I", jp2, at)[0]
    header = jp2.index(b"jp2h") - 4
    size = struct.unpack_from(">I", jp2, header)[0] + len(box) - old
    changed = jp2[:header] + struct.pack(">I", size) + jp2[header + 4 : at] + box
    return changed + jp2[at + old :]


def test_the_profile_of_jpeg_2000_is_used(tmp_path: Path) -> None:
    data = imagecodecs.jpeg2k_encode(deep(SMOOTH, 8), level=0, codecformat="jp2", reversible=True)
    loaded = load(tmp_path / "a.jp2", with_profile(data, swapped_profile()))
    np.testing.assert_allclose(loaded, SMOOTH[..., [1, 0, 2]] * 255, atol=3)


# AVIF


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_avif(bits, channels, tmp_path: Path) -> None:
    color = SMOOTH[..., :1] if channels == 1 else SMOOTH
    image = np.concatenate([color, ALPHA], axis=2) if channels == 4 else color
    samples = deep(image, bits)
    samples = samples[..., 0] if channels == 1 else samples
    data = imagecodecs.avif_encode(samples, level=95, speed=10, bitspersample=bits)
    right = over_white(color, ALPHA) if channels == 4 else color
    loaded = load(tmp_path / "a.avif", data)
    np.testing.assert_allclose(loaded, np.broadcast_to(right * 255, loaded.shape), atol=6)


# what Python 3.10 can have cannot write such files
CODES = pytest.mark.skipif(
    tuple(map(int, imagecodecs.__version__.split(".")[:2])) < (2025, 11),
    reason="imagecodecs before 2025.11 writes no codes for colors",
)


@CODES
@pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (2, 2), (12, 13), (1, 8), (12, 8)])
def test_avif_with_codes_for_its_colors(primaries, transfer, tmp_path: Path) -> None:
    calm = SMOOTH * 0.4 + 0.3  # so that none is beyond sRGB
    data = imagecodecs.avif_encode(
        deep(calm, 8), level=100, speed=10, primaries=primaries, transfer=transfer, matrix=6
    )
    right = calm
    if (primaries, transfer) not in ((1, 13), (2, 2)):
        linear = calm if transfer == 8 else light(calm)
        right = srgb(linear @ TO_SRGB.T if primaries == 12 else linear)
    np.testing.assert_allclose(load(tmp_path / "a.avif", data), right * 255, atol=6)


@CODES
@pytest.mark.parametrize("transfer", [16, 18])
def test_avif_of_hdr_is_refused(transfer: int, tmp_path: Path) -> None:
    samples = deep(SMOOTH, 10)
    data = imagecodecs.avif_encode(
        samples, level=90, speed=10, bitspersample=10, primaries=9, transfer=transfer, matrix=9
    )
    with pytest.raises(InputError, match="it is an HDR image, save it again as SDR"):
        load(tmp_path / "a.avif", data)


# JPEG


@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg(subsampling, progressive, tmp_path: Path) -> None:
    data = pillow(
        deep(SMOOTH, 8),
        "JPEG",
        quality=98,
        subsampling=f"4:{subsampling[1]}:{subsampling[2]}",
        progressive=progressive,
    )
    np.testing.assert_allclose(load(tmp_path / "a.jpg", data), SMOOTH * 255, atol=14)


@pytest.mark.parametrize("colorspace", ["RGB", "YCBCR"])
def test_jpeg_of_either_color_space(colorspace: str, tmp_path: Path) -> None:
    data = imagecodecs.jpeg8_encode(
        deep(SMOOTH, 8), level=98, colorspace="RGB", outcolorspace=colorspace
    )
    np.testing.assert_allclose(load(tmp_path / "a.jpg", data), SMOOTH * 255, atol=14)


@pytest.mark.parametrize("colorspace", ["CMYK", "YCCK"])
def test_jpeg_for_print(colorspace: str, tmp_path: Path) -> None:
    """Adobe writes inks upside down, and everybody after it."""
    inks = np.concatenate([1 - SMOOTH, SMOOTH[..., :1] / 3], axis=2)
    data = imagecodecs.jpeg8_encode(
        255 - deep(inks, 8), level=98, colorspace="CMYK", outcolorspace=colorspace
    )
    right = (1 - inks[..., :3]) * (1 - inks[..., 3:]) * 255
    np.testing.assert_allclose(load(tmp_path / "a.jpg", data), right, atol=14)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_lossless_and_deep_jpeg_is_refused_or_right(bits: int, tmp_path: Path) -> None:
    samples = deep(SMOOTH[..., 0], bits)
    data = imagecodecs.jpeg8_encode(samples, lossless=True, predictor=1, bitspersample=bits)
    try:
        loaded = load(tmp_path / "a.jpg", data)
    except InputError:
        assert bits > 8
    else:
        np.testing.assert_allclose(loaded[..., 0], SMOOTH[..., 0] * 255, atol=1)


# WebP and GIF


@pytest.mark.parametrize(("lossless", "atol"), [(True, 0.6), (False, 16)])
@pytest.mark.parametrize("transparent", [False, True])
def test_webp(lossless: bool, atol: float, transparent: bool, tmp_path: Path) -> None:
    image = np.concatenate([SMOOTH, ALPHA], axis=2) if transparent else SMOOTH
    data = pillow(deep(image, 8), "WEBP", lossless=lossless, quality=98)
    right = over_white(SMOOTH, ALPHA) if transparent else SMOOTH
    atol += 1 if transparent else 0
    np.testing.assert_allclose(load(tmp_path / "a.webp", data), right * 255, atol=atol)


def gif(*frames: bytes, size: tuple[int, int], palette: bytes, more: bytes = b"") -> bytes:
    """A GIF of frames that are made already."""
    head = struct.pack("<6sHHBBB", b"GIF89a", *size, 0xF7, 3, 0) + palette
    return head + more + b"".join(frames) + b";"


def frame(indices: np.ndarray, *, at: tuple[int, int] = (0, 0), flags: int = 0) -> bytes:
    """One frame of at most 64 colors, its codes never longer than 8 bits."""
    codes = []
    for start in range(0, indices.size, 60):
        codes += [128, *indices.flatten()[start : start + 60].tolist()]
    codes += [129]
    bits = np.unpackbits(np.array(codes, np.uint8)[:, None], axis=1, bitorder="little")
    data = np.packbits(bits.flatten(), bitorder="little").tobytes()
    blocks = [data[i : i + 255] for i in range(0, len(data), 255)]
    body = b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    sizes = struct.pack("<BHHHHB", 0x2C, *at, *indices.shape[::-1], flags)
    return sizes + b"\7" + body


PALETTE = np.random.default_rng(3).integers(0, 256, (256, 3), np.uint8)
INDICES = np.random.default_rng(4).integers(0, 64, (HEIGHT, WIDTH))
ORDER = [*range(0, 32, 8), *range(4, 32, 8), *range(2, 32, 4), *range(1, 32, 2)]


def control(transparent: int) -> bytes:
    return struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 1, 0, transparent, 0)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("transparent", [None, 5])
def test_gif(interlaced: bool, transparent: int | None, tmp_path: Path) -> None:
    rows = INDICES[ORDER] if interlaced else INDICES
    data = gif(
        frame(rows, flags=64 if interlaced else 0),
        size=(WIDTH, HEIGHT),
        palette=PALETTE.tobytes(),
        more=b"" if transparent is None else control(transparent),
    )
    right = PALETTE[INDICES].astype(float)
    if transparent is not None:
        right[transparent == INDICES] = 255
    np.testing.assert_allclose(load(tmp_path / "a.gif", data), right, atol=0.1)


def test_a_gif_whose_frame_is_smaller_than_itself(tmp_path: Path) -> None:
    small = frame(INDICES[:8, :8], at=(4, 2))
    data = gif(small, size=(20, 16), palette=PALETTE.tobytes(), more=control(200))
    loaded = load(tmp_path / "a.gif", data)
    np.testing.assert_allclose(loaded[2:10, 4:12], PALETTE[INDICES[:8, :8]], atol=0.1)
    np.testing.assert_allclose(loaded[10:], 255, atol=0.1)


# BMP


def bmp(rows: bytes, *, size: tuple[int, int], bits: int, masks=(), colors=b"", packed=None):
    """A bitmap of version 4 if it has four masks, else 3."""
    way = packed if packed is not None else (3 if masks else 0)
    info = struct.pack("<iiHHIIIIII", *size, 1, bits, way, len(rows), 0, 0, len(colors) // 4, 0)
    parts = b"".join(struct.pack("<I", mask) for mask in masks)
    if len(masks) == 4:
        info += parts + b"BGRs" + bytes(48)
        parts = b""
    info = struct.pack("<I", len(info) + 4) + info
    start = 14 + len(info) + len(parts) + len(colors)
    return (
        struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start) + info + parts + colors + rows
    )


def lines(rows: np.ndarray, *, upward: bool = True) -> bytes:
    """Rows of bytes, padded to multiples of 4."""
    padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    return (padded[::-1] if upward else padded).tobytes()


@pytest.mark.parametrize("upward", [False, True])
@pytest.mark.parametrize("bits", [24, 32])
def test_bmp(upward: bool, bits: int, tmp_path: Path) -> None:
    pixels = NOISE[:, :47, : bits // 8].copy()
    if bits == 32:
        pixels[..., 3] = 0  # nothing, says version 3
    data = bmp(
        lines(pixels.reshape(HEIGHT, -1), upward=upward),
        size=(47, HEIGHT if upward else -HEIGHT),
        bits=bits,
    )
    loaded = load(tmp_path / "a.bmp", data)
    np.testing.assert_allclose(loaded, pixels[..., 2::-1], atol=0.1)


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_bmp_with_a_palette(bits: int, tmp_path: Path) -> None:
    indices = NOISE[..., 0] & (2**bits - 1)
    packed = np.packbits(
        np.unpackbits(indices[..., None], axis=2)[..., 8 - bits :].reshape(HEIGHT, -1), axis=1
    )
    colors = np.pad(PALETTE[: 2**bits, ::-1], ((0, 0), (0, 1))).tobytes()
    data = bmp(lines(packed), size=(WIDTH, HEIGHT), bits=bits, colors=colors)
    np.testing.assert_allclose(load(tmp_path / "a.bmp", data), PALETTE[indices], atol=0.1)


@pytest.mark.parametrize("masks", [(0x7C00, 0x3E0, 0x1F), (0xF800, 0x7E0, 0x1F), ()])
def test_bmp_of_16_bits(masks: tuple[int, ...], tmp_path: Path) -> None:
    values = NOISE[..., :2].copy().view("<u2")[..., 0]
    rows = np.ascontiguousarray(values).view(np.uint8)
    data = bmp(lines(rows), size=(WIDTH, HEIGHT), bits=16, masks=masks)
    parts = [(values & mask) / mask for mask in masks or (0x7C00, 0x3E0, 0x1F)]
    right = np.stack(parts, axis=2) * 255
    np.testing.assert_allclose(load(tmp_path / "a.bmp", data), right, atol=1.1)


def test_bmp_with_transparency(tmp_path: Path) -> None:
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    data = bmp(lines(NOISE.reshape(HEIGHT, -1)), size=(WIDTH, HEIGHT), bits=32, masks=masks)
    alpha = NOISE[..., 3:] / 255
    right = over_white(NOISE[..., 2::-1] / 255, alpha) * 255
    np.testing.assert_allclose(load(tmp_path / "a.bmp", data), right, atol=1.1)


@pytest.mark.parametrize("bits", [4, 8])
def test_bmp_in_runs(bits: int, tmp_path: Path) -> None:
    colors = np.pad(PALETTE[: 2**bits, ::-1], ((0, 0), (0, 1))).tobytes()
    indices = np.repeat(NOISE[:8, :6, 0] & (2**bits - 1), 4, axis=1)
    runs = b""
    for row in indices[::-1]:
        for value in row[::4].tolist():
            runs += bytes([4, value if bits == 8 else value * 17])
        runs += b"\0\0"
    packed = 1 if bits == 8 else 2
    data = bmp(runs + b"\0\1", size=(24, 8), bits=bits, colors=colors, packed=packed)
    np.testing.assert_allclose(load(tmp_path / "a.bmp", data), PALETTE[indices], atol=0.1)


# PNM


@pytest.mark.parametrize("white", [1, 15, 100, 255, 1023, 65535])
@pytest.mark.parametrize("kind", [2, 3, 5, 6])
def test_pnm(white: int, kind: int, tmp_path: Path) -> None:
    color = SMOOTH if kind in (3, 6) else SMOOTH[..., :1]
    samples = np.rint(color * white).astype(int)
    body = " ".join(map(str, samples.flatten().tolist())).encode()
    if kind > 3:
        body = samples.astype(">u2" if white > 255 else np.uint8).tobytes()
    data = f"P{kind}\n# made here\n{WIDTH} {HEIGHT}\n{white}\n".encode() + body
    loaded = load(tmp_path / "a.pnm", data)
    right = np.broadcast_to(samples / white * 255, loaded.shape)
    np.testing.assert_allclose(loaded, right, atol=1.01)


@pytest.mark.parametrize("kind", [1, 4])
def test_pbm(kind: int, tmp_path: Path) -> None:
    ink = NOISE[..., 0] > 128
    body = np.packbits(ink, axis=1).tobytes()
    if kind == 1:
        body = b"\n".join(b" ".join(b"%d" % bit for bit in row) for row in ink)
    data = b"P%d %d %d\n" % (kind, WIDTH, HEIGHT) + body
    np.testing.assert_array_equal(load(tmp_path / "a.pbm", data)[..., 0], 255.0 * ~ink)


# Targa


def targa(pixels: bytes, *, kind: int, depth: int, corner: int = 0x20, colors=(), bits=0) -> bytes:
    head = struct.pack(
        "<BBBHHBHHHHBB",
        0,
        bool(colors),
        kind,
        0,
        len(colors[0]) if colors else 0,
        bits,
        0,
        0,
        WIDTH,
        HEIGHT,
        depth,
        corner | (8 if depth == 32 else 0),
    )
    return head + (colors[1] if colors else b"") + pixels


def runs(pixels: np.ndarray) -> bytes:
    """H×W×bytes in packets of eight equal pixels or eight unequal ones."""
    packets = []
    for row in pixels:
        for start in range(0, WIDTH, 8):
            part = row[start : start + 8]
            same = (part == part[0]).all()
            packets.append(b"\x87" + part[0].tobytes() if same else b"\7" + part.tobytes())
    return b"".join(packets)


TURNED = {0x20: np.s_[:, :], 0: np.s_[::-1, :], 0x30: np.s_[:, ::-1], 0x10: np.s_[::-1, ::-1]}


@pytest.mark.parametrize("corner", TURNED)
@pytest.mark.parametrize(("depth", "packed"), product([8, 16, 24, 32], [False, True]))
def test_targa(corner: int, depth: int, packed: bool, tmp_path: Path) -> None:
    pixels = NOISE[..., : depth // 8].copy()
    pixels[:, :8] = pixels[:, :1]
    if depth == 16:
        values = pixels.view("<u2")[..., 0]
        right = np.stack([(values >> shift & 31) / 31 * 255 for shift in (10, 5, 0)], axis=2)
    elif depth == 32:
        right = over_white(pixels[..., 2::-1] / 255, pixels[..., 3:] / 255) * 255
    else:
        right = np.broadcast_to(pixels[..., ::-1], (HEIGHT, WIDTH, 3)).astype(float)
    kind = (3 if depth == 8 else 2) + (8 if packed else 0)
    data = targa(
        runs(pixels) if packed else pixels.tobytes(), kind=kind, depth=depth, corner=corner
    )
    loaded = load(tmp_path / "a.tga", data)
    np.testing.assert_allclose(loaded, right[TURNED[corner]], atol=1.1)


@pytest.mark.parametrize(
    "bits",
    [
        16,
        24,
        pytest.param(
            32,
            marks=pytest.mark.skipif(
                int(PIL.__version__.split(".")[0]) < 13, reason="Pillow before 13 cannot read it"
            ),
        ),
    ],
)
def test_targa_with_a_palette(bits: int, tmp_path: Path) -> None:
    indices = NOISE[..., 0]
    if bits == 16:
        values = np.random.default_rng(5).integers(0, 1 << 15, 256).astype("<u2")
        table = values.tobytes()
        right = np.stack([(values >> shift & 31) / 31 * 255 for shift in (10, 5, 0)], axis=1)
    else:
        opaque = np.full((256, bits // 8 - 3), 255, np.uint8)
        table = np.concatenate([PALETTE[:, ::-1], opaque], axis=1).tobytes()
        right = PALETTE.astype(float)
    data = targa(indices.tobytes(), kind=1, depth=8, colors=(PALETTE, table), bits=bits)
    np.testing.assert_allclose(load(tmp_path / "a.tga", data), right[indices], atol=1.1)


def test_the_matrix_of_p3_is_that_of_its_corners() -> None:
    """White stays white, and so does every gray."""
    np.testing.assert_allclose(TO_SRGB.sum(axis=1), 1, atol=1e-3)
    assert P3.shape == (4, 2)
