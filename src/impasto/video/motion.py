"""What moved where between two frames, and where that can be trusted."""

from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]  # H×W×3, RGB
Field = npt.NDArray[np.float32]

FLOW_SIDE = 480  # pixels: the flow of larger frames is computed at this short side
SMALLEST = 32  # pixels: the flow of smaller frames is not worth it
WINDOW = 5  # pixels: differences are averaged over such a square, and trust is feathered by it
UNTRUSTED = (
    7.65  # levels of 255 by which a pixel may differ from where it was until nothing is left
)
FALLOFF = 5.1  # levels below that at which trust is whole
NOISE = 6.0  # levels, at most: where frames differ by more than that everywhere, it is no noise
MISPLACED = 0.5  # pixels that the flow may be off, which shows where there are edges
CROWDED = 1.8  # pixels that come from one place, at which trust is gone
UNCROWDED = 1.5  # and those up to which it is whole
NEIGHBORS = 9  # pixels: they are counted in such a square
SPACING = 16  # pixels between the places that the motion of the camera is found from
ON_CAMERA = 1.0  # pixels that they may be off it
WORSE, LEVELS = 1.15, 0.3  # the camera explains a pixel if it differs by this many times what it
# does by the flow, and so many levels
SPECKLE = 9  # pixels: such differences are averaged over that square, and smaller spots ignored
CUT = 0.4  # mean trust below which it is another scene


class Motion(NamedTuple):
    """Between a frame and the one before.

    `source` (H, W, 2) says for each pixel where it was, x and y in pixels; `trust` (H, W) in [0,1]
    whether it looked the same there.
    """

    source: Field
    trust: Field


def motion_between(before: Pixels, now: Pixels) -> Motion:
    """Estimate the motion between two frames of the same size.

    The flow is dense inverse search (Kroeger et al. 2016). Unlike Ruder et al. 2016 we do not
    compare it with the flow the other way round, which would cost as much again: a pixel is trusted
    where it has the color that it had, and does not share its place with others.
    """
    height, width = now.shape[:2]
    source = flow(before, now)
    source += _places(height, width)
    carried = cv2.remap(before, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    difference = _smooth(cv2.transform(cv2.absdiff(now, carried), np.full((1, 3), 1 / 3)))
    trust = trusted(difference, gradient=_gradient(now), noise=float(np.median(difference)))
    trust *= _inside(source) * _unshared(source)
    trust = _smooth(trust)
    return Motion(source, trust if trust.mean() > CUT else np.zeros_like(trust))


def flow(before: Pixels, now: Pixels) -> Field:
    """From each pixel of `now` to where it was: (H, W, 2), x and y in pixels."""
    height, width = now.shape[:2]
    if min(height, width) < SMALLEST:
        return np.zeros((height, width, 2), np.float32)
    scale = min(1.0, FLOW_SIDE / min(height, width))
    small = (round(width * scale), round(height * scale))
    pair = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (now, before)]
    pair = [cv2.GaussianBlur(gray, (WINDOW, WINDOW), 1) for gray in pair]  # noise has no motion
    if scale < 1:
        pair = [cv2.resize(gray, small, interpolation=cv2.INTER_AREA) for gray in pair]
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    found: Any = with_camera(search.calc(*pair, None), *pair)
    if scale < 1:
        found = cv2.resize(found, (width, height)) / np.float32(scale)
    return found


def with_camera(found: Field, now: Pixels, before: Pixels) -> Field:
    """The motion of the camera wherever that explains a frame as well as its flow does.

    In what is plain, such as a sky, there is nothing for the flow to hold on to: it takes part in
    the motion of whatever passes in front, and would drag strokes along.

    Args:
        found: (H, W, 2), the flow.
        now: (H, W), gray.
        before: (H, W).

    Returns:
        (H, W, 2).
    """
    height, width = now.shape
    grid = _places(height, width)
    places = grid[SPACING // 2 :: SPACING, SPACING // 2 :: SPACING]
    moved = places + found[SPACING // 2 :: SPACING, SPACING // 2 :: SPACING]
    pair = [each.reshape(-1, 2) for each in (places, moved)]
    similarity, _ = cv2.estimateAffinePartial2D(*pair, ransacReprojThreshold=ON_CAMERA)
    if similarity is None:
        return found
    camera = cv2.transform(grid, similarity.astype(np.float32))
    by_flow, by_camera = (_difference(now, before, place) for place in (grid + found, camera))
    as_good = (by_camera <= by_flow * WORSE + LEVELS).astype(np.float32)
    share = _smooth(cv2.medianBlur(as_good, 5))[..., None]
    camera -= grid
    camera -= found
    camera *= share
    camera += found
    return camera


def _places(height: int, width: int) -> Field:
    """(H, W, 2): where each pixel is, x and y."""
    return np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in (width, height))), -1)


def _difference(now: Pixels, before: Pixels, source: Field) -> Field:
    carried = cv2.remap(before, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    difference = cv2.absdiff(now, carried).astype(np.float32)
    return cv2.blur(difference, (SPECKLE, SPECKLE))


def trusted(difference: Field, *, gradient: Field, noise: float) -> Field:
    """How far pixels may be taken for those they are said to be, in [0,1].

    Args:
        difference: between them, in levels of 255.
        gradient: of the frame, levels a pixel: at an edge a slight error of place differs much.
        noise: what pixels that are the same differ by, levels.
    """
    allowed = UNTRUSTED + min(noise, NOISE) + MISPLACED * gradient
    return np.clip((allowed - difference) / FALLOFF, 0, 1).astype(np.float32)


def blend(now: Field, before: Field, motion: Motion, *, weight: float) -> Field:
    """Mix what was before into a picture, carried to where it is now.

    Args:
        now: (H, W, 3).
        before: (H, W, 3), what this function returned for the frame before.
        motion: between the two.
        weight: of `before` where trust is whole, in [0,1).

    Returns:
        (H, W, 3), within [0,1].
    """
    place = motion.source
    carried = cv2.remap(before, place, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    carried -= now
    carried *= (weight * motion.trust)[..., None]
    carried += now
    return np.clip(carried, 0, 1, out=carried)


def _gradient(frame: Pixels) -> Field:
    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    across, down = (cv2.Sobel(gray, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1)))
    return _smooth(cv2.magnitude(across, down))


def _inside(source: Field) -> Field:
    height, width = source.shape[:2]
    x, y = source[..., 0], source[..., 1]
    within = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return within.astype(np.float32)


def _unshared(source: Field) -> Field:
    """0 where pixels crowd at the place they are said to come from, 1 elsewhere.

    What something that moves uncovers was nowhere to be seen before, so it shares its neighbors'
    place: without this it would be a smear behind whatever moves over a plain ground.
    """
    height, width = source.shape[:2]
    x = np.clip(np.rint(source[..., 0]), 0, width - 1).astype(np.int64)
    y = np.clip(np.rint(source[..., 1]), 0, height - 1).astype(np.int64)
    count = np.bincount((y * width + x).ravel(), minlength=height * width)
    mean = cv2.blur(count.reshape(height, width).astype(np.float32), (NEIGHBORS, NEIGHBORS))
    crowd = cv2.remap(mean, source, None, cv2.INTER_LINEAR)
    return np.clip((CROWDED - crowd) / (CROWDED - UNCROWDED), 0, 1)


def _smooth(values: Any) -> Field:
    return cv2.blur(np.asarray(values, np.float32), (WINDOW, WINDOW))
