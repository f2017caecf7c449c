"""Less flicker, in two places: less noise before the network, and a memory behind it.

A network that stylizes frame by frame turns the noise of a camera, and shifts of less than a pixel,
into other strokes every time. So each frame is averaged with those before it, carried along with
what moves, before it is stylized; and each stylized frame with the stylized ones before it. Where
something new appears nothing is averaged (see `motion.trusted`), so that nothing leaves a ghost.
The second half is Ruder et al. 2016's temporal consistency, as a filter instead of a loss.
"""

from typing import NamedTuple

import numpy as np

from impasto.images.io import RGB, to_floats
from impasto.video.motion import Motion, Pixels, blend, motion_between


class Prepared(NamedTuple):
    """A frame for the network: the image H×W×3 in [0,1], and what moved since the last one."""

    image: RGB
    motion: Motion | None


class InputAverage:
    """The running average of the frames, which has less noise than each of them."""

    def __init__(self, weight: float, *, mean: RGB | None = None) -> None:
        """`weight` in [0,1) of what was before, which `mean` is; 0 leaves frames alone."""
        self.weight = weight
        self.mean = mean

    def __call__(self, frame: Pixels) -> Prepared:
        """The next frame, H×W×3 of bytes."""
        image = to_floats(frame)
        motion = None
        if self.weight and self.mean is not None:
            # against the average, not the last frame: only one of the two is noisy then
            motion = motion_between(np.rint(self.mean * 255).astype(np.uint8), frame)
            image = blend(image, self.mean, motion, weight=self.weight)
        self.mean = image
        return Prepared(image, motion)


class OutputAverage:
    """The running average of the stylized frames."""

    def __init__(self, weight: float, *, mean: RGB | None = None) -> None:
        """As above."""
        self.weight = weight
        self.mean = mean

    def __call__(self, stylized: RGB, motion: Motion | None) -> RGB:
        """The next frame, stylized, and what moved since the last one."""
        if motion is not None and self.mean is not None:
            stylized = blend(stylized, self.mean, motion, weight=self.weight)
        self.mean = stylized
        return stylized
