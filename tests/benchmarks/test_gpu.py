"""benchmarks/gpu.py: the whole of it in miniature, and what becomes of pieces that go wrong."""

import json
import os
import subprocess
import sys
import time
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from trained import save_encoder, save_style

from impasto.config.parser import to_yaml
from impasto.images.io import load_image, save_image
from impasto.inference.any_style import AnyStyle
from impasto.inference.stylizer import Stylizer
from impasto.models.pretrained import random_weights

ROOT = Path(__file__).parents[2]
MODULES = (
    "gpu",
    "gpu_speed",
    "gpu_styles",
    "gpu_training",
    "pieces",
    "train_speed",
    "data_speed",
    "textbook",
)


@pytest.fixture
def gpu(monkeypatch):
    """The module, without what takes seconds: exporting an untrained network, torch.compile."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import gpu
    import gpu_speed

    def export(net, path, *, metadata):
        save_style(path, dict(metadata))

    monkeypatch.setattr(gpu_speed, "export_onnx", export)
    torch.compiler.set_stance("force_eager")
    yield gpu
    torch.compiler.set_stance("default")
    for name in (*MODULES, "timing"):
        sys.modules.pop(name, None)


@pytest.fixture
def pieces(gpu):
    import pieces

    return pieces


@pytest.fixture
def flags(tmp_path, monkeypatch):
    """A run of a few steps in an empty folder: one painting, two photographs, a tiny encoder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUT", str(tmp_path / "home"))
    Path("home").mkdir()
    rng = np.random.default_rng(0)
    for name in ("paintings/a b.png", "photos/1.png", "photos/2.png"):
        Path(name).parent.mkdir(exist_ok=True)
        save_image(rng.random((40, 48, 3), dtype=np.float32), name)
    blocks = [[4, 4], [4, 4], [4, 4, 4], [4, 4, 4]]
    save_encoder(random_weights(name="tiny", blocks=blocks), Path("tiny.safetensors"))
    words = "--accelerator cpu --miniature --encoder tiny.safetensors"
    words += " --minutes 60 --style-minutes 60"  # on whatever machine: its own steps end it
    return [*words.split(), "--paintings", "paintings", "--photos", "photos", "--output", "out"]


def test_in_miniature_all_of_it_runs_and_a_second_call_finds_it_done(gpu, flags, capsys) -> None:
    flags += ["--any", "paintings"]
    assert gpu.main([*flags, "--commit", "abc"]) == 0
    found = {path.stem: json.loads(path.read_text()) for path in Path("out").glob("*.json")}
    names = {"train-eager", "train-graphs", "train-any", "train-compiled-2", "stylizing", "loading"}
    assert found.keys() == names | {"style-a_b", "any"}
    assert {values["machine"]["commit"] for values in found.values()} == {"abc"}
    assert {"failed" in values for values in found.values()} == {False}
    eager = found["train-eager"]["rows"]
    assert [row["variant"] for row in eager] == [
        "textbook, float32",
        "ours, the textbook's network",
        "ours",
    ]
    for row in eager:
        assert row["seconds_for_160000"] == pytest.approx(
            160000 / row["images_per_second"], rel=0.1
        )
    assert ["failed" in row for row in found["train-compiled-2"]["rows"]] == [False, True]
    assert [row["failed"] for row in found["train-graphs"]["rows"]] == [
        "InputError: a CUDA graph needs CUDA, not cpu"
    ]
    assert found["train-any"]["rows"][0]["images_per_second"] > 0
    assert found["any"]["steps"] == "2"
    assert found["any"]["terms"]["style"] > 0
    assert AnyStyle("out/styles/any/any.onnx").vector(np.zeros((20, 20, 3), np.float32)).size > 0
    style = found["style-a_b"]
    assert (style["steps"], style["encoder"]) == ("2", "tiny.safetensors")
    assert style["terms"]["content"] > 0
    assert Stylizer(f"out/styles/{style['onnx']}").metadata["steps"] == "2"
    assert load_image("out/styles/a_b/a_b.jpg").shape[0] == 2 * 320 + 4
    with zipfile.ZipFile("home/gpu.zip") as archive:
        assert {"report.md", "style-a_b.json", "styles/a_b/a_b.onnx"} <= set(archive.namelist())
        assert {"styles/any/any.onnx", "styles/any/any.encoder.onnx", "styles/any/any.jpg"} <= set(
            archive.namelist()
        )
        assert {"styles/a_b/config.yaml", "styles/a_b/sources.json"} <= set(archive.namelist())
        assert "styles/a_b/last.ckpt" not in archive.namelist()
    capsys.readouterr()
    before = {path: path.stat().st_mtime_ns for path in Path("out").glob("*.json")}
    assert gpu.main(flags) == 0
    assert {path: path.stat().st_mtime_ns for path in Path("out").glob("*.json")} == before
    assert capsys.readouterr().out.count(": is there") == 8


def test_it_starts_as_the_command_that_its_help_names(tmp_path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks/gpu.py"), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--miniature" in done.stdout


def test_without_a_gpu_and_not_in_miniature_it_says_what_to_give(gpu, capsys) -> None:
    assert gpu.main(["--accelerator", "cpu"]) == 2
    assert "--accelerator cpu --miniature" in capsys.readouterr().err


def test_a_style_that_was_stopped_goes_on_with_its_own_settings(
    gpu, pieces, flags, monkeypatch
) -> None:
    import gpu_styles

    seen, codes = [], [143, 0]

    def learn(settings) -> int:
        seen.append(settings)
        folder = Path(settings.output_dir)
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(to_yaml(settings))
        about = {"name": "x", "steps": "7", "minutes": "0.5", "loss": '{"style": 0.25}'}
        save_style(folder / "x.onnx", about | {"encoder": "lite", "encoder_sha256": "0"})
        return codes.pop(0)

    monkeypatch.setattr(gpu_styles.train, "learn", learn)
    painting, note = Path("paintings/x.png"), pieces.Note(Path("style-x.part.json"))
    Path("paintings/a b.png").rename(painting)
    more = {"painting": painting, "folder": Path("x"), "flags": ["--seed", "3"]}
    with pytest.raises(pieces.UnfinishedError):
        gpu_styles.learn(note, **more, minutes=2.0, deadline=time.time() + 90)
    assert 0 < seen[0].minutes <= 1  # of the 1.5 that are left, 30 s for the rest
    assert Path("x/x.jpg").is_file()
    gpu_styles.learn(note, **more, minutes=2.0, deadline=time.time() + 900)
    assert seen[1] == seen[0]
    assert (note.values["steps"], note.values["terms"]) == ("7", {"style": 0.25})
    gpu_styles.learn(note, **more, minutes=2.0, deadline=time.time() + 900)
    assert len(seen) == 2  # learned already; only the sheet was drawn again


def dies(note) -> None:
    note.row(n=1)
    os._exit(3)


def raises(note) -> None:
    raise RuntimeError("out of\nmemory")


def sleeps(note) -> None:
    note.row(n=1)
    time.sleep(60)


def counts(note) -> None:
    note.row(n=1)


def goes_on(pieces, note) -> None:
    note(times=note.values.get("times", 0) + 1)
    if note.values["times"] == 1:
        raise pieces.UnfinishedError


def run(pieces, work, folder, *, deadline=60.0, **more) -> dict:
    """One piece; what it left."""
    one = pieces.Piece(name="x", work=work, grace=0.5, **more)
    deadline = time.time() + deadline
    list(pieces.run_all([one], folder, about={"device": "d"}, deadline=deadline, say=str))
    (left,) = folder.glob("*.json")
    values = json.loads(left.read_text())
    assert values.pop("machine") == {"device": "d"}
    return {left.name: values}


def test_what_goes_wrong_in_a_piece_is_noted_and_what_it_found_kept(pieces, tmp_path) -> None:
    expected = {
        dies: {"rows": [{"n": 1}], "failed": "its process ended with code 3"},
        raises: {"failed": "RuntimeError: out of memory"},
        counts: {"rows": [{"n": 1}]},
    }
    for work, values in expected.items():
        folder = tmp_path / work.__name__
        folder.mkdir()
        assert run(pieces, work, folder) == {"x.json": values}


def test_a_piece_that_hangs_has_failed_after_its_seconds(pieces, tmp_path) -> None:
    found = run(pieces, sleeps, tmp_path, seconds=0.5)
    assert found["x.json"]["failed"] == "took longer than 0 s"


def test_a_piece_that_the_deadline_ends_has_not_failed_and_is_begun_again(pieces, tmp_path) -> None:
    begun = time.time()
    assert "failed" not in run(pieces, sleeps, tmp_path, deadline=2.0)["x.part.json"]
    assert time.time() - begun < 30  # of the 60 that it would sleep
    assert "x.json" in run(pieces, counts, tmp_path)


def test_an_unfinished_piece_finds_its_note_again(pieces, tmp_path) -> None:
    work = partial(goes_on, pieces)
    assert run(pieces, work, tmp_path) == {"x.part.json": {"times": 1}}
    assert run(pieces, work, tmp_path) == {"x.json": {"times": 2}}
