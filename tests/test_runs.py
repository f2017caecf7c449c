"""A run's folder: gone on with when it is the same run, refused when it is another."""

from dataclasses import replace

import pytest
import torch
import yaml

from impasto.errors import InputError
from impasto.runs import RunFolder, write_atomically
from impasto.settings import TrainSettings


@pytest.fixture
def settings(tmp_path):
    return TrainSettings(name="mine", output_dir=str(tmp_path / "run"), steps=100)


def _leave_checkpoint(settings, step):
    folder = RunFolder(settings)
    assert folder.prepare() is None
    torch.save({"state_dict": {}, "global_step": step}, folder.checkpoint)
    return folder


def test_the_settings_are_saved_beside_the_result(settings):
    folder = RunFolder(settings)
    folder.prepare()
    assert yaml.safe_load(folder.config.read_text())["steps"] == 100
    assert folder.onnx.name == "mine.onnx"


def test_an_unfinished_run_of_the_same_settings_goes_on(settings):
    folder = _leave_checkpoint(settings, step=40)
    assert folder.prepare() == folder.checkpoint
    assert RunFolder(replace(settings, workers=0, preview_every=3)).prepare() == folder.checkpoint


def test_other_settings_are_listed_and_refused(settings):
    folder = _leave_checkpoint(settings, step=40)
    before = folder.config.read_text()
    with pytest.raises(InputError, match=r"lr 0.001 there, 0.1 here.*--resume none"):
        RunFolder(replace(settings, lr=0.1)).prepare()
    assert folder.config.read_text() == before
    assert RunFolder(replace(settings, lr=0.1, resume="none")).prepare() is None


def test_a_finished_run_is_not_overwritten_unasked(settings):
    folder = _leave_checkpoint(settings, step=100)
    with pytest.raises(InputError, match="finished"):
        folder.prepare()


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    settings = TrainSettings(name="a", output_dir=str(tmp_path / "file" / "run"))
    with pytest.raises(InputError, match="--output-dir"):
        RunFolder(settings).prepare()


def test_a_failing_write_keeps_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_a_style_that_will_be_replaced_is_kept(settings):
    folder = RunFolder(settings)
    folder.path.mkdir()
    folder.onnx.write_bytes(b"the style of before")
    folder.prepare()
    assert (folder.path / "mine.previous.onnx").read_bytes() == b"the style of before"
    assert folder.onnx.read_bytes() == b"the style of before"  # until there is a better one
