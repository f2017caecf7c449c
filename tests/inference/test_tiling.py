"""What cannot be cut goes through in tiles: they cover a picture, overlap, stay small, blend."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from graphs import save_mean, save_negative

from impasto.images.io import RGB
from impasto.inference.stylizer import SHARE, Batch, Stylizer
from impasto.inference.tiling import MULTIPLE, Watch, in_tiles, unwatched

TILE = 64
OVERLAP = int(TILE * SHARE)
LARGE = [(64, 65), (65, 64), (65, 65), (112, 113), (113, 113), (200, 131), (16, 257), (700, 17)]


@pytest.fixture
def negative(tmp_path: Path) -> Stylizer:
    return Stylizer(save_negative(tmp_path / "negative.onnx"))


def tiled(stylizer: Stylizer, image: RGB, *, watch: Watch = unwatched) -> RGB:
    return in_tiles(image, stylizer._whole, tile=(TILE, TILE), share=SHARE, watch=watch)


@pytest.mark.parametrize("size", LARGE)
def test_tiles_do_not_show_where_they_need_not(negative: Stylizer, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((*size, 3), np.float32)
    stylized = tiled(negative, image)
    assert stylized.dtype == np.float32
    np.testing.assert_allclose(stylized, 1 - image, rtol=0, atol=1e-6)


def tiles_of(size: tuple[int, int], stylizer: Stylizer) -> list[tuple[range, range]]:
    """Where in a picture of a size the graph is asked, read off the pixels that it is given."""
    image = np.zeros((*size, 3), np.float32)
    image[..., :2] = np.moveaxis(np.indices(size), 0, 2)
    seen: list[tuple[range, range]] = []

    def watch(batch: Batch) -> Batch:
        (top, left), (bottom, right) = batch[0, :2, 0, 0], batch[0, :2, -1, -1]
        seen.append((range(int(top), int(bottom) + 1), range(int(left), int(right) + 1)))
        return batch

    stylizer.run = watch  # type: ignore[method-assign]
    tiled(stylizer, image)
    return seen


@pytest.mark.parametrize("size", LARGE)
def test_tiles_are_small_cover_everything_and_overlap(
    negative: Stylizer, size: tuple[int, int]
) -> None:
    tiles = tiles_of(size, negative)
    spans = [sorted({tile[axis] for tile in tiles}, key=min) for axis in (0, 1)]
    assert len(tiles) == len(set(tiles)) == len(spans[0]) * len(spans[1]) > 1
    for length, along in zip(size, spans, strict=True):
        assert (along[0].start, along[-1].stop) == (0, length)
        assert len({len(span) for span in along}) == 1
        assert len(along[0]) <= min(length, TILE)
        overlaps = [a.stop - b.start for a, b in pairwise(along)]
        assert all(OVERLAP <= overlap <= OVERLAP + 2 * MULTIPLE for overlap in overlaps)


def test_tiles_of_different_tones_blend_without_a_seam(tmp_path: Path) -> None:
    image = np.zeros((64, 232, 3), np.float32)
    image[:] = np.linspace(0, 1, 232, dtype=np.float32)[:, None]
    stylized = tiled(Stylizer(save_mean(tmp_path / "mean.onnx")), image)
    steps = np.diff(stylized[0, :, 0])
    first, last = image[0, :TILE].mean(), image[0, -TILE:].mean()
    np.testing.assert_allclose(stylized[0, [0, -1], 0], [first, last], atol=1e-6)
    assert steps.min() >= -1e-6
    assert steps.max() <= (last - first) / OVERLAP
    np.testing.assert_array_equal(stylized, np.broadcast_to(stylized[:1, :, :1], image.shape))


def test_tiles_are_counted_for_who_watches(negative: Stylizer) -> None:
    told: list[tuple[int, int]] = []
    tiled(negative, np.zeros((64, 65, 3), np.float32), watch=lambda *now: told.append(now))
    tiled(negative, np.zeros((64, 64, 3), np.float32), watch=lambda *now: told.append(now))
    assert told == [(0, 2), (1, 2), (0, 1)]
