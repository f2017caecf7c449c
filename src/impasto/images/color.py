"""From whatever a file holds to 8-bit sRGB: depth, transparency, profiles."""

import contextlib
import functools
import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageCms, ImageOps


class Colors(NamedTuple):
    """The colors of a file, upright and without metadata."""

    rgb: Image.Image  # mode "RGB", sRGB
    alpha: Image.Image | None  # mode "L", 255 is opaque
    profile: bytes | None  # that of the file, if `from_srgb` can go back to it
    fine: npt.NDArray[np.float32] | None = None  # H×W×3 in [0,1], if `rgb` has only half the bits


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an upright 8-bit sRGB copy of mode "RGB", without metadata; see `to_colors`."""
    return to_colors(image).rgb


def to_colors(image: Image.Image, *, alpha: bool = False) -> Colors:
    """Return upright 8-bit sRGB.

    Applies the EXIF orientation and the ICC profile (a broken one is ignored), and scales deep grey
    (white: 65535, 1.0 if float, or the maximum if that is more).

    Args:
        image: of any mode, as `decoders.opened` gives it.
        alpha: keep transparency beside the colors, if there is any; otherwise it is put over white.
    """
    image.load()
    info, profile = image.info, image.info.get("icc_profile")
    with contextlib.suppress(Exception):  # a garbled EXIF block is no reason to refuse the pixels
        image = ImageOps.exif_transpose(image)
    if info.get("opaque") and image.mode in ("LA", "RGBA"):
        image = image.convert(image.mode[:-1])
    if image.mode[0] in "IF":
        image = _shallow(image)
    # Grey stays grey until the end: a grey profile cannot convert an RGB image.
    mode = {"1": "L", "L": "L", "LA": "L", "La": "L", "CMYK": "CMYK"}.get(image.mode, "RGB")
    if image.mode == "La":
        image = image.convert("LA")
    opacity = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        opacity = image.getchannel("A") if alpha else None
        paper = Image.new("RGBA", image.size, "white")
        image = matte(image) if alpha else Image.alpha_composite(paper, image)
    image = image.convert(mode)
    transform = _to_srgb(profile, image.mode) if profile else None
    image = transform(image) if transform else image.convert("RGB")
    image.info.clear()  # a profile left here would be applied again, and saved
    if opacity and opacity.getextrema() == (255, 255):
        opacity = None
    can_go_back = profile and mode == "RGB" and _from_srgb(profile)
    return Colors(image, opacity, profile if can_go_back else None)


def is_srgb(image: Image.Image) -> bool:
    """Whether numbers of an image are those of sRGB, so that `to_colors` leaves them alone."""
    profile = image.info.get("icc_profile")
    return not profile or _to_srgb(profile, "RGB" if image.mode == "RGB" else "L") is None


def matte(image: Image.Image) -> Image.Image:
    """What is behind transparency, to paint on: RGBA -> RGB.

    A pixel that shows has its own color. One that does not has the colors around it, the more
    blurred the further away they are: no outline that the picture does not have, and no dark or
    white rim on whatever the result is laid.
    """
    if not image.getchannel("A").histogram()[0]:
        return image.convert("RGB")
    if image.size == (1, 1):
        return Image.new("RGB", (1, 1), "white")
    shown = image.getchannel("A").point(lambda level: 255 if level else 0)
    smaller = image.copy()
    smaller.putalpha(shown)  # colors of little weight would be rounded away
    around = matte(smaller.reduce(2)).resize(image.size, Image.Resampling.BILINEAR)
    return Image.composite(image.convert("RGB"), around, shown)


def from_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """From 8-bit sRGB to the colors of an RGB profile, which has to be saved with them."""
    transform = _from_srgb(profile)
    return transform(image) if transform else image  # None is not for what `to_colors` returns


def _shallow(image: Image.Image) -> Image.Image:
    """Deep grey in 8 bits, with what Pillow or `decoders.opened` says is transparent."""
    info = image.info
    numbers = (
        np.asarray(image).view(info.get("numbers")) if "numbers" in info else np.asarray(image)
    )
    values = np.nan_to_num(numbers.astype(np.float32), posinf=0)
    white = info.get("white", 1.0 if image.mode == "F" else 65535.0)
    values = np.clip(values / max(white, float(values.max())), 0, 1)
    if info.get("negative"):
        values = 1 - values
    grey = Image.fromarray((values * 255 + 0.5).astype(np.uint8))
    if "transparency" not in info:
        return grey
    shown = Image.fromarray(np.where(numbers == info["transparency"], 0, 255).astype(np.uint8))
    return Image.merge("LA", (grey, shown))


@functools.lru_cache(maxsize=32)
def _from_srgb(profile: bytes) -> Callable[[Image.Image], Image.Image] | None:
    """The way back from `_to_srgb`; None for a profile that is broken, not RGB, or one way only."""
    try:
        srgb, own = ImageCms.createProfile("sRGB"), io.BytesIO(profile)
        back = ImageCms.buildTransform(srgb, own, "RGB", "RGB")
    except ImageCms.PyCMSError:
        return None
    return back.apply if _to_srgb(profile, "RGB") else lambda image: image


@functools.lru_cache(maxsize=32)
def _to_srgb(profile: bytes, mode: str) -> Callable[[Image.Image], Image.Image] | None:
    """The conversion from a profile; None if it is broken or changes next to nothing."""
    try:
        srgb, source = ImageCms.createProfile("sRGB"), io.BytesIO(profile)
        exact = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
        transform = ImageCms.buildTransform(source, srgb, mode, "RGB", flags=exact)
    except ImageCms.PyCMSError:
        return None
    if mode == "L":  # in a table of its own: what lcms makes is too coarse for dark greys
        levels = transform.apply(Image.fromarray(np.arange(256, dtype=np.uint8)[None]))
        tables = [channel.tobytes() for channel in levels.split()]
        return lambda grey: Image.merge("RGB", [grey.point(list(table)) for table in tables])
    # Most profiles are sRGB by some name. Tried on 729 colors once, they cost nothing after.
    ramp = Image.fromarray(np.indices((9, 9, 9), np.uint8).T.reshape(27, 27, 3) * 31).convert(mode)
    change = ImageChops.difference(transform.apply(ramp), ramp.convert("RGB"))
    return transform.apply if np.asarray(change).max() > 2 else None
