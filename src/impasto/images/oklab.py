"""OKLab: lightness and color apart, as they look (Ottosson 2020, "A perceptual color space").

Where only lightness is changed, hue and colorfulness look as before, which neither HSL nor YCbCr
can say. Public functions take and return (..., 3) float32. Inside, colors are the three rows of a
matrix, which is faster.
"""

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float32]

_LMS = np.array(  # of linear sRGB
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_LAB = np.array(  # of the cube roots of LMS
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)
_RGB, _ROOTS = (np.linalg.inv(m.astype(float)).astype(np.float32) for m in (_LMS, _LAB))
_OUTSIDE = 1e-4  # of linear light, a third of a level of 255 at most
_HALVINGS = 9  # chroma is then right to a thousandth


def to_oklab(rgb: Pixels) -> Pixels:
    """From sRGB in [0,1] to L in [0,1], and a and b in about [-0.4, 0.4]."""
    return _picture(_LAB @ _roots(rgb), rgb.shape)


def from_oklab(lab: Pixels) -> Pixels:
    """From OKLab to sRGB in [0,1].

    A color that sRGB does not have becomes the most colorful one of the same lightness and hue that
    it has. To clip red, green and blue instead would change both, in flat patches.
    """
    return _picture(_srgb(_rows(lab)), lab.shape)


def transfer_color(lightness: Pixels, color: Pixels) -> Pixels:
    """The L of one picture with the a and b of another, both sRGB in [0,1], as is the result."""
    lab = _LAB @ _roots(color)
    lab[0] = _LAB[0] @ _roots(lightness)
    return _picture(_srgb(lab), color.shape)


def _rows(picture: Pixels) -> Pixels:
    return np.ascontiguousarray(picture.reshape(-1, 3).T, np.float32)


def _picture(rows: Pixels, shape: tuple[int, ...]) -> Pixels:
    return np.ascontiguousarray(rows.T).reshape(shape)


def _roots(rgb: Pixels) -> Pixels:
    """Cube roots of LMS of a picture."""
    return np.cbrt(_LMS @ _linear(_rows(rgb)))


def _srgb(lab: Pixels) -> Pixels:
    """The sRGB of colors, which lose chroma where they need to."""
    roots = _ROOTS @ lab
    rgb = _RGB @ (roots * roots * roots)
    outside = ~_fits(rgb)
    if outside.any():
        rgb[:, outside] = _less_colorful(lab[:, outside])
    return _encoded(np.clip(rgb, 0, 1, out=rgb))


def _less_colorful(lab: Pixels) -> Pixels:
    """Linear sRGB of colors whose a and b are scaled down until they fit, by bisection.

    The factor t makes each of red, green and blue a cubic in t, since L, a and b are linear in the
    roots and these are cubed.
    """
    light, chroma = lab[0], _ROOTS[:, 1:] @ lab[1:]
    first = _RGB @ chroma * (3 * light * light)
    second = _RGB @ (chroma * chroma) * (3 * light)
    third = _RGB @ (chroma * chroma * chroma)
    constant, factor, step = light**3, np.zeros_like(light), np.float32(0.5)

    def at(t: Pixels) -> Pixels:
        return ((third * t + second) * t + first) * t + constant

    for _ in range(_HALVINGS):
        factor += step * _fits(at(factor + step))
        step /= 2
    return at(factor)


def _fits(rgb: Pixels) -> npt.NDArray[np.bool_]:
    """Whether sRGB has these colors of linear light."""
    beyond = np.abs(rgb - np.float32(0.5)) > 0.5 + _OUTSIDE
    return ~beyond.any(axis=0)


def _linear(rgb: Pixels) -> Pixels:
    """Linear light of sRGB, IEC 61966-2-1."""
    light = ((rgb + np.float32(0.055)) * np.float32(1 / 1.055)) ** np.float32(2.4)
    np.copyto(light, rgb * np.float32(1 / 12.92), where=rgb <= np.float32(0.04045))
    return light


def _encoded(light: Pixels) -> Pixels:
    rgb = np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055)
    np.copyto(rgb, light * np.float32(12.92), where=light <= np.float32(0.0031308))
    return rgb
