"""Read, write, find and lay out images, without torch.

An ``RGB`` is an H x W x 3 float32 array in [0, 1], C-contiguous, sRGB. Between the file and the
array stands an 8-bit Pillow image of mode "RGB", unless a file has 16 bits a color.
"""

import contextlib
import io
import os
import uuid
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto.errors import InputError
from impasto.files import check_places, unwritable
from impasto.images.color import Colors, is_srgb, to_colors
from impasto.images.decoders import Source, StrPath, opened, reason
from impasto.images.deep import deep_grey, joined, take_other_bytes
from impasto.images.encoding import encode, output_format, quantize
from impasto.images.exif import Exif, read_exif

RGB = npt.NDArray[np.float32]
_READ = "avif bmp gif heic heif jfif jp2 jpe jpeg jpg pbm pgm png pnm ppm tga tif tiff webp"
SUFFIXES = frozenset(f".{name}" for name in _READ.split())


def load_image(path: Source, *, short_side: int | None = None, max_side: int | None = None) -> RGB:
    """Read an image file or its bytes, upright and in sRGB; of an animation the first frame.

    ``short_side`` (pixels) scales up or down to exactly that shorter side; ``max_side`` (pixels)
    then only ever scales down, to at most that longer side. 16 bits a color are read in full from
    PNG and TIFF, unless a profile has to be applied or there is transparency. Raises InputError if
    the file is missing, unreadable, damaged, too large or no image.
    """
    colors, _ = open_colors(path, at_least=short_side, max_side=max_side, fine=True)
    image = colors.rgb
    size = scaled(image.size, short_side, max_side)
    if colors.fine is not None:
        return colors.fine if size == image.size else resized(colors.fine, *size[::-1])
    if size != image.size:  # otherwise it would be a copy, of a gigabyte perhaps
        image = image.resize(size, Image.Resampling.LANCZOS)
    return to_array(image)


def open_rgb(
    path: Source, *, at_least: int | None = None, max_side: int | None = None, smallest: int = 1
) -> Image.Image:
    """Read a file as `load_image` does, but into an image of mode "RGB" that is not yet scaled.

    A JPEG comes at 1/2, 1/4 or 1/8, which decodes faster, where its short side stays ``at_least``
    (pixels) long, or its long side ``max_side``. Raises InputError as `load_image`, and if a side
    is less than ``smallest`` (pixels).
    """
    return open_colors(path, at_least=at_least, max_side=max_side, smallest=smallest)[0].rgb


def open_colors(
    path: Source,
    *,
    at_least: int | None = None,
    max_side: int | None = None,
    smallest: int = 1,
    alpha: bool = False,
    fine: bool = False,
) -> tuple[Colors, Exif | None]:
    """Read a file as `open_rgb` does, with all that a picture may keep of it.

    ``alpha`` keeps transparency, which is put over white otherwise. ``fine`` also reads the lower
    half of colors of 16 bits.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files help nobody here
            with opened(path) as image:
                if min(image.size) < smallest:
                    raise InputError(f"a side is shorter than {smallest} pixels, use a larger one")
                image.draft(None, scaled(image.size, at_least, max_side))
                exif = read_exif(image)
                colors = to_colors(image, alpha=alpha)
                over_white = image.has_transparency_data and not alpha
                if fine and is_srgb(image) and not over_white:
                    colors = colors._replace(fine=_fine(path, image, colors.rgb))
                return colors, exif
    except Exception as error:  # decoders raise anything, from SyntaxError to struct.error
        name = "the picture" if isinstance(path, io.BytesIO) else path
        raise InputError(f"cannot read {name}: {reason(path, error)}") from error


def _fine(path: Source, image: Image.Image, rgb: Image.Image) -> RGB | None:
    """The pixels of a file, if they have 16 bits of which `rgb` has eight."""
    if image.mode not in ("RGB", "RGBA"):
        return deep_grey(image)
    with opened(path) as again:
        return joined(rgb, again) if take_other_bytes(again) else None


def resized(image: RGB, height: int, width: int) -> RGB:
    """H x W x 3 in [0, 1] to another size (Lanczos)."""
    planes = np.empty((height, width, 3), np.float32)
    for index in range(3):
        plane = Image.fromarray(np.ascontiguousarray(image[..., index], np.float32))
        planes[..., index] = np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS))
    return np.clip(planes, 0, 1, out=planes)


def fit_short_side(image: Image.Image, short_side: int) -> Image.Image:
    """Scale an image of mode "RGB" (Lanczos) so that its shorter side has ``short_side`` pixels.

    The longer side is rounded. Raises InputError for a strip that would grow beyond all memory.
    """
    return image.resize(scaled(image.size, short_side), Image.Resampling.LANCZOS)


def to_array(image: Image.Image) -> RGB:
    """Turn an image of mode "RGB" into an H x W x 3 float32 array in [0, 1]."""
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def to_floats(array: npt.NDArray[np.float32] | npt.NDArray[np.uint8]) -> RGB:
    """Bytes, 0 to 255, as numbers in [0,1]; these stay as they are."""
    scale = np.float32(255 if array.dtype == np.uint8 else 1)
    return array / scale if scale > 1 else array.astype(np.float32, copy=False)


def to_pil(array: RGB) -> Image.Image:
    """Turn an H x W x 3 array into an 8-bit RGB image, clipped to [0, 1] and rounded.

    One of uint8 stays as it is.
    """
    return Image.fromarray(quantize(array))


def save_image(array: RGB, path: StrPath, *, quality: int = 95, depth: Literal[8, 16] = 8) -> None:
    """Write an H x W x 3 array in [0, 1] as JPEG, PNG, WebP or TIFF, by the suffix of ``path``.

    ``quality`` (1 to 100) is for JPEG and WebP, a ``depth`` of 16 bits for PNG and TIFF. Makes
    missing folders. The file appears whole or not at all: a failure leaves the old one. Raises
    InputError if suffix or place are no good.
    """
    kind = output_format(path, depth=depth)
    with writing(path):
        write_picture(encode(quantize(array, depth=depth), kind, quality=quality), path)


def write_picture(data: bytes, path: StrPath) -> None:
    """Write the bytes of a picture so that the file appears whole or not at all.

    Makes missing folders. Raises InputError if the place is no good.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


@contextlib.contextmanager
def writing(path: StrPath) -> Iterator[None]:
    """Around making and placing a file: what is raised within becomes an InputError."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError) as error:  # ValueError: too many pixels for the format
        raise unwritable(Path(path), error) from error


def check_pictures(pictures: Iterable[StrPath], *, depth: int = 8) -> None:
    """See, before the work, that every one of these pictures can be written; makes their folders.

    Raises:
        InputError: a suffix that stands for no format or for none of so many bits, or a folder
            that cannot be made or written.
    """
    paths = [Path(picture) for picture in pictures]
    for path in paths:
        output_format(path, depth=depth)
    check_places(paths)


def find_images(folder: StrPath) -> list[Path]:
    """List the image files in a folder and all below it, see `find_files`."""
    return find_files(folder, suffixes=SUFFIXES)


def find_files(folder: StrPath, *, suffixes: Collection[str]) -> list[Path]:
    """List the files with some suffixes, in any case, in a folder and all below it, sorted.

    Skips names that start with a dot; follows links to folders, but enters each folder once. Raises
    InputError if a folder is missing or unreadable; [] is a fine answer.
    """

    def refuse(error: OSError) -> None:
        raise InputError(f"cannot list {error.filename} ({error.strerror}): name a readable folder")

    found: list[Path] = []
    seen: set[str] = set()
    for parent, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(parent)
        # os.walk goes on with what is left in this list: nothing behind a link back.
        folders[:] = sorted(f for f in folders if f[0] != "." and real not in seen)
        found += (Path(parent, f) for f in files if f[0] != "." and real not in seen)
        seen.add(real)
    return sorted(path for path in found if path.suffix.lower() in suffixes)


def sample_photos() -> list[Path]:
    """Return the paths of the photographs that come with the package, sorted by name."""
    return find_images(Path(__file__).parents[1] / "samples")


def contact_sheet(rows: Sequence[Sequence[RGB]], *, gap: int = 4) -> RGB:
    """Lay rows of images out on white, ``gap`` pixels apart: one H x W x 3 array in [0, 1].

    Rows may differ in length. Cells are as large as the largest image (there must be one).
    """
    dy, dx = (max(image.shape[i] for row in rows for image in row) + gap for i in (0, 1))
    sheet = np.ones((len(rows) * dy - gap, max(map(len, rows)) * dx - gap, 3), np.float32)
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            sheet[y * dy :, x * dx :][: image.shape[0], : image.shape[1]] = image
    return sheet


def scaled(size: tuple[int, int], short: int | None, long: int | None = None) -> tuple[int, int]:
    """Return the size for `load_image`, given the side lengths that were asked of it.

    Raises InputError for one beyond all memory.
    """
    scale = 1.0 if short is None else short / min(size)
    scale = scale if long is None else min(scale, long / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    if scale <= 0 or (scale > 1 and width * height > 2**28):  # 3 GiB as float32
        raise InputError(f"{size[0]} x {size[1]} pixels cannot be scaled that far, choose another")
    return width, height
