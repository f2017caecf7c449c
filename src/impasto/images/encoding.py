"""Pixels as the bytes of a JPEG, PNG, WebP or TIFF file, with 8 or 16 bits a color."""

import io
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto.errors import InputError
from impasto.images import png, tiff

KINDS = dict(jpg="JPEG", jpeg="JPEG", png="PNG", webp="WEBP", tif="TIFF", tiff="TIFF")
# On a painting of 1024² in half and two thirds of the time, to files within 1 % of the default's.
FASTER: dict[str, dict[str, Any]] = {"PNG": {"compress_type": zlib.Z_RLE}, "WEBP": {"method": 2}}
DEEP = {"PNG": png.encode, "TIFF": tiff.encode}  # of 16 bits, which Pillow does not write
Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What a file holds beside its colors."""

    alpha: npt.NDArray[np.uint8] | None = None  # H×W, 255 is opaque; JPEG has none
    profile: bytes | None = None  # ICC; without one it is sRGB
    exif: bytes = b""


def quantize(array: npt.NDArray[np.float32] | npt.NDArray[np.uint8], *, depth: int = 8) -> Pixels:
    """[0,1], clipped -> 0..255 or 0..65535, rounded; bytes stay as they are."""
    if array.dtype == np.uint8:
        return array * np.uint16(257) if depth > 8 else array.astype(np.uint8, copy=False)
    white, kind = (255, np.uint8) if depth == 8 else (65535, np.uint16)
    return (np.clip(array, 0, 1) * np.float32(white) + np.float32(0.5)).astype(kind)


def encode(pixels: Pixels, kind: str, *, quality: int = 95, beside: Beside = Beside()) -> bytes:
    """The bytes of a file.

    Args:
        pixels: H×W×3; 16 bits are for PNG and TIFF.
        kind: JPEG, PNG, WEBP or TIFF.
        quality: 1 to 100, of JPEG and WebP.
        beside: what else goes into it.

    Raises:
        OSError, ValueError: more pixels than the format takes.
    """
    layers: list[npt.NDArray[Any]] = [pixels]
    deep = pixels.dtype == np.uint16
    if beside.alpha is not None and kind != "JPEG":
        layers.append(beside.alpha * np.uint16(257) if deep else beside.alpha)
    stacked = np.dstack(layers) if len(layers) > 1 else pixels
    if deep:
        return DEEP[kind](stacked, profile=beside.profile, exif=beside.exif)
    more: dict[str, Any] = {"icc_profile": beside.profile, "exif": beside.exif}
    more = {key: value for key, value in more.items() if value} | FASTER.get(kind, {})
    file = io.BytesIO()  # Pillow itself does not notice that a full disk took only a part
    # 4:4:4 or pure colors bleed. No optimize=True: Pillow's buffer is too small for noise.
    Image.fromarray(stacked).save(file, kind, quality=quality, subsampling=0, **more)
    return file.getvalue()


def output_format(path: str | os.PathLike[str], *, depth: int = 8) -> str:
    """Name Pillow's format for the suffix of ``path``.

    Raises:
        InputError: there is none, or not with so many bits.
    """
    if (suffix := Path(path).suffix.lower()[1:]) not in KINDS:
        raise InputError(f"cannot write {path}: the file name must end in .{', .'.join(KINDS)}")
    if depth > 8 and KINDS[suffix] not in DEEP:
        raise InputError(f"cannot write {path} with {depth} bits: give it the suffix .png or .tif")
    return KINDS[suffix]
