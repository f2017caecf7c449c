"""A run's folder: gone on with when it is the same run, refused when it is another."""

import json
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from graphs import save_graph
from onnx import helper

from impasto.config.settings import TrainSettings
from impasto.errors import InputError
from impasto.files import write_atomically
from impasto.training.run_dir import RunDir, disk_space_needed

Mul = helper.make_node("Mul", ["content", "half"], ["stylized"])


@pytest.fixture
def settings(tmp_path):
    return TrainSettings(name="mine", output_dir=str(tmp_path / "run"), steps=100)


def _leave_checkpoint(settings, step):
    folder = RunDir(settings)
    assert folder.prepare() is None
    torch.save({"state_dict": {}, "global_step": step}, folder.checkpoint)
    return folder


def test_the_settings_are_saved_beside_the_result(settings):
    folder = RunDir(settings)
    folder.prepare()
    assert yaml.safe_load(folder.config.read_text())["steps"] == 100
    assert folder.onnx.name == "mine.onnx"


def test_an_unfinished_run_of_the_same_settings_goes_on(settings):
    folder = _leave_checkpoint(settings, step=40)
    assert folder.prepare() == folder.checkpoint
    assert RunDir(replace(settings, workers=0, preview_every=3)).prepare() == folder.checkpoint


def test_other_settings_are_listed_and_refused(settings):
    folder = _leave_checkpoint(settings, step=40)
    before = folder.config.read_text()
    with pytest.raises(InputError, match=r"lr 0.001 there, 0.1 here.*--resume none"):
        RunDir(replace(settings, lr=0.1)).prepare()
    assert folder.config.read_text() == before
    assert RunDir(replace(settings, lr=0.1, resume="none")).prepare() is None


def test_a_run_older_than_a_setting_goes_on_where_it_did_the_same(settings):
    before = replace(settings, content_match="features", design="johnson")
    folder = _leave_checkpoint(before, step=40)
    older = yaml.safe_load(folder.config.read_text())
    assert older.pop("content_match") == "features"
    assert older.pop("design") == "johnson"
    folder.config.write_text(yaml.safe_dump(older))
    with pytest.raises(InputError, match=r"content_match features there, structure here"):
        RunDir(replace(before, content_match="structure")).prepare()
    assert RunDir(before).prepare() == folder.checkpoint


def _leave_style(folder, steps, settings):
    about = {"name": "mine", "steps": str(steps), "settings": json.dumps(asdict(settings))}
    save_graph(folder.onnx, [Mul], constants={"half": np.float32(0.5)}, metadata=about)


def test_a_finished_run_is_not_overwritten_unasked(settings):
    folder = _leave_checkpoint(settings, step=100)
    _leave_style(folder, 100, settings)
    with pytest.raises(InputError, match="finished"):
        folder.prepare()


def test_a_run_whose_style_was_not_written_is_not_finished(settings):
    folder = _leave_checkpoint(settings, step=100)
    assert folder.prepare() == folder.checkpoint
    _leave_style(folder, 90, settings)
    assert folder.prepare() == folder.checkpoint
    _leave_style(folder, 100, replace(settings, lr=0.1))  # of the run before
    assert folder.prepare() == folder.checkpoint


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def _flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # of a tensor's data: torch.load sees nothing
    path.write_bytes(content)


def _empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [_truncate, _flip_a_bit, _empty])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(settings, damage, caplog):
    folder = _leave_checkpoint(settings, step=40)
    folder.checkpoint.replace(folder.second_last)
    torch.save({"state_dict": {"a": torch.zeros(9999)}, "global_step": 60}, folder.checkpoint)
    damage(folder.checkpoint)
    other = RunDir(settings)
    assert other.prepare(writes=False) == folder.second_last  # as another process sees it
    assert other.prepare() == folder.second_last
    assert len(caplog.messages) == 2
    assert all("last.ckpt is damaged" in line for line in caplog.messages)
    assert not folder.checkpoint.exists()  # the next one must not push the good one out
    damage(folder.second_last)
    with pytest.raises(InputError, match="only damaged checkpoints: --resume none"):
        folder.prepare()


@pytest.mark.parametrize("relative", [False, True])
def test_what_a_new_run_replaces_is_kept_and_never_gone_on_from(
    settings, relative, tmp_path, monkeypatch
):
    if relative:
        monkeypatch.chdir(tmp_path)
        inside = Path(settings.output_dir).relative_to(tmp_path)
        settings = replace(settings, output_dir=str(inside))
    folder = _leave_checkpoint(settings, step=40)
    kept = folder.checkpoint.read_bytes()
    other = replace(settings, lr=0.1)
    assert RunDir(replace(other, resume="none")).prepare() is None
    assert RunDir(other).prepare() is None  # killed before its first checkpoint
    assert (folder.path / "mine.previous.ckpt").read_bytes() == kept


@pytest.mark.parametrize("text", [None, "", "steps: [", "- 1"])
def test_checkpoints_of_unknown_settings_are_not_replaced_unasked(settings, text):
    folder = _leave_checkpoint(settings, step=40)
    folder.config.unlink()
    if text is not None:
        folder.config.write_text(text)
    with pytest.raises(InputError, match=r"no readable .*config\.yaml: --resume none"):
        folder.prepare()


def test_leftovers_of_a_killed_run_are_removed(settings):
    folder = _leave_checkpoint(settings, step=40)
    names = {".last.ckpt.tmp", ".mine-x1.onnx", "hpc_ckpt_1.ckpt"}
    for name in names:
        (folder.path / name).write_text("")
    folder.prepare()
    left = {"last.ckpt", "config.yaml", "sources.json"}
    assert {item.name for item in folder.path.iterdir()} == left


def test_the_room_asked_for_is_that_of_three_checkpoints(settings):
    net = torch.nn.Linear(300, 1000, bias=False)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 300)).sum().backward()
    optimizer.step()
    folder = RunDir(settings)
    folder.prepare()
    torch.save([net.state_dict(), optimizer.state_dict()], folder.checkpoint)
    assert disk_space_needed(net.parameters()) == pytest.approx(
        3 * folder.checkpoint.stat().st_size, rel=0.01
    )


def test_a_disk_without_room_is_one_sentence(settings, monkeypatch):
    free = shutil.disk_usage("/")._replace(free=5 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    assert RunDir(settings).prepare(room=5 << 20) is None
    sentence = "run has 5.0 MB of free space, this run needs 9.0: choose another --output-dir or"
    with pytest.raises(InputError, match=sentence):
        RunDir(settings).prepare(room=9 << 20)
    torch.save({"state_dict": {}, "global_step": 40}, RunDir(settings).checkpoint)
    assert RunDir(settings).prepare(room=7 << 20)  # of three files one is there


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    settings = TrainSettings(name="a", output_dir=str(tmp_path / "file" / "run"))
    with pytest.raises(InputError, match="--output-dir"):
        RunDir(settings).prepare()


def test_a_folder_that_tensorboard_cannot_spell_is_one_sentence(tmp_path):
    settings = TrainSettings(name="a", output_dir=str(tmp_path / os.fsdecode(b"caf\xe9")))
    with pytest.raises(InputError, match="TensorBoard needs a name in UTF-8"):
        RunDir(settings).prepare()
    assert list(tmp_path.iterdir()) == []


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
    folder = RunDir(settings)
    folder.path.mkdir()
    folder.onnx.write_bytes(b"the style of before")
    folder.prepare()
    assert (folder.path / "mine.previous.onnx").read_bytes() == b"the style of before"
    assert folder.onnx.read_bytes() == b"the style of before"  # until there is a better one
