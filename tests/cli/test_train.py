"""The command itself: it learns, says so, can be stopped and gone on with, and exits well."""

import json
import os
import signal

import numpy as np
import pytest
import torch
import yaml
from curves import scalars
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from impasto.cli import train
from impasto.config.settings import TrainSettings
from impasto.inference.stylizer import Stylizer
from impasto.models.transform_net import TransformNet, stylize
from impasto.training.callbacks.monitor import Monitor


def test_sixty_steps_on_real_material_lower_the_loss(assets, tmp_path, capfd):
    flags = [
        *("--style", assets / "styles/starry_night.jpg", "--photos", assets / "photos/train"),
        *("--encoder", assets / "encoders/vgg19-quarter.safetensors", "--steps", 60),
        *("--image-size", 64, "--batch-size", 2, "--width", 16, "--output-dir", tmp_path),
        *(
            "--warmup",
            5,
            "--lr",
            3e-3,
            "--init",
            "none",
            "--style-weight",
            3,
            "--preview-every",
            30,
            "--precision",
            "32",
        ),
    ]
    assert train.main([str(flag) for flag in flags]) == 0
    total = scalars(tmp_path / "logs", "train/total")
    assert total[59] < 0.7 * total[9]  # the first ten steps have already lowered it

    net = TransformNet(width=16).eval()
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    assert all(name.startswith("net.") for name in state)  # nothing of the encoder
    net.load_state_dict({name.removeprefix("net."): value for name, value in state.items()})
    stylizer = Stylizer(tmp_path / "starry_night.onnx")
    photo = torch.rand(1, 3, 51, 70)
    with torch.no_grad():
        np.testing.assert_allclose(
            stylizer.run(photo.numpy()), stylize(net, photo).numpy(), atol=1e-3
        )
    assert f"impasto stylize --model {tmp_path}/starry_night.onnx" in capfd.readouterr().out


def test_a_run_is_watched_and_its_file_describes_itself(small, tmp_path):
    assert train.main([*small, "--preview-every", "6", "--checkpoint-every", "7"]) == 0
    folder = tmp_path / "checkpoints/painting"
    events = EventAccumulator(str(folder / "logs"))
    events.Reload()
    tags = {"train/content", "train/style", "train/tv", "train/total", "train/lr/pg1"}
    tags |= {"speed/images_per_second", "speed/waiting_for_data"}
    tags |= {"output/min", "output/mean", "output/max"}
    assert tags <= set(events.Tags()["scalars"])
    assert [image.step for image in events.Images("preview/astronaut")] == [0, 6, 12]
    assert 0 <= scalars(folder / "logs", "speed/waiting_for_data")[10] <= 1

    about = Stylizer(folder / "painting.onnx").metadata
    assert (about["name"], about["steps"], about["encoder"]) == ("painting", "12", "lite")
    assert about["style_sha256"] == train_sha256(tmp_path / "painting.png")
    assert set(json.loads(about["loss"])) == {"content", "style", "tv"}
    saved = yaml.safe_load((folder / "config.yaml").read_text())
    assert json.loads(about["settings"]) == saved
    assert TrainSettings(**saved).photos == "samples"


def train_sha256(path):
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_interrupted_and_resumed_it_learns_the_same(small, tmp_path, monkeypatch, capfd):
    assert train.main([*small, "--output-dir", "whole"]) == 0
    monitor_end = Monitor.on_train_batch_end

    def interrupt(self, trainer, *args):
        monitor_end(self, trainer, *args)
        if trainer.global_step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Monitor, "on_train_batch_end", interrupt)
        assert train.main([*small, "--output-dir", "parts"]) == 128 + signal.SIGINT
    said = capfd.readouterr().out
    assert "learned 5 of 12 steps" in said
    assert "stopped by SIGINT: the same command goes on from here" in said
    assert Stylizer("parts/painting.onnx").metadata["steps"] == "5"
    assert train.main([*small, "--output-dir", "parts"]) == 0
    assert "going on from parts/last.ckpt" in capfd.readouterr().out

    whole, parts = (
        torch.load(f"{name}/last.ckpt", weights_only=True)["state_dict"]
        for name in ("whole", "parts")
    )
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_saved_settings_can_be_given_back(small, tmp_path):
    assert train.main([*small, "--steps", "1"]) == 0
    saved = (tmp_path / "checkpoints/painting/config.yaml").read_text()
    config = tmp_path / "again.yaml"
    config.write_text(saved)
    flags = ["--config", str(config), "--output-dir", str(tmp_path / "again")]
    assert train.main(flags) == 0
    first, second = (
        torch.load(path / "last.ckpt", weights_only=True)["state_dict"]
        for path in (tmp_path / "checkpoints/painting", tmp_path / "again")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--style", "nowhere.jpg"], "nowhere.jpg"),
        (["--photos", "nowhere"], "nowhere"),
        (["--encoder", "painting.png"], "painting.png"),
        (["--style-layers", "relu9_9"], "relu9_9"),
        (["--style-layer-weights", "1", "2"], "2 weights for 4 layers"),
        (["--init", "nowhere"], "nowhere"),
        (["--steps", "many"], "steps"),
        (["--image-size", "3"], "--image-size"),
        (["--accelerator", "tpu"], "--accelerator, --devices and --nodes do not fit: "),
        (["--bogus", "1"], "bogus"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(small, tmp_path, capfd, flags, said):
    assert train.main([*small, *flags]) == 2
    error = capfd.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not (tmp_path / "checkpoints").exists()
