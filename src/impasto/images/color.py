"""From whatever a file holds to 8-bit sRGB: depth, transparency, profiles."""

import contextlib
import functools
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageOps


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an upright 8-bit sRGB copy of mode "RGB", without metadata.

    Applies the EXIF orientation and the ICC profile (a broken one is ignored), puts transparency
    over white, and scales deep grey (white: 65535, 1.0 if float, or the maximum if that is more).
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
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image.convert("RGBA"))
    image = image.convert(mode)
    transform = _to_srgb(profile, image.mode) if profile else None
    image = transform(image) if transform else image.convert("RGB")
    image.info.clear()  # a profile left here would be applied again, and saved
    return image


def _shallow(image: Image.Image) -> Image.Image:
    """Deep grey in 8 bits, white where Pillow or `decoders.opened` says that it is transparent."""
    info = image.info
    numbers = (
        np.asarray(image).view(info.get("numbers")) if "numbers" in info else np.asarray(image)
    )
    values = np.nan_to_num(numbers.astype(np.float32), posinf=0)
    white = info.get("white", 1.0 if image.mode == "F" else 65535.0)
    values = np.clip(values / max(white, float(values.max())), 0, 1)
    if info.get("negative"):
        values = 1 - values
    if "transparency" in info:
        values[numbers == info["transparency"]] = 1
    return Image.fromarray((values * 255 + 0.5).astype(np.uint8))


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
