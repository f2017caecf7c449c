"""Crops are the same in every run, cover every photograph, and end up as float32 in [0,1]."""

import itertools
import re

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.data.datamodule import PhotoDataModule
from impasto.data.dataset import InfiniteSampler, RandomCropDataset
from impasto.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """Five photographs, each of one colour that tells which it is."""
    for index in range(5):
        Image.new("RGB", (60 + index, 40), (50 * index, 0, 255)).save(tmp_path / f"{index}.png")
    return sorted(tmp_path.glob("*.png"))


def test_a_draw_is_always_the_same_crop(folder):
    noise = np.random.default_rng(0).integers(0, 255, (80, 90, 3), np.uint8)
    Image.fromarray(noise).save(folder[0])
    one, two = (RandomCropDataset(paths=folder, size=32, seed=3) for _ in range(2))
    for draw in (0, 7, 123):
        assert torch.equal(one[draw], two[draw])
    other = RandomCropDataset(paths=folder[:1], size=32, seed=4)
    same = RandomCropDataset(paths=folder[:1], size=32, seed=3)
    assert not torch.equal(other[0], same[0])
    assert not torch.equal(same[0], same[1])  # another crop of the same photograph


def test_an_epoch_shows_every_photograph_once_and_is_shuffled(folder):
    photos = RandomCropDataset(paths=folder, size=32)
    epochs = [[int(photos[5 * e + i][0, 0, 0]) // 50 for i in range(5)] for e in range(6)]
    assert all(sorted(epoch) == [0, 1, 2, 3, 4] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_crops_are_squares_of_uint8(folder):
    crop = RandomCropDataset(paths=folder, size=48)[0]
    assert crop.shape == (3, 48, 48)
    assert crop.dtype == torch.uint8
    assert int(crop[2].min()) == 255


def test_an_unreadable_photograph_is_replaced_counted_and_named(folder):
    folder[0].write_bytes(b"not an image")
    photos = RandomCropDataset(paths=folder, size=32)
    assert photos.report() is None
    reds = {int(photos[draw][0, 0, 0]) for draw in range(10)}
    assert reds == {50, 100, 150, 200}
    photos.check()
    assert photos.report() == (
        f"skipped 1 of 5 photographs, which cannot be read ({folder[0]}): --verify-photos says why"
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_more_than_half_unreadable_is_one_sentence_wherever_they_are_read(folder, workers):
    for path in folder[:3]:
        path.write_bytes(b"not an image")
    data = PhotoDataModule(paths=folder, size=32, batch_size=5, workers=workers)
    names = ", ".join(map(str, folder[:3]))
    sentence = f"3 of 5 photographs cannot be read, more than half ({names}): name another folder"

    def learn() -> None:
        for batch in itertools.islice(data.train_dataloader(), 4):
            data.on_before_batch_transfer(batch, 0)

    with pytest.raises(InputError, match=f"^{re.escape(sentence)}"):
        learn()


def test_a_folder_without_photographs_is_refused():
    with pytest.raises(InputError, match="no photographs"):
        RandomCropDataset(paths=[], size=32)


def test_devices_share_the_draws_without_overlap():
    ranks = [
        list(itertools.islice(InfiniteSampler(start=10 + rank, stride=3), 4)) for rank in range(3)
    ]
    assert sorted(itertools.chain(*ranks)) == list(range(10, 22))


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_do_not_depend_on_the_workers(folder, workers):
    data = PhotoDataModule(paths=folder, size=32, batch_size=3, workers=workers)
    batches = list(itertools.islice(data.train_dataloader(), 2))
    expected = torch.stack([data.dataset[draw] for draw in range(6)])
    assert torch.equal(torch.cat(batches), expected)
    floats = data.on_after_batch_transfer(batches[0], 0)
    assert floats.dtype == torch.float32
    assert torch.equal(floats[:, 2], torch.ones(3, 32, 32))
