"""What goes wrong in stylized pictures, as numbers: grids, weaves, frames, blobs.

Every probe takes pictures as H×W×3 in [0,1] and means little by itself: compare it with its value
on the photograph, which has no artifacts but edges and textures of its own.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from impasto.images.io import RGB

Plane = npt.NDArray[np.float64]

PATCH = 32  # pixels, for grids
WINDOW = 64  # pixels, for weaves
FLAT = 0.25  # of the patches: those in which the photograph has the least contrast
BAND = 8  # pixels
BLOCK = 8  # pixels
WEAVE_PERIODS = 3.0, 16.0  # pixels


def grid(stylized: RGB, photo: RGB, *, period: int) -> float:
    """Energy at a period, across and down, over that of its neighbors; 1: no grid.

    On the patches in which the photograph is flat, where nothing else has that period. The
    neighbors are the frequencies two bins of PATCH pixels away.
    """
    luminance = _luminance(stylized)
    patches = list(_patches(_luminance(photo), PATCH))
    contrast = [float(_luminance(photo)[patch].std()) for patch in patches]
    flattest = np.argsort(contrast)[: max(1, round(FLAT * len(patches)))]
    spectrum = np.mean([_spectrum(luminance[patches[index]]) for index in flattest], axis=0)
    at = PATCH // period
    beside = [at - 2, at + 2] if at + 2 <= PATCH // 2 else [at - 2]

    def on_axes(frequency: int) -> float:
        return float(spectrum[frequency, 0] + spectrum[0, frequency])

    return on_axes(at) / float(np.mean([on_axes(frequency) for frequency in beside]))


def weave(picture: RGB) -> float:
    """Highest peak over its ring's median in the mean local spectrum; 1: no direction stands out.

    Over periods of 3 to 16 pixels, in every direction: a texture that repeats itself all over the
    picture makes a peak, strokes that follow the content do not.
    """
    luminance = _luminance(picture)
    spectra = []
    for window in _patches(luminance, WINDOW):
        power = _spectrum(luminance[window])
        spectra.append(power / power.sum())
    spectrum = np.mean(spectra, axis=0)
    frequency = np.fft.fftfreq(WINDOW) * WINDOW
    radius = np.hypot(frequency[:, None], frequency[None, :])
    highest = 1.0
    for ring in range(round(WINDOW / WEAVE_PERIODS[1]), round(WINDOW / WEAVE_PERIODS[0]) + 1):
        values = spectrum[np.abs(radius - ring) < 0.5]
        highest = max(highest, float(values.max() / np.median(values)))
    return highest


def border(picture: RGB) -> float:
    """Mean difference of the outermost BAND pixels from the two bands beside them, 0..1."""
    differences = []
    turned = picture.transpose(1, 0, 2)
    for side in (picture, picture[::-1], turned, turned[::-1]):
        outside, beside = (band.mean(axis=(0, 1)) for band in (side[:BAND], side[BAND : 3 * BAND]))
        differences.append(float(np.abs(outside - beside).mean()))
    return float(np.mean(differences))


def blobs(picture: RGB) -> float:
    """Share of the area that is black or white throughout blocks of BLOCK pixels, 0..1."""
    height, width = (side // BLOCK * BLOCK for side in picture.shape[:2])
    blocks = picture[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3)
    black, white = blocks.max(axis=(1, 3, 4)) < 0.05, blocks.min(axis=(1, 3, 4)) > 0.95
    return float((black | white).mean())


def _luminance(picture: RGB) -> Plane:
    luminance: Plane = picture.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return luminance


def _patches(plane: Plane, side: int) -> Iterator[tuple[slice, slice]]:
    """Squares that overlap by half."""
    for top in range(0, plane.shape[0] - side + 1, side // 2):
        for left in range(0, plane.shape[1] - side + 1, side // 2):
            yield slice(top, top + side), slice(left, left + side)


def _spectrum(patch: Plane) -> Plane:
    """Power without the mean, under a Hann window."""
    window = np.hanning(len(patch))
    power = np.abs(np.fft.fft2((patch - patch.mean()) * np.outer(window, window))) ** 2
    return np.asarray(power + 1e-12, np.float64)


# By the names under which tables have them: (stylized, photo) -> number.
PROBES: dict[str, Callable[[RGB, RGB], float]] = {
    "grid 2": partial(grid, period=2),
    "grid 4": partial(grid, period=4),
    "grid 8": partial(grid, period=8),
    "weave": lambda stylized, photo: weave(stylized),
    "border": lambda stylized, photo: border(stylized),
    "blobs": lambda stylized, photo: blobs(stylized),
}
