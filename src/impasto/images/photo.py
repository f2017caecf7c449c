"""A photograph from its file to the file of its picture: what is taken along, and in which form."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from impasto.images.color import from_srgb
from impasto.images.decoders import Source
from impasto.images.encoding import Beside, Pixels, encode
from impasto.images.exif import Exif, exif_bytes
from impasto.images.io import RGB, open_colors, resized, scaled, to_array

if TYPE_CHECKING:  # it loads a parser of flags, which an app does not need
    from impasto.config.settings import PictureSettings


@dataclass(frozen=True, kw_only=True)
class Photo:
    """Upright and in sRGB, with what its picture may keep."""

    image: Image.Image  # mode "RGB"
    alpha: Image.Image | None  # mode "L", if anything is transparent
    profile: bytes | None  # ICC, if the picture can be brought back to it
    exif: Exif | None
    fine: RGB | None = None  # H×W×3 in [0,1], if the image has only half the bits

    @property
    def pixels(self) -> RGB:
        """H×W×3 in [0,1]."""
        return to_array(self.image) if self.fine is None else self.fine

    def fit(self, short_side: int | None) -> "Photo":
        """Scaled so that the shorter side has so many pixels; None leaves it as it is.

        Raises:
            InputError: a strip that would grow beyond all memory.
        """
        size = scaled(self.image.size, short_side)
        if size == self.image.size:
            return self
        alpha = self.alpha and self.alpha.resize(size, Image.Resampling.LANCZOS)
        image = self.image.resize(size, Image.Resampling.LANCZOS)
        fine = None if self.fine is None else resized(self.fine, *size[::-1])
        return replace(self, image=image, alpha=alpha, fine=fine)


@dataclass(frozen=True, kw_only=True)
class Keep:
    """What becomes of a picture's file."""

    quality: int = 95  # of JPEG and WebP, 1 to 100
    depth: int = 8  # bits a color; 16 for PNG and TIFF
    profile: bool = False  # the photograph's instead of sRGB
    exif: bool = True
    gps: bool = False

    @classmethod
    def chosen(cls, settings: "PictureSettings") -> "Keep":
        """As the flags say."""
        return cls(
            quality=settings.quality,
            depth=settings.depth,
            profile=settings.keep_profile,
            exif=not settings.strip,
            gps=settings.keep_gps,
        )


def read_photo(
    source: Source,
    *,
    at_least: int | None = None,
    alpha: bool = True,
    smallest: int = 1,
    fine: bool = False,
) -> Photo:
    """Read an image file or its bytes.

    Args:
        source: a file, or what one would hold.
        at_least: the short side is not needed longer than that, which may decode faster.
        alpha: keep transparency; colors are then those of `color.matte`, otherwise over white.
        smallest: pixels that the short side must have.
        fine: read all of 16 bits a color, where `load_image` does.

    Raises:
        InputError: the file is missing, unreadable, damaged, too large or small, or no image.
    """
    colors, exif = open_colors(source, at_least=at_least, alpha=alpha, smallest=smallest, fine=fine)
    return Photo(
        image=colors.rgb,
        alpha=colors.alpha,
        profile=colors.profile,
        exif=exif,
        fine=colors.fine,
    )


def picture_bytes(photo: Photo, pixels: Pixels, kind: str, *, keep: Keep) -> bytes:
    """The file of a picture that was made from a photograph.

    Args:
        photo: what it was made from.
        pixels: H×W×3 as `quantize` returns them, sRGB, of the same size.
        kind: JPEG, PNG, WEBP or TIFF.
        keep: quality, depth, and what is taken along.

    Raises:
        OSError, ValueError: more pixels than the format takes.
    """
    height, width = pixels.shape[:2]
    profile = photo.profile if keep.profile else None
    if profile:
        pixels = np.asarray(from_srgb(Image.fromarray(pixels), profile))
    exif = photo.exif if keep.exif else None
    beside = Beside(
        alpha=None if photo.alpha is None else np.asarray(photo.alpha),
        profile=profile,
        exif=exif_bytes(exif, size=(width, height), gps=keep.gps, srgb=not profile),
    )
    return encode(pixels, kind, quality=keep.quality, beside=beside)
