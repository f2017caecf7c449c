"""The command itself: it learns, shows a grid, can be stopped and gone on with, and exits well."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from impasto.cli import train_any
from impasto.export import any_export
from impasto.inference.any_style import AnyStyle
from impasto.inference.stylizer import Stylizer
from impasto.models.any_style import AnyStyleNet, build_any
from impasto.models.transform_net import stylize
from impasto.training.callbacks.monitor import Monitor
from impasto.training.warm_start import initialise_any


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Flags of a run of seconds, in an empty folder, without the network or the assets."""
    monkeypatch.chdir(tmp_path)
    Path("paintings").mkdir()
    for index in range(12):
        noise = np.random.default_rng(index).integers(0, 256, (40, 44, 3), np.uint8)
        Image.fromarray(noise).save(f"paintings/{index:02}.png")
    Path("paintings/broken.jpg").write_bytes(b"no image")
    flags = "--paintings paintings --photos samples --encoder lite --steps 12 --batch-size 2 "
    flags += "--image-size 32 --width 2 --precision 32 --workers 1 --warmup 2"
    return flags.split()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of the seconds that an export takes, a file that says of what."""

    def export(model: AnyStyleNet, path: Path, *, metadata: dict[str, str]) -> float:
        graph = onnx.helper.make_graph([], "quick", [], [])
        written = onnx.helper.make_model(graph)
        onnx.helper.set_model_props(written, metadata)
        path.write_bytes(written.SerializeToString())
        return 0.0

    monkeypatch.setattr(any_export, "export_any", export)


def about(path: str) -> dict[str, str]:
    return {item.key: item.value for item in onnx.load(path).metadata_props}


def test_what_was_learned_is_written_shown_and_describes_itself(
    small: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    flags = ["--preview-every", "6", "--checkpoint-every", "100", "--hold-out", "3"]
    assert train_any.main([*small, *flags]) == 0
    said = capfd.readouterr().out
    assert "10 paintings to learn from, 3 held back" in said
    model = Path("checkpoints/any/any.onnx")
    assert f"impasto stylize --model {model} --painting PAINTING.jpg PHOTO.jpg" in said

    net = build_any(width=2)
    initialise_any(net, "any")
    photo, painting = torch.rand(1, 3, 48, 40), torch.rand(1, 3, 256, 256)
    painter = AnyStyle(model)
    vector = painter.encoder.run(painting[0].permute(1, 2, 0).numpy())
    with torch.no_grad():
        expected = net.eval().encode(painting)
        np.testing.assert_allclose(vector, expected[0].numpy(), atol=0.02)
        drawn = stylize(lambda images: net(images, expected), photo).numpy()
    style = Stylizer(painter.model(expected[0].numpy()))
    np.testing.assert_allclose(style.run(photo.numpy()), drawn, atol=1e-3)

    told = style.metadata
    assert (told["name"], told["steps"], told["encoder"]) == ("any", "12", "lite")
    assert set(json.loads(told["loss"])) == {"content", "style", "tv"}
    held = json.loads(told["held_out"])
    assert len(held) == 3
    assert all((tmp_path / "paintings" / name).is_file() for name in held)

    events = EventAccumulator("checkpoints/any/logs")
    events.Reload()
    assert {"train/style", "speed/images_per_second"} <= set(events.Tags()["scalars"])
    grids = events.Images("preview/grid")
    assert [grid.step for grid in grids] == [0, 6, 12]
    shown = 3 - ("broken.jpg" in held)
    assert (grids[0].width, grids[0].height) == (5 * 128, (1 + shown) * 128)


def test_interrupted_and_resumed_it_learns_the_same(
    small: list[str],
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert train_any.main([*small, "--output-dir", "whole"]) == 0
    monitor_end = Monitor.on_train_batch_end

    def interrupt(self: Monitor, trainer: Any, *args: Any) -> None:
        monitor_end(self, trainer, *args)
        if trainer.global_step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Monitor, "on_train_batch_end", interrupt)
        assert train_any.main([*small, "--output-dir", "parts"]) == 128 + signal.SIGINT
    assert "learned 5 of 12 steps" in capfd.readouterr().out
    assert about("parts/any.onnx")["steps"] == "5"
    assert train_any.main([*small, "--output-dir", "parts"]) == 0
    said = capfd.readouterr().out
    assert "going on from parts/last.ckpt" in said
    assert "regions of paintings" not in said

    whole, parts = (
        torch.load(f"{name}/last.ckpt", weights_only=True)["state_dict"]
        for name in ("whole", "parts")
    )
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert train_any.main([*small, "--output-dir", "parts"]) == 2
    assert "holds this run, already finished" in capfd.readouterr().err


def test_by_the_clock_and_from_another_run(
    small: list[str], quick: None, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train_any.main([*small, "--name", "first"]) == 0
    skipped = "skipped 1 of 12 paintings, which cannot be read (paintings/broken.jpg)"
    assert skipped in capfd.readouterr().out
    timed = [*small, "--name", "second", "--init", "first", "--minutes", "0.05"]
    place = timed.index("--steps")
    assert train_any.main([*timed[:place], *timed[place + 2 :]]) == 0
    said = capfd.readouterr().out
    assert "of 0.05 minutes" in said
    first, second = (
        torch.load(f"checkpoints/{name}/last.ckpt", weights_only=True)["state_dict"]
        for name in ("first", "second")
    )
    assert first.keys() == second.keys()
    assert not torch.equal(first["model.net.up.2.conv.bias"], second["model.net.up.2.conv.bias"])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--paintings", "nowhere"], "nowhere"),
        (["--paintings", "empty"], "no paintings in empty"),
        (["--photos", "nowhere"], "nowhere"),
        (["--hold-out", "13"], "--hold-out 13 leaves none of 13 paintings"),
        (["--init", "nowhere"], "no style 'nowhere'"),
        (["--encoder", "resnet"], "resnet"),
        (["--image-size", "3"], "--image-size"),
        (["--style", "a.jpg"], "style"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    small: list[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    flags: list[str],
    said: str,
) -> None:
    Path("empty").mkdir()
    assert train_any.main([*small, *flags]) == 2
    error = capfd.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not (tmp_path / "checkpoints").exists()


def test_paintings_that_cannot_be_read_end_the_run(
    small: list[str], quick: None, capfd: pytest.CaptureFixture[str]
) -> None:
    for path in sorted(Path("paintings").iterdir())[:8]:
        path.write_bytes(b"no image")
    assert train_any.main(small) == 2
    error = capfd.readouterr().err.strip()
    assert error.startswith("impasto train-any: ")
    assert "paintings cannot be read, more than half" in error
    assert "\n" not in error


def test_all_are_looked_at_first_on_demand(
    small: list[str], quick: None, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train_any.main([*small, "--verify-photos", "--steps", "1"]) == 0
    said = capfd.readouterr().out
    assert "6 of 6 photographs can be read" in said
    assert "11 of 12 paintings can be read" in said
