"""OKLab: lightness and color apart, as they look (Ottosson 2020, "A perceptual color space").

Where only lightness is changed, hue and colorfulness look as before, which neither HSL nor YCbCr
can say. All functions take and return (..., 3) float32.
"""

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float32]

_LMS = np.array(  # of linear sRGB
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(  # of the cube roots of LMS
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_TO_LMS, _TO_LAB = (matrix.T.astype(np.float32) for matrix in (_LMS, _LAB))  # of rows of pixels
_FROM_LMS, _FROM_LAB = (np.linalg.inv(m).T.astype(np.float32) for m in (_LMS, _LAB))
_OUTSIDE = 1e-4  # of linear light, a third of a level of 255 at most
_HALVINGS = 9  # chroma is then right to a thousandth


def to_oklab(rgb: Pixels) -> Pixels:
    """From sRGB in [0,1] to L in [0,1], and a and b in about [-0.4, 0.4]."""
    return np.cbrt(_linear(rgb) @ _TO_LMS) @ _TO_LAB


def from_oklab(lab: Pixels) -> Pixels:
    """From OKLab to sRGB in [0,1].

    A color that sRGB does not have becomes the most colorful one of the same lightness and hue that
    it has. To clip red, green and blue instead would change both, in flat patches.
    """
    rgb = _light(lab)
    beyond = np.abs(rgb - np.float32(0.5)) > 0.5 + _OUTSIDE
    outside = beyond[..., 0] | beyond[..., 1] | beyond[..., 2]  # any(axis=-1), ten times as fast
    if outside.any():
        rgb[outside] = _light(_less_colorful(lab[outside]))
    return _encoded(np.clip(rgb, 0, 1, out=rgb))


def transfer_color(lightness: Pixels, color: Pixels) -> Pixels:
    """The L of one picture with the a and b of another, both sRGB in [0,1], as is the result."""
    lab = to_oklab(color)
    lab[..., 0] = np.cbrt(_linear(lightness) @ _TO_LMS) @ _TO_LAB[:, 0]
    return from_oklab(lab)


def _less_colorful(lab: Pixels) -> Pixels:
    """(N, 3) with a and b scaled down until sRGB has the color, by bisection.

    The factor t makes each of red, green and blue a cubic in t, since L, a and b are linear in the
    roots and these are cubed.
    """
    chroma = lab.copy()
    chroma[:, 0] = 0
    roots = np.ascontiguousarray((chroma @ _FROM_LAB).T)
    powers = (roots, roots * roots, roots * roots * roots)
    first, second, third = (_FROM_LMS.T @ power for power in powers)
    light = lab[:, 0].copy()
    constant, first, second = light**3, first * (3 * light * light), second * (3 * light)
    inside, step = np.zeros_like(light), np.float32(0.5)
    for _ in range(_HALVINGS):
        t = inside + step
        rgb = ((third * t + second) * t + first) * t + constant
        inside += step * (np.abs(rgb - np.float32(0.5)) <= 0.5 + _OUTSIDE).all(axis=0)
        step /= 2
    chroma[:, 1:] *= inside[:, None]
    chroma[:, 0] = light
    return chroma


def _light(lab: Pixels) -> Pixels:
    roots = lab @ _FROM_LAB
    return (roots * roots * roots) @ _FROM_LMS


def _linear(rgb: Pixels) -> Pixels:
    """Linear light of sRGB, IEC 61966-2-1."""
    bright = ((rgb + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(rgb <= 0.04045, rgb / np.float32(12.92), bright)


def _encoded(light: Pixels) -> Pixels:
    bright = np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(light <= 0.0031308, light * np.float32(12.92), bright)
