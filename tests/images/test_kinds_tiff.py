"""Every arrangement of TIFF that tifffile writes is read right to a level, or refused."""

import struct
import warnings
import zlib
from collections import Counter
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tifffile

from impasto.errors import InputError
from impasto.images.io import load_image

HEIGHT, WIDTH = 21, 27
CHANNELS = {"minisblack": 1, "miniswhite": 1, "rgb": 3, "separated": 4}
TYPES = [("bool", 1), ("uint8", 2), ("uint8", 4), ("uint8", 8), ("int8", 8), ("uint16", 10)]
TYPES += [("uint16", 12), ("uint16", 16), ("int16", 16), ("uint32", 24), ("uint32", 32)]
TYPES += [("int32", 32), ("uint64", 64), ("float16", 16), ("float32", 32), ("float64", 64)]
EXTRA = [None, "unspecified", "assocalpha", "unassalpha"]
LAYOUTS = list(product(["contig", "separate"], [None, (16, 16)], "<>"))
PACKINGS = [(None, 1), ("lzw", 1), ("lzw", 2), ("zlib", 1), ("zlib", 2), ("zlib", 3)]
PACKINGS += [("packbits", 1), ("zstd", 1), ("lzma", 1), ("jpeg", 1), ("webp", 1), ("lerc", 1)]
LOSSY = {"jpeg"}
# What has to be read: gray and color of 8 and 16 bits however it is laid out, with transparency.
SURE = {("minisblack", "uint8", 8), ("miniswhite", "uint8", 8), ("rgb", "uint8", 8)}
SURE |= {("separated", "uint8", 8), ("minisblack", "uint16", 16), ("rgb", "uint16", 16)}
SURE |= {("minisblack", "float32", 32), ("minisblack", "bool", 1), ("miniswhite", "bool", 1)}
PACKED_SURE = {None, "lzw", "zlib", "packbits"}


class Kind(NamedTuple):
    """What tifffile is asked for."""

    photometric: str
    type: str
    bits: int
    extra: str | None
    planes: str
    tile: tuple[int, int] | None
    order: str
    compression: str | None
    predictor: int


TABLE = [
    Kind(photometric, *type_, extra, *layout, *packing)
    for photometric, type_, extra, layout, packing in product(
        CHANNELS, TYPES, EXTRA, LAYOUTS, PACKINGS
    )
    if layout[0] == "contig" or CHANNELS[photometric] > 1 or extra
]


def smooth(channels: int) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [np.sin(x / 5 + 2 * k) * np.cos(y / (4 + k)) for k in range(channels)]
    image = np.stack(waves, axis=2) / 2 + 0.5
    return (image - image.min()) / (image.max() - image.min())


def numbers(image: np.ndarray, kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """Samples, and what they mean in [0, 1]."""
    if kind.type.startswith("float") or kind.type == "bool":
        samples = (image > 0.5) if kind.type == "bool" else image.astype(kind.type)
        return samples, samples.astype(float)
    bits = kind.bits - kind.type.startswith("int")
    samples = (image * (2.0**bits - 2**11 if bits > 53 else 2**bits - 1) + 0.5).astype(kind.type)
    return samples, samples / (2.0**bits - 1)


def expected(values: np.ndarray, kind: Kind) -> np.ndarray:
    """8-bit sRGB over white, not rounded."""
    channels = CHANNELS[kind.photometric]
    color, alpha = values[..., :channels], values[..., channels:]
    if kind.photometric == "miniswhite":
        color = 1 - color
    if kind.photometric == "separated":
        color = (1 - color[..., :3]) * (1 - color[..., 3:])
    if kind.extra == "unassalpha":
        color = color * alpha
    if kind.extra in ("assocalpha", "unassalpha"):
        color = color + 1 - alpha
    return np.broadcast_to(color * 255, (HEIGHT, WIDTH, 3))


def write(path: Path, kind: Kind) -> np.ndarray | None:
    """Write a file and return what it shows; None if tifffile cannot make it."""
    image = smooth(CHANNELS[kind.photometric] + bool(kind.extra))
    if kind.extra == "assocalpha":
        image[..., :-1] *= image[..., -1:]
    samples, values = numbers(image, kind)
    options: dict[str, object] = {"compression": kind.compression, "predictor": kind.predictor}
    if kind.compression == "jpeg":
        options["compressionargs"] = {"level": 95}
    if kind.bits not in (1, 8, 16, 32, 64):
        options["bitspersample"] = kind.bits
    if kind.extra:
        options["extrasamples"] = [kind.extra]
    if samples.shape[2] == 1:
        samples = samples[..., 0]
    else:
        options["planarconfig"] = kind.planes
        samples = samples.transpose(2, 0, 1) if kind.planes == "separate" else samples
    options |= {"tile": kind.tile} if kind.tile else {"rowsperstrip": 8}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tifffile.imwrite(
                path,
                samples,
                photometric=kind.photometric,
                byteorder=kind.order,
                metadata=None,
                **{key: value for key, value in options.items() if value != 1},
            )
    except (ValueError, TypeError, KeyError, NotImplementedError, RuntimeError):
        return None
    if kind.compression in LOSSY:  # at the edges of tiles chroma is rightly off by 50 levels
        decoded = tifffile.imread(path).astype(float) / 255
        apart = decoded.ndim == 3 and kind.planes == "separate"
        values = (decoded.transpose(1, 2, 0) if apart else decoded).reshape(values.shape)
    return expected(values, kind)


def tolerance(kind: Kind) -> float:
    """Levels: two between decoders of JPEG, one for each number that is cut to 8 bits before."""
    cut = kind.bits == 16 and kind.photometric != "minisblack"
    blended = kind.extra in ("assocalpha", "unassalpha")
    return 1.01 + cut + blended + (2 if kind.compression in LOSSY else 0)


def outcome(path: Path, kind: Kind) -> str:
    """right, wrong, refused, or not made."""
    right = write(path, kind)
    if right is None:
        return "not made"
    try:
        loaded = load_image(path) * 255
    except InputError:
        return "refused"
    return "right" if np.abs(loaded - right).max() <= tolerance(kind) else "wrong"


def is_sure(kind: Kind) -> bool:
    told = kind.extra is None or (kind.photometric == "rgb" and kind.extra != "unspecified")
    sense = kind.bits > 1 or kind.predictor == 1  # single bits have no differences
    return kind[:3] in SURE and kind.compression in PACKED_SURE and told and sense


@pytest.mark.parametrize("step", [97, pytest.param(1, marks=pytest.mark.long)])
def test_right_or_refused(step: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outcomes = {kind: outcome(tmp_path / "a.tif", kind) for kind in TABLE[::step]}
    capfd.readouterr()  # libtiff prints about what it refuses
    print(f"{len(outcomes)} kinds of TIFF: {dict(Counter(outcomes.values()))}")
    assert [kind for kind, result in outcomes.items() if result == "wrong"] == []
    assert {outcomes[kind] for kind in outcomes if is_sure(kind)} <= {"right", "not made"}
    assert sum(result == "right" for result in outcomes.values()) * step >= 1000


def save(path: Path, samples: np.ndarray, photometric: object, **options: object) -> np.ndarray:
    tifffile.imwrite(path, samples, photometric=photometric, metadata=None, **options)
    return load_image(path) * 255


GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("type_", ["uint16", "float32"])
def test_white_is_zero_is_no_negative(order, compression, type_, tmp_path: Path) -> None:
    white = 65535 if type_ == "uint16" else 1
    samples = (GREY / 255 * white).astype(type_)
    options = {"byteorder": order, "compression": compression}
    if (type_, order) == ("uint16", ">"):
        with pytest.raises(InputError, match="a TIFF variant that Pillow cannot read"):
            save(tmp_path / "a.tif", samples, "miniswhite", **options)
    else:
        loaded = save(tmp_path / "a.tif", samples, "miniswhite", **options)
        np.testing.assert_allclose(loaded[..., 0], 255 - GREY, atol=1)


def palette(scale: int) -> tuple[np.ndarray, np.ndarray]:
    colors = np.random.default_rng(0).integers(0, 256, (3, 256))
    return (colors * scale).astype(np.uint16), colors.T[GREY]


@pytest.mark.parametrize("scale", [257, 256, 1])
def test_palettes_of_16_bits_and_those_of_8_that_old_programs_wrote(
    scale: int, tmp_path: Path
) -> None:
    colormap, right = palette(scale)
    loaded = save(tmp_path / "a.tif", GREY, "palette", colormap=colormap)
    np.testing.assert_allclose(loaded, right, atol=1)


def bt601(y: np.ndarray, blue: np.ndarray, red: np.ndarray) -> np.ndarray:
    parts = [y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue]
    return np.stack(parts, axis=-1).clip(0, 255)


@pytest.mark.parametrize("compression", [None, "zlib", "jpeg"])
def test_ycbcr(compression: str | None, tmp_path: Path) -> None:
    samples = (smooth(3) * 160 + 48).astype(np.uint8)
    options = {"compression": compression}
    if compression == "jpeg":
        options |= {"compressionargs": {"level": 100}, "subsampling": (1, 1)}
    y, blue, red = (samples[..., i].astype(float) for i in range(3))
    loaded = save(tmp_path / "a.tif", samples, "ycbcr", **options)
    np.testing.assert_allclose(loaded, bt601(y, blue - 128, red - 128), atol=3.5)


def test_cielab(tmp_path: Path) -> None:
    """Patches whose sRGB is known: white, mid gray, and a red, a* and b* being signed."""
    lab = np.array([[[255, 0, 0], [137, 0, 0], [139, 63, 52]]], np.uint8)
    lab[..., 1:] = lab[..., 1:].astype(np.int8).view(np.uint8)
    loaded = save(tmp_path / "a.tif", lab.repeat(8, axis=0), "cielab")
    np.testing.assert_allclose(loaded[0], [[255] * 3, [128] * 3, [227, 66, 48]], atol=6)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("compression", [1, 8])
def test_bits_in_the_other_order(bits: int, compression: int, tmp_path: Path) -> None:
    """FillOrder 2, as fax machines write."""
    count = 2**bits
    levels = np.arange(64).reshape(8, 8) % count
    packed = np.packbits(np.unpackbits(levels.astype(np.uint8)[..., None], axis=2)[..., 8 - bits :])
    turned = np.packbits(np.unpackbits(packed[:, None], axis=1)[:, ::-1]).tobytes()
    data = turned if compression == 1 else zlib.compress(turned)
    entries = [(256, 8), (257, 8), (258, bits), (259, compression), (262, 1), (266, 2), (273, 8)]
    entries += [(277, 1), (278, 8), (279, len(data))]
    raw = directory(entries, data)
    (tmp_path / "a.tif").write_bytes(raw)
    try:
        loaded = load_image(tmp_path / "a.tif") * 255
    except InputError:
        assert compression != 1
    else:
        np.testing.assert_allclose(loaded[..., 0], levels * 255 / (count - 1), atol=1)


def directory(entries: list[tuple[int, int]], data: bytes) -> bytes:
    """A little-endian TIFF of one strip, its data first."""
    place = 8 + len(data) + len(data) % 2
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries))
    head = struct.pack("<2sHI", b"II", 42, place)
    return head + data + bytes(len(data) % 2) + struct.pack("<H", len(entries)) + table + bytes(4)


def test_inks_that_are_no_cmyk_are_refused(tmp_path: Path) -> None:
    samples = np.zeros((8, 8, 4), np.uint8)
    with pytest.raises(InputError, match="with inks other than cyan, magenta, yellow and black"):
        save(tmp_path / "a.tif", samples, "separated", extratags=[(332, 3, 1, 2, True)])


def test_bigtiff(tmp_path: Path) -> None:
    loaded = save(tmp_path / "a.tif", GREY, "minisblack", bigtiff=True)
    np.testing.assert_array_equal(loaded[..., 0].round(), GREY)
    with pytest.raises(InputError, match="a TIFF variant that Pillow cannot read"):
        save(tmp_path / "a.tif", GREY, "minisblack", bigtiff=True, byteorder=">")


def test_of_several_pages_the_first(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in (GREY, 255 - GREY):
            file.write(page, photometric="minisblack", metadata=None)
    np.testing.assert_array_equal((load_image(tmp_path / "a.tif")[..., 0] * 255).round(), GREY)
