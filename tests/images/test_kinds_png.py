"""Sixty kinds of PNG are read right to a level, with the colors that their chunks say."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from color_values import P3, TO_SRGB, light, srgb, swapped_profile
from png_files import CHANNELS, DEPTHS, Chunk, chunk, encode

from impasto.errors import InputError
from impasto.images.io import load_image

HEIGHT, WIDTH = 13, 11
KINDS = [(kind, depth) for kind, depths in DEPTHS.items() for depth in depths]
PALETTE = np.random.default_rng(1).integers(0, 256, (256, 3))


def samples(kind: int, depth: int) -> np.ndarray:
    shape = (HEIGHT, WIDTH, CHANNELS[kind])
    values = np.random.default_rng(depth).integers(0, 2**depth, shape)
    values[0, 0], values[0, 1] = 0, 2**depth - 1
    return values


def expected(values: np.ndarray, kind: int, depth: int, opaque: np.ndarray | None) -> np.ndarray:
    """In [0, 1], over white."""
    if kind == 3:
        color, alpha = PALETTE[values[..., 0]] / 255, opaque
    else:
        color = values / (2**depth - 1)
        alpha = color[..., -1:] if kind in (4, 6) else opaque
        color = color[..., :1] if kind in (0, 4) else color[..., :3]
    alpha = np.ones(1) if alpha is None else alpha
    return np.broadcast_to(color * alpha + 1 - alpha, (*values.shape[:2], 3))


def transparency(values: np.ndarray, kind: int, depth: int) -> tuple[Chunk, np.ndarray]:
    """A chunk tRNS, and how opaque each pixel is with it."""
    if kind == 3:
        levels = np.random.default_rng(2).integers(0, 256, 2**depth)
        return (b"tRNS", bytes(levels.tolist())), levels[values] / 255
    color = values[3, 4]
    data = struct.pack(f">{len(color)}H", *color)
    return (b"tRNS", data), ~(values == color).all(axis=2, keepdims=True)


def load(path: Path, data: bytes) -> np.ndarray:
    path.write_bytes(data)
    return load_image(path) * 255


@pytest.mark.parametrize(("kind", "depth"), KINDS)
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("transparent", [False, True])
def test_every_type_of_color_depth_and_order(
    kind: int, depth: int, interlaced: bool, transparent: bool, tmp_path: Path
) -> None:
    values, opaque = samples(kind, depth), None
    before = [(b"PLTE", bytes(PALETTE[: 2**depth].flatten().tolist()))] if kind == 3 else []
    if transparent and kind < 4:
        more, opaque = transparency(values, kind, depth)
        before.append(more)
    data = encode(values, kind=kind, depth=depth, interlaced=interlaced, before=before)
    if (kind, depth, opaque is None) == (2, 16, False):
        with pytest.raises(InputError, match="a 16-bit PNG with a transparent color"):
            load(tmp_path / "a.png", data)
        return
    right = expected(values, kind, depth, opaque) * 255
    # 16 bits of color and 16 of transparency are cut to 8 each before they are multiplied
    close = 2 if (kind, depth) in ((4, 16), (6, 16)) else 1
    np.testing.assert_allclose(load(tmp_path / "a.png", data), right, atol=close + 0.01)


GAMMA = {value: (b"gAMA", struct.pack(">I", value)) for value in (45455, 45000, 100000, 55556)}
CHROMATICITIES = (b"cHRM", struct.pack(">8I", *(round(v * 100000) for v in P3.flatten())))
PROFILE = (b"iCCP", b"a name\0\0" + zlib.compress(swapped_profile()))
COLORS = {  # chunks, and what becomes of values in [0, 1]
    "as sRGB says": ([GAMMA[45455], CHROMATICITIES, (b"sRGB", b"\0")], lambda v: v),
    "gamma of sRGB": ([GAMMA[45455]], lambda v: v),
    "nearly": ([GAMMA[45000]], lambda v: v),
    "light": ([GAMMA[100000]], srgb),
    "of old Macintoshes": ([GAMMA[55556]], lambda v: srgb(v ** (1 / 0.55556))),
    "light in P3": ([GAMMA[100000], CHROMATICITIES], lambda v: srgb(v @ TO_SRGB.T)),
    "P3": ([(b"cICP", b"\x0c\x0d\0\1")], lambda v: srgb(light(v) @ TO_SRGB.T)),
    "sRGB in codes": ([(b"cICP", b"\x01\x0d\0\1"), GAMMA[100000]], lambda v: v),
    "a profile before gamma": ([PROFILE, GAMMA[100000]], lambda v: v[..., [1, 0, 2]]),
}


@pytest.mark.parametrize("name", COLORS)
def test_colors_are_what_the_chunks_say(name: str, tmp_path: Path) -> None:
    chunks, change = COLORS[name]
    ramp = np.indices((6, 6, 6)).reshape(3, 12, 18).transpose(1, 2, 0) * 51
    data = encode(ramp, kind=2, depth=8, before=chunks)
    np.testing.assert_allclose(load(tmp_path / "a.png", data), change(ramp / 255) * 255, atol=2.5)


@pytest.mark.parametrize("kind", [0, 4])
def test_grey_has_a_gamma_too(kind: int, tmp_path: Path) -> None:
    values = samples(kind, 8)
    values[..., 1:] = 255
    data = encode(values, kind=kind, depth=8, before=[GAMMA[100000]])
    right = srgb(values[..., :1] / 255) * 255
    np.testing.assert_allclose(load(tmp_path / "a.png", data), right.repeat(3, axis=2), atol=1.5)


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_refused(transfer: int, tmp_path: Path) -> None:
    chunks = [(b"cICP", bytes([9, transfer, 0, 1]))]
    with pytest.raises(InputError, match=r"a\.png: it is an HDR image, save it again as SDR"):
        load(tmp_path / "a.png", encode(samples(2, 8), kind=2, depth=8, before=chunks))


NONSENSE = {
    "no gamma": (b"gAMA", bytes(4)),
    "short gamma": (b"gAMA", b"\0\1"),
    "no chromaticities": (b"cHRM", bytes(32)),
    "a line": (b"cHRM", struct.pack(">8I", *([30000] * 8))),
    "short": (b"cHRM", bytes(31)),
    "short codes": (b"cICP", b"\x0c"),
    "no profile": (b"iCCP", b"name\0\0nonsense"),
    "half a profile": (b"iCCP", b"name\0\0" + zlib.compress(swapped_profile())[:200]),
    "no end of a name": (b"iCCP", b"name"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_about_colors_is_passed_over(name: str, tmp_path: Path) -> None:
    values = samples(2, 8)
    data = encode(values, kind=2, depth=8, before=[NONSENSE[name]])
    np.testing.assert_array_equal(load(tmp_path / "a.png", data).round(), values)


TEXT = b"workflow\0\0" + zlib.compress(b"x" * 5_000_000)
LONG = swapped_profile() + np.random.default_rng(0).bytes(3_000_000)
BESIDE = {  # what every viewer passes over, and Pillow calls damaged
    "compressed text": chunk(b"zTXt", TEXT),
    "international text": chunk(b"iTXt", b"workflow\0\1\0\0\0" + TEXT[10:]),
    "much plain text": chunk(b"tEXt", b"a\0" + b"x" * 70_000_000),
    "text with a wrong checksum": chunk(b"tEXt", b"a\0b", checksum=1),
    "a time with a wrong checksum": chunk(b"tIME", bytes(7), checksum=1),
    "gamma with a wrong checksum": chunk(*GAMMA[100000], checksum=1),
    "a profile with a wrong checksum": chunk(*PROFILE, checksum=1),
    "broken compression": chunk(b"zTXt", b"a\0\0nonsense"),
    "an animation of no frames": chunk(b"acTL", bytes(8)),
    "half an animation": chunk(b"fcTL", bytes(5)),
}


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("place", ["before", "after"])
def test_faults_beside_the_picture_do_not_matter(name: str, place: str, tmp_path: Path) -> None:
    values = samples(2, 8)
    whole = encode(values, kind=2, depth=8)
    at = whole.index(b"IDAT" if place == "before" else b"IEND") - 4
    loaded = load(tmp_path / "a.png", whole[:at] + BESIDE[name] + whole[at:])
    np.testing.assert_array_equal(loaded.round(), values)


def test_a_profile_of_three_megabytes_is_used(tmp_path: Path) -> None:
    size = struct.pack(">I", len(LONG))
    before = [(b"iCCP", b"press\0\0" + zlib.compress(size + LONG[4:]))]
    ramp = np.full((4, 4, 3), (200, 20, 90))
    loaded = load(tmp_path / "a.png", encode(ramp, kind=2, depth=8, before=before))
    np.testing.assert_allclose(loaded[0, 0], (20, 200, 90), atol=2)


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT", b"PLTE"])
def test_a_wrong_checksum_in_the_picture_is_damage(name: bytes, tmp_path: Path) -> None:
    palette = (b"PLTE", bytes(PALETTE[:16].flatten().tolist()))
    data = bytearray(encode(samples(3, 4), kind=3, depth=4, before=[palette]))
    at = data.index(name)
    end = at + 4 + struct.unpack_from(">I", data, at - 4)[0]
    data[end] ^= 255
    if name == b"IDAT":
        data[end - 1] ^= 255  # Pillow looks at the sum inside instead
    with pytest.raises(InputError, match=r"a\.png: it is "):
        load(tmp_path / "a.png", bytes(data))
