"""Regions of paintings: the same in every run, sharp, in turned colors, paired anew every epoch."""

import itertools
import math
import re

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.config.settings import TrainAnySettings
from impasto.data import paintings as module
from impasto.data.datamodule import DrawsDataModule, build_data
from impasto.data.dataset import RandomCropDataset
from impasto.data.paintings import LEAST_SHARE, PaintingDataset, Pair, PairDataset, turn_hues
from impasto.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """Six paintings of noise, each as bright as it is late."""
    for index in range(6):
        noise = np.random.default_rng(index).integers(0, 40, (50, 60, 3), np.uint8)
        Image.fromarray(noise + np.uint8(40 * index)).save(tmp_path / f"{index}.png")
    return sorted(tmp_path.glob("*.png"))


def number(region: torch.Tensor) -> int:
    """Of the painting in `folder`; turning hues leaves the mean of colors about as it is."""
    return int(region.float().mean() // 40)


def test_a_draw_is_always_the_same_region_and_another_one_every_time(folder):
    one, two = (PaintingDataset(paths=folder[:1], size=24, seed=3) for _ in range(2))
    for draw in (0, 7, 10**7):
        assert torch.equal(one[draw], two[draw])
    assert len({one[draw].numpy().tobytes() for draw in range(8)}) == 8
    assert one[0].shape == (3, 24, 24)
    assert one[0].dtype == torch.uint8
    other = PaintingDataset(paths=folder[:1], size=24, seed=4)
    assert not torch.equal(other[0], one[0])


def test_an_epoch_shows_every_painting_once(folder):
    paintings = PaintingDataset(paths=folder, size=24)
    epochs = [tuple(number(paintings[6 * epoch + i]) for i in range(6)) for epoch in range(4)]
    assert all(sorted(epoch) == list(range(6)) for epoch in epochs)
    assert len(set(epochs)) > 1


def test_small_regions_are_read_large_enough_to_be_sharp(folder, monkeypatch):
    asked, opened = [], module.open_rgb
    monkeypatch.setattr(
        module, "open_rgb", lambda path, at_least, **_: asked.append(at_least) or opened(path)
    )
    paintings = PaintingDataset(paths=folder, size=100)
    for draw in range(40):
        paintings[draw]
    assert 100 <= min(asked) < 120
    assert 250 < max(asked) <= 100 / LEAST_SHARE + 1


def test_half_of_the_regions_are_in_their_own_colors(tmp_path):
    Image.new("RGB", (40, 40), (200, 40, 0)).save(tmp_path / "red.png")
    paintings = PaintingDataset(paths=[tmp_path / "red.png"], size=16)
    own = sum(paintings[draw][:, 0, 0].tolist() == [200, 40, 0] for draw in range(200))
    assert 75 <= own <= 125


def test_turned_hues():
    image = np.random.default_rng(0).integers(60, 190, (4, 5, 3)).astype(np.uint8)
    third = turn_hues(image, 2 * math.pi / 3)
    assert np.abs(third.astype(int) - image[..., [2, 0, 1]]).max() <= 1  # red becomes green
    assert np.abs(turn_hues(image, 2 * math.pi).astype(int) - image).max() <= 1
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.array_equal(turn_hues(grey, 1.0), grey)
    turned = turn_hues(image, 0.5).astype(int)
    assert np.abs(turned.sum(2) - image.astype(int).sum(2)).max() <= 2
    assert turn_hues(np.uint8([[[255, 0, 0]]]), math.pi).tolist() == [[[0, 170, 170]]]


def test_unreadable_paintings_are_counted_and_told_from_photographs(folder):
    folder[0].write_bytes(b"not an image")
    paintings = PaintingDataset(paths=folder, size=24)
    assert {number(paintings[draw]) for draw in range(12)} == {1, 2, 3, 4, 5}
    assert paintings.report() == (
        f"skipped 1 of 6 paintings, which cannot be read ({folder[0]}): --verify-photos says why"
    )
    for path in folder[:4]:
        path.write_bytes(b"not an image")
    data = build_data(TrainAnySettings(image_size=32, workers=0), folder[4:], folder)
    sentence = f"4 of 6 paintings cannot be read, more than half ({', '.join(map(str, folder[:3]))}"
    with pytest.raises(InputError, match=re.escape(sentence) + r".*with --paintings"):
        list(itertools.islice(data.train_dataloader(), 4))


def test_a_folder_without_paintings_is_refused():
    with pytest.raises(InputError, match="no paintings"):
        PaintingDataset(paths=[], size=32)


def test_as_many_photographs_do_not_meet_the_same_paintings_again(folder):
    photos = RandomCropDataset(paths=folder, size=24)
    paintings = PaintingDataset(paths=folder, size=24)
    pairs = PairDataset(photos=photos, paintings=paintings)
    met = [[number(images) for images in pairs[draw]] for draw in range(24)]
    assert len({tuple(pair) for pair in met}) > 12
    assert torch.equal(pairs[5].content, photos[5])
    assert torch.equal(pairs[5].style, paintings[5])


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_pairs_do_not_depend_on_the_workers(folder, workers):
    photos = RandomCropDataset(paths=folder, size=24)
    dataset = PairDataset(photos=photos, paintings=PaintingDataset(paths=folder, size=24))
    data = DrawsDataModule(dataset=dataset, batch_size=3, workers=workers)
    first, second = itertools.islice(data.train_dataloader(), 2)
    assert isinstance(second, Pair)
    for place, name in enumerate(Pair._fields):
        expected = torch.stack([dataset[draw][place] for draw in range(3, 6)])
        assert torch.equal(getattr(second, name), expected)
    floats = data.on_after_batch_transfer(data.on_before_batch_transfer(first, 0), 0)
    assert isinstance(floats, Pair)
    assert torch.equal(floats.style, first.style.float() / 255)
    folder[0].write_bytes(b"not an image")
    fresh = PairDataset(
        photos=RandomCropDataset(paths=folder, size=24),
        paintings=PaintingDataset(paths=folder[1:], size=24),
    )
    data = DrawsDataModule(dataset=fresh, batch_size=6, workers=workers)
    next(iter(data.train_dataloader()))
    assert [line[:34] for line in data.report()] == ["skipped 1 of 6 photographs, which "]
