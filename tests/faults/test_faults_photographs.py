"""Photographs for training: what cannot be read is skipped, counted and named; the odd are used."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from bad_files import HAS_HEIF, NO_HEIC, PHOTOGRAPHS, READABLE, good
from trained import save_encoder

from impasto.cli import train
from impasto.data.datamodule import PhotoDataModule
from impasto.data.dataset import RandomCropDataset
from impasto.data.verify import check_images, scan
from impasto.errors import InputError
from impasto.images.io import find_images, load_image, open_rgb
from impasto.models.vgg import EncoderWeights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As many good photographs as there are bad ones, so that just half can be read."""
    for index in range(len(PHOTOGRAPHS)):
        good(tmp_path / "photos" / f"good{index:02}.png")
    for name, (write, _) in PHOTOGRAPHS.items():
        write(tmp_path / "photos" / name)
    return tmp_path / "photos"


@contextmanager
def unprivileged() -> Iterator[None]:
    """As somebody who may not read everything, which tests that run as root may."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_one_bad_photograph_is_skipped_and_named(name: str, tmp_path: Path) -> None:
    write, said = PHOTOGRAPHS[name]
    paths = [good(tmp_path / "a.png"), tmp_path / name, good(tmp_path / "z.png")]
    write(paths[1])
    first, why, last = scan(paths, size=32, workers=0)
    assert (first, last) == (None, None)
    assert said in str(why)
    photos = RandomCropDataset(paths=paths, size=32)
    assert {tuple(photos[draw][:, 0, 0].tolist()) for draw in range(6)} == {(200, 100, 50)}
    photos.check()
    assert str(photos.report()).startswith(
        f"skipped 1 of 3 photographs, which cannot be read ({paths[1]}): "
    )


@pytest.mark.parametrize("name", READABLE)
def test_an_odd_photograph_is_used(name: str, tmp_path: Path) -> None:
    write, colour = READABLE[name]
    write(tmp_path / name)
    assert list(scan([tmp_path / name], size=32, workers=0)) == [None]
    photos = RandomCropDataset(paths=[tmp_path / name], size=32)
    pixels = photos[0].flatten(1).float()
    np.testing.assert_allclose(pixels.mean(dim=1), colour, atol=2)
    assert photos.report() is None
    image = load_image(tmp_path / name, short_side=32)
    np.testing.assert_allclose(image.mean((0, 1)) * 255, colour, atol=2)


def test_what_is_listed_is_what_can_be_told_of(folder: Path) -> None:
    listed = {path.name for path in find_images(folder)}
    assert PHOTOGRAPHS.keys() <= listed
    assert len(listed) == 2 * len(PHOTOGRAPHS)


def test_without_permission(tmp_path: Path) -> None:
    path = good(tmp_path / "secret.png")
    path.chmod(0)
    assert stat.S_IMODE(path.stat().st_mode) == 0
    with unprivileged(), pytest.raises(InputError, match=r"secret\.png: you have no permission"):
        open_rgb(path)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_scan_lists_reasons_with_counts_and_first_names(
    folder: Path, workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="impasto")
    paths = find_images(folder)
    check_images(paths, size=32, workers=workers)
    said = caplog.messages
    total = len(PHOTOGRAPHS)
    assert said[0] == f"{total} of {2 * total} photographs can be read"
    counts = [int(line.split()[0]) for line in said[1:]]
    assert sum(counts) == total
    told = "\n".join(said)
    for name, (_, why) in PHOTOGRAPHS.items():
        assert why in told, name
    heic = [str(folder / f"phone.{suffix}") for suffix in ("heic", "jpg")]
    assert HAS_HEIF or f"  2 skipped, {NO_HEIC}: {', '.join(heic)}" in said
    assert re.search(
        r"  5 skipped, it is not an image [^:]*: \S+, \S+, \S+ and 2 more\n", told + "\n"
    )


def test_more_than_half_is_an_error(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="impasto")
    (folder / "good00.png").unlink()
    paths, bad = find_images(folder), len(PHOTOGRAPHS)
    sentence = f"{bad} of {2 * bad - 1} photographs cannot be read, more than half"
    with pytest.raises(InputError, match=sentence):
        check_images(paths, size=32, workers=0)
    assert len(caplog.messages) > 5
    photos = RandomCropDataset(paths=paths, size=32)
    with pytest.raises(InputError, match=sentence):
        [photos[draw] for draw in range(2 * len(paths))]


def test_half_is_none_and_every_crop_is_of_a_good_one(folder: Path) -> None:
    data = PhotoDataModule(paths=find_images(folder), size=32, batch_size=11, workers=2)
    batches = iter(data.train_dataloader())
    for _ in range(4):  # an epoch
        batch = data.on_before_batch_transfer(next(batches), 0)
        assert torch.equal(batch.flatten(2).unique(dim=2), batch[:, :, :1, 0])
        assert {tuple(crop[:, 0, 0].tolist()) for crop in batch} == {(200, 100, 50)}
    bad = len(PHOTOGRAPHS)
    assert str(data.dataset.report()).startswith(f"skipped {bad} of {2 * bad} photographs")
    assert " and 19 more)" in str(data.dataset.report())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: EncoderWeights) -> list[str]:
    """Flags of two steps on that folder."""
    monkeypatch.chdir(tmp_path)
    save_encoder(tiny, Path("tiny.safetensors"))
    good(Path("painting.png"))
    flags = "--style painting.png --encoder tiny.safetensors --content-layers relu2_1 --photos"
    flags += " photos --steps 2 --image-size 32 --batch-size 40 --width 4 --style-layers relu1_1"
    return f"{flags} --workers 1 --precision 32 --accelerator cpu".split()


def test_a_run_among_bad_photographs(
    folder: Path,
    run: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        "impasto.export.onnx_export.export_onnx", lambda *_args, **_about: 0.0
    )  # takes long
    assert train.main([*run, "--verify-photos"]) == 0
    out = capfd.readouterr().out
    bad = len(PHOTOGRAPHS)
    assert f"{bad} of {2 * bad} photographs can be read\n" in out
    assert HAS_HEIF or "  2 skipped, it is a HEIC file" in out
    assert f"\nskipped {bad} of {2 * bad} photographs, which cannot be read (photos/" in out
    assert out.index("can be read") < out.index("learning ") < out.index("\nskipped")
    assert "learned 2 of 2 steps" in out


@pytest.mark.parametrize("flags", [["--verify-photos"], []], ids=["looked at", "found out"])
def test_a_run_among_worse_photographs(
    flags: list[str], folder: Path, run: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    for index in range(10):
        (folder / f"good{index:02}.png").unlink()
    assert train.main([*run, *flags]) == 2
    error = capfd.readouterr().err
    assert error.startswith(
        "impasto train: 22 of 34 photographs cannot be read, more than half (photos/"
    )
    assert error.count("\n") == 1
    assert Path("checkpoints").exists() != bool(
        flags
    )  # looked at, it fails before anything is made
