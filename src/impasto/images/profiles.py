"""ICC profiles for files that describe their colors with a few numbers instead of one."""

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from impasto.errors import InputError

Points = npt.NDArray[np.float64]  # x and y of CIE 1931 for white, red, green and blue
SRGB: Points = np.array([[0.3127, 0.3290], [0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])
PRIMARIES: dict[int, Points] = {  # H.273, table 2: BT.2020, Display P3
    9: np.array([SRGB[0], [0.708, 0.292], [0.170, 0.797], [0.131, 0.046]]),
    12: np.array([SRGB[0], [0.680, 0.320], [0.265, 0.690], [0.150, 0.060]]),
}
GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}  # table 3; those that are left out are close to sRGB or reserved
HDR = {16, 18}  # PQ and HLG
D50 = (0.9642, 1.0, 0.8249)
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
SRGB_CURVE = struct.pack(
    ">4s4xHxx5i",
    b"para",
    3,
    *(round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)),
)


def of_codes(primaries: int, transfer: int, *, grey: bool) -> bytes | None:
    """A profile for codes of H.273, as PNG (cICP) and AVIF (nclx) have; None where sRGB will do.

    Raises:
        InputError: brightness beyond white, which has no place in a picture for paper.
    """
    if transfer in HDR:
        raise InputError("it is an HDR image, save it again as SDR")
    if primaries not in PRIMARIES and transfer not in GAMMAS:
        return None
    return build(PRIMARIES.get(primaries, SRGB), GAMMAS.get(transfer), grey=grey)


def build(points: Points, gamma: float | None, *, grey: bool) -> bytes:
    """An ICC profile (ICC.1:2010).

    Args:
        points: white, red, green and blue.
        gamma: exponent from numbers to light; None for the curve of sRGB.
        grey: for grey pictures, of which white is all that counts.
    """
    curve = (
        SRGB_CURVE if gamma is None else struct.pack(">4s4xHxxi", b"para", 0, round(gamma * 65536))
    )
    tags = {b"wtpt": _xyz(D50)}
    if grey:
        tags[b"kTRC"] = curve
    else:
        tags |= {name + b"TRC": curve for name in (b"r", b"g", b"b")}
        tags |= zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, _columns(points)), strict=True)
    table, data, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(content))
        data += content
    space = b"GRAY" if grey else b"RGB "
    head = struct.pack(
        ">I4xI4s4s4s12x4s", start + len(data), 0x04200000, b"mntr", space, b"XYZ ", b"acsp"
    )
    return head + bytes(28) + _xyz(D50)[8:] + bytes(48) + table + data


def is_gamut(points: Points) -> bool:
    """Whether colors can be made of a white, red, green and blue: a triangle around its white."""
    white, *corners = points
    sides = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    areas = [np.linalg.det([b - a, white - a]) for a, b in sides]
    return bool(np.min(points) > 0 and (np.min(areas) > 1e-4 or np.max(areas) < -1e-4))


def _columns(points: Points) -> npt.NDArray[np.float64]:
    """Red, green and blue in XYZ (rows), of which white is D50 (Bradford)."""
    x, y = points.T
    white, *colors = np.stack([x / y, np.ones(4), (1 - x - y) / y], axis=1)
    columns = np.array(colors)
    columns *= np.linalg.solve(columns.T, white)[:, None]
    scale = (BRADFORD @ D50) / (BRADFORD @ white)
    return np.array(columns @ (np.linalg.inv(BRADFORD) @ (scale[:, None] * BRADFORD)).T)


def _xyz(values: Sequence[float] | npt.NDArray[np.float64]) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(float(value) * 65536) for value in values))
