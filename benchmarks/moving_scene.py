"""A film whose motion is known: two photographs of the package move before each other."""

from typing import NamedTuple

import cv2
import numpy as np

from impasto.images.io import load_image, sample_photos

SIDE = 180  # pixels of the round picture in front
NOISE = 2.0  # levels of 255 that every frame's pixels are off by, as a camera's are


class Truth(NamedTuple):
    """Of a frame: where each pixel was in the one before, and which were to be seen there."""

    source: np.ndarray  # (H, W, 2), x and y in pixels
    seen: np.ndarray  # (H, W), bool
    uncovered: np.ndarray  # (H, W), bool: behind the round picture in the frame before


def render(
    frames: int, *, width: int = 640, height: int = 360, noise: float = NOISE, seed: int = 0
) -> tuple[list[np.ndarray], list[Truth]]:
    """Frames, H×W×3 of bytes, and the truth about each but the first."""
    behind, front = _photo("rocket", (960, 640)), _photo("chelsea", (271, 180))[:, 45 : 45 + SIDE]
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    disc = (np.hypot(x, y) < 80).astype(np.float32)
    grid = np.stack(
        [*np.meshgrid(np.arange(width), np.arange(height)), np.ones((height, width))], -1
    )
    draw = np.random.default_rng(seed)
    made, truths = [], []
    before = None
    for time in range(frames):
        far, near = _far(time), _near(time)
        ground = _warp(behind, far, (width, height), cv2.INTER_CUBIC)
        mask = _warp(disc, near, (width, height), cv2.INTER_LINEAR)
        image = ground + mask[..., None] * (
            _warp(front, near, (width, height), cv2.INTER_CUBIC) - ground
        )
        image += draw.normal(0, noise, image.shape)
        made.append(np.clip(np.rint(image), 0, 255).astype(np.uint8))
        if before is not None:
            truths.append(_truth(grid, (far, near, mask), before))
        before = far, near, mask
    return made, truths


def _truth(grid: np.ndarray, now: tuple, before: tuple) -> Truth:
    *layers, mask = now
    *earlier, mask_before = before
    places = [
        grid @ (np.linalg.inv(old) @ new)[:2].T for new, old in zip(layers, earlier, strict=True)
    ]
    in_front = mask > 0.5
    source = np.where(in_front[..., None], places[1], places[0]).astype(np.float32)
    there = cv2.remap(mask_before, source, None, cv2.INTER_LINEAR, borderValue=-9)
    seen = np.where(in_front, there > 0.99, (there < 0.01) & (there > -1))
    whole = (mask < 0.01) | (mask > 0.99)
    return Truth(source, seen & whole, (mask < 0.01) & (there > 0.5))


def _photo(name: str, size: tuple[int, int]) -> np.ndarray:
    path = next(path for path in sample_photos() if path.stem == name)
    return cv2.resize(load_image(path) * 255, size, interpolation=cv2.INTER_AREA)


def _warp(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int], how: int) -> np.ndarray:
    edge = cv2.BORDER_REFLECT if image.shape[0] > SIDE else cv2.BORDER_CONSTANT
    flags = how | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix[:2], size, flags=flags, borderMode=edge)


def _far(time: int) -> np.ndarray:
    """From the frame to the photograph behind, which pans, turns and nears a little."""
    place = 60 + 1.3 * time + 4 * np.sin(time / 9), 40 + 8 * np.sin(time / 13)
    return _similarity(0.9 + 0.03 * np.sin(time / 20), 0.03 * np.sin(time / 17), (0, 0), place)


def _near(time: int) -> np.ndarray:
    """From the frame to the round picture, which swings from left to right and back."""
    center = 310 - 200 * np.cos(time / 14), 180 + 70 * np.sin(time / 10)
    middle = (SIDE - 1) / 2
    return _similarity(
        1 + 0.1 * np.sin(time / 11), 0.25 * np.sin(time / 15), center, (middle, middle)
    )


def _similarity(scale: float, angle: float, start: tuple, end: tuple) -> np.ndarray:
    """Scaling and turning that takes `start` to `end`, 3×3."""
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.eye(3)
    matrix[:2, :2] = turn
    matrix[:2, 2] = np.array(end) - turn @ np.array(start)
    return matrix
