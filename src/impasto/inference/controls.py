"""What can be chosen after training: strength, color, size of strokes, and where.

The controls go around whatever makes a stylized picture from a photograph: a network, Gatys'
method. Their order is always the same:

1. the photograph is scaled to the working size of `stroke_size`, and stylized,
2. the result is brought back to the photograph's size, with its detail,
3. `keep_color` puts the photograph's color into it,
4. `strength` and `mask` blend it with the photograph.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto.errors import InputError
from impasto.images.io import RGB, to_floats
from impasto.images.mask import fit_mask, load_mask, to_mask
from impasto.images.oklab import transfer_color
from impasto.inference.upsample import Picture, bands, guided_upsample, in_kind, resized

if TYPE_CHECKING:  # it loads a parser of flags, which an app does not need
    from impasto.config.settings import ControlSettings

LEAST = 16  # pixels of a side that can be stylized
Mask = str | os.PathLike[str] | npt.NDArray[Any]


class Choices(TypedDict, total=False):
    """What `Controls` takes, for who passes it on."""

    strength: float
    keep_color: bool
    stroke_size: float
    mask: Mask | None
    feather: float | None


class Controls:
    """Settings for any number of pictures: `Controls(strength=0.7).apply(photo, stylizer)`."""

    def __init__(
        self,
        *,
        strength: float = 1.0,
        keep_color: bool = False,
        stroke_size: float = 1.0,
        mask: Mask | None = None,
        feather: float | None = None,
    ) -> None:
        """Check them, and read the mask.

        Args:
            strength: 0 is the photograph, 1 the stylized picture.
            keep_color: lightness from the stylized picture, color from the photograph.
            stroke_size: 2 makes strokes twice as large, 0.5 half as large, by stylizing at another
                size. Work and memory go with its inverse square: 0.5 takes four times as much.
            mask: white, or 1, is stylized, black, or 0, stays: an image file or an H×W array. It is
                stretched to each picture.
            feather: pixels over which edges of the mask fade, by default 1 % of the short side.

        Raises:
            InputError: a number out of range, or a mask that cannot be used.
        """
        _check("strength", strength, least=0, most=1)
        _check("stroke_size", stroke_size, least=0.25, most=16)
        _check("feather", feather or 0, least=0, most=10_000)
        self.strength, self.keep_color, self.stroke_size = strength, keep_color, stroke_size
        self.feather = feather
        self.mask = None if mask is None else _read(mask)
        self._fitted: npt.NDArray[np.uint8] | None = None  # the frames of a film have one size

    @classmethod
    def chosen(cls, settings: "ControlSettings") -> "Controls":
        """As the flags say.

        Raises:
            InputError: a mask that cannot be used.
        """
        return cls(**{name: getattr(settings, name) for name in Choices.__annotations__})

    @property
    def _blends(self) -> bool:
        return self.keep_color or self.strength != 1 or self.mask is not None

    def apply(self, photo: Picture, make: Callable[[Picture], Picture]) -> Picture:
        """Stylize a photograph under these controls.

        Args:
            photo: H×W×3 float32 RGB in [0,1], or uint8, which takes a quarter of the memory.
            make: stylizes an image of any size, of the kind of `photo`; what it returns is
                overwritten.

        Returns:
            The shape, range and kind of `photo`.

        Raises:
            InputError: the photograph is too small for strokes of this size.
        """
        working = self.working(photo)
        return self.finish(make(working), working=working, photo=photo)

    def working(self, photo: Picture, *, least: int = LEAST) -> Picture:
        """The photograph at the size at which it is stylized: itself where strokes keep their size.

        Args:
            photo: H×W×3, as for `apply`.
            least: pixels of a side that can be stylized.

        Raises:
            InputError: a side of the smaller picture would be shorter.
        """
        if self.stroke_size == 1:
            return photo
        height, width = (max(1, round(side / self.stroke_size)) for side in photo.shape[:2])
        if min(height, width) < least and self.stroke_size > 1:
            raise InputError(
                f"strokes of size {self.stroke_size:g} make {photo.shape[1]}x{photo.shape[0]} "
                f"pixels {width}x{height}, and a side needs {least}: give a smaller --stroke-size"
            )
        return resized(photo, height, width)

    def finish(self, stylized: Picture, *, working: Picture, photo: Picture) -> Picture:
        """What follows after stylizing.

        Args:
            stylized: h×w×3, as large as `working`; it is overwritten.
            working: what `working` made of the photograph.
            photo: H×W×3, as for `apply`.

        Returns:
            H×W×3, of the kind of `stylized`.
        """
        height, width = photo.shape[:2]
        if self.stroke_size > 1:
            stylized = guided_upsample(stylized, small=working, photo=photo)
        elif self.stroke_size < 1:
            stylized = resized(stylized, height, width)
        if not self._blends:
            return stylized
        weights = None if self.mask is None else self._weights(self.mask, height, width)
        # A second picture of 64 million pixels would be three quarters of a gigabyte.
        result = np.empty_like(stylized) if np.may_share_memory(stylized, photo) else stylized
        for rows in bands(height, width):
            original, made = to_floats(photo[rows]), to_floats(stylized[rows])
            if self.keep_color:
                made = transfer_color(made, original)
            share = np.float32(self.strength)
            if weights is not None:
                share = share * weights[rows, :, None].astype(np.float32) / np.float32(255)
            result[rows] = in_kind(blend(original, made, share), result.dtype)
        return result

    def _weights(self, mask: Image.Image, height: int, width: int) -> npt.NDArray[np.uint8]:
        fitted = self._fitted
        if fitted is None or fitted.shape != (height, width):
            self._fitted = fitted = fit_mask(mask, height, width, feather=self.feather)
        return fitted


def blend(photo: RGB, stylized: RGB, share: npt.NDArray[np.float32] | np.float32) -> RGB:
    """From the photograph at 0 to the stylized picture at 1, both exactly.

    In sRGB as it is. Half way is then half way for the eye: 48 to 53 % of the distance in OKLab,
    on four pairs of photograph and style; in linear light, where bright pixels win, 50 to 62 %.
    """
    return (1 - share) * photo + share * stylized


def _read(mask: Mask) -> Image.Image:
    return load_mask(mask) if isinstance(mask, str | os.PathLike) else to_mask(mask)


def _check(name: str, value: float, *, least: float, most: float) -> None:
    if not least <= value <= most:
        raise InputError(f"{name} is {value}: give {least:g} to {most:g}")
