"""train.py --minutes: the clock is the budget, whatever a step takes, in one go or in parts."""

import json
import os
import signal

import pytest
import torch
import yaml
from clocks import StepClock, cosine, go_by
from curves import scalars
from trained import save_style

from impasto.cli import train
from impasto.config.settings import TrainSettings
from impasto.inference.stylizer import Stylizer
from impasto.training.callbacks.monitor import Monitor


@pytest.fixture
def clock(monkeypatch):
    """A second a step, so that 0.2 minutes are twelve."""
    clock = StepClock()
    go_by(clock, monkeypatch)
    return clock


@pytest.fixture
def timed(small, monkeypatch):
    """The flags of a small run with 0.2 minutes in place of 12 steps; its .onnx is a stand-in."""

    def export(net, path, *, metadata, **_):
        save_style(path, dict(metadata))
        return 0.0

    monkeypatch.setattr("impasto.export.onnx_export.export_onnx", export)
    place = small.index("--steps")
    return [*small[:place], "--minutes", "0.2", *small[place + 2 :], "--output-dir", "run"]


def reached(folder):
    """Steps, seconds and the rate of the next step, as the checkpoint has them."""
    content = torch.load(folder / "last.ckpt", weights_only=True)
    rate = content["optimizer_states"][0]["param_groups"][0]["lr"]
    return content["global_step"], content["callbacks"]["Clock"]["elapsed"], rate


def interrupt(monkeypatch, step):
    monitor_end = Monitor.on_train_batch_end

    def at_step(self, trainer, *args):
        monitor_end(self, trainer, *args)
        if trainer.global_step == step:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Monitor, "on_train_batch_end", at_step)


def test_the_run_ends_with_its_minutes_and_its_rate_at_zero(timed, clock, tmp_path, capfd):
    assert train.main(timed) == 0
    folder, said = tmp_path / "run", capfd.readouterr().out
    assert "learned 12 steps in 0.2 of 0.2 minutes" in said
    assert "5/12 s [" in said
    assert "83%" in said
    assert "10/12 s [" in said
    assert "12/12 s [" in said
    assert "step=12" in said
    assert "take a CPU hours" not in said
    assert reached(folder) == (12, 12.0, 0.0)
    rates = [scalars(folder / "logs", f"train/lr/pg{group}")[9] for group in (1, 2)]
    assert rates == pytest.approx([scale * 1e-3 * cosine(9 / 12) for scale in (1, 20)])

    about = Stylizer(folder / "painting.onnx").metadata
    assert (about["steps"], about["minutes"]) == ("12", "0.2")
    saved = yaml.safe_load((folder / "config.yaml").read_text())
    assert (saved["minutes"], saved["steps"]) == (0.2, None)
    assert json.loads(about["settings"]) == saved
    assert TrainSettings(**saved).minutes == 0.2

    assert train.main(timed) == 2
    assert "holds this run, already finished" in capfd.readouterr().err


def test_a_resumed_run_has_what_is_left(timed, clock, tmp_path, monkeypatch, capfd):
    with monkeypatch.context() as patch:
        interrupt(patch, 5)
        assert train.main(timed) == 128 + signal.SIGINT
    assert "learned 5 steps in 0.1 of 0.2 minutes" in capfd.readouterr().out
    assert reached(tmp_path / "run") == (5, 5.0, pytest.approx(1e-3 * cosine(5 / 12)))
    clock.shown += 3600  # the time between does not count
    clock.pace = 2.0  # on a slower machine
    assert train.main(timed) == 0
    said = capfd.readouterr().out
    assert "going on from run/last.ckpt" in said
    assert "learned 9 steps in 0.2 of 0.2 minutes" in said
    assert reached(tmp_path / "run") == (9, 13.0, 0.0)


def test_without_its_last_onnx_a_run_has_that_to_make_and_nothing_to_learn(
    timed, clock, tmp_path, capfd
):
    assert train.main(timed) == 0
    style = tmp_path / "run/painting.onnx"
    style.unlink()
    assert train.main(timed) == 0
    assert "learned 12 steps in 0.2 of 0.2 minutes" in capfd.readouterr().out
    assert Stylizer(style).metadata["steps"] == "12"


def test_steps_that_are_used_up_first_end_it_too_with_the_rate_at_zero(timed, clock, tmp_path):
    assert train.main([*timed, "--steps", "4"]) == 0
    assert reached(tmp_path / "run") == (4, 4.0, 0.0)
    assert train.main([*timed, "--steps", "4"]) == 2


def test_a_checkpoint_within_a_run_by_the_clock_has_its_onnx(timed, clock, tmp_path, monkeypatch):
    exported = []
    describe = train.describe

    def noted(*args, steps, **more):
        exported.append(steps)
        return describe(*args, steps=steps, **more)

    monkeypatch.setattr(train, "describe", noted)
    assert train.main([*timed, "--checkpoint-every", "6"]) == 0
    assert exported == [6, 12]
