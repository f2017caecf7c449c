"""Batches travel through shared memory: as many workers as it has room for, or a sentence."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from impasto.config.settings import TrainSettings
from impasto.data import datamodule as batches
from impasto.data.datamodule import build_data, lost_readers_are_said, workers_in
from impasto.errors import InputError
from impasto.images.io import sample_photos

Usage = namedtuple("Usage", "free")
BATCH = 3 * 256 * 256 * 4  # bytes
DOCKER = 64 << 20  # bytes, unless --shm-size says more


@pytest.mark.parametrize(
    ("free", "batch", "workers"),
    [(0, 10, 0), (39, 10, 0), (40, 10, 1), (59, 10, 1), (60, 10, 2), (DOCKER, BATCH, 41)],
)
def test_each_worker_takes_two_batches_and_the_run_two(free: int, batch: int, workers: int) -> None:
    assert workers_in(free, batch=batch) == workers


def workers(monkeypatch: pytest.MonkeyPatch, free: int, **changes: object) -> int | None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free))
    monkeypatch.setattr(batches, "SHARED", Path("/"))
    monkeypatch.setattr(batches, "default_workers", lambda devices=1: 4)
    settings = TrainSettings(batch_size=4, image_size=256, **changes)  # type: ignore[arg-type]
    return build_data(settings, sample_photos()).given


def test_what_nobody_named_becomes_as_many_as_fit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="impasto")
    assert workers(monkeypatch, DOCKER) is None
    assert caplog.messages == []
    assert workers(monkeypatch, 5 * BATCH) == 1
    assert workers(monkeypatch, 1 << 20) == 0
    assert caplog.messages == [
        "/ has 3.8 MB, enough for 1 of 4 processes that read photographs",
        "/ has 1.0 MB, enough for 0 of 4 processes that read photographs",
    ]


def test_what_somebody_named_is_refused_with_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert workers(monkeypatch, 1 << 20, workers=0) == 0
    assert workers(monkeypatch, 7 * BATCH, workers=2) == 2
    with pytest.raises(InputError, match=r"has 5.2 MB, too little for --workers 3: give 2, or"):
        workers(monkeypatch, 7 * BATCH, workers=3)
    with pytest.raises(InputError, match=r"give 0, or docker run --shm-size=1g"):
        workers(monkeypatch, 7 * BATCH, workers=1, devices=4)
    with pytest.raises(InputError, match=r"/ is full: free some of it"):
        workers(monkeypatch, 4096)


LOST = [
    RuntimeError("DataLoader worker (pid 12) is killed by signal: Bus error. It is possible that"),
    RuntimeError("DataLoader worker (pid(s) 3, 4) exited unexpectedly"),
    RuntimeError("unable to allocate shared memory(shm) for file </torch_1_2>: No space left"),
    ConnectionResetError(104, "Connection reset by peer"),
    ConnectionRefusedError(111, "Connection refused"),
    EOFError(),
]


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
def test_a_worker_that_is_lost_is_one_sentence(error: Exception) -> None:
    sentence = "lost a process that read photographs"
    with pytest.raises(InputError, match=sentence), lost_readers_are_said():
        raise error
    with pytest.raises(RuntimeError, match="shapes"), lost_readers_are_said():
        raise RuntimeError("shapes do not match")
