"""Killed at any moment and started again, a run ends with the same weights, bit for bit."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxscript  # noqa: F401 (loaded once here, not in every process that exports)
import pytest
import torch
from clocks import StepClock, go_by
from launch import Run, at_step, by_the_clock, die, flags, quick_export, run, wait_for
from outcome import learned, load, same

import impasto.export.onnx_export
from impasto.inference.stylizer import Stylizer
from impasto.training.callbacks.checkpoint import CheckpointFiles
from impasto.training.module import StyleTransferModule


def in_the_middle_of_step_8() -> None:
    at_step(8, die)


def with_half_a_checkpoint_written() -> None:
    def save_checkpoint(self: CheckpointFiles, checkpoint: object, path: Path, **_: object) -> None:
        torch.save(checkpoint, path.with_name(".last.ckpt.tmp"))
        os.truncate(path.with_name(".last.ckpt.tmp"), 10_000)
        die()

    CheckpointFiles.save_checkpoint = save_checkpoint  # type: ignore[assignment]


def with_the_checkpoint_written_but_not_named() -> None:
    replace = Path.replace

    def dying(self: Path, target: Path) -> Path:
        if self.name == ".last.ckpt.tmp":
            die()
        return replace(self, target)

    Path.replace = dying  # type: ignore[assignment, method-assign]


def between_checkpoint_and_onnx() -> None:
    impasto.export.onnx_export.export_onnx = lambda *args, **more: die()  # type: ignore[assignment]


def between_the_last_checkpoint_and_its_onnx() -> None:
    def dying(net: object, path: Path, *, metadata: dict[str, str], **_: bool) -> float:
        return die() if metadata["steps"] == "24" else quick_export(net, path, metadata=metadata)  # type: ignore[func-returns-value, return-value]

    impasto.export.onnx_export.export_onnx = dying  # type: ignore[assignment]


MOMENTS: dict[Callable[[], None], tuple[str | None, int]] = {  # -> where the next one begins
    in_the_middle_of_step_8: ("last.ckpt", 5),
    with_half_a_checkpoint_written: ("last.ckpt", 5),
    with_the_checkpoint_written_but_not_named: ("second-last.ckpt", 5),
    between_checkpoint_and_onnx: ("last.ckpt", 10),
    between_the_last_checkpoint_and_its_onnx: ("last.ckpt", 24),
}


def with_other_global_generators() -> None:
    """What is drawn depends on seed, step and rank alone, so there is no state to restore."""
    at_step(12, lambda: (torch.manual_seed(5), np.random.seed(5), random.seed(5)))


def test_at_the_worst_moments(tmp_path: Path) -> None:
    argv, folder = flags(tmp_path), tmp_path / "run"
    for moment, (name, step) in MOMENTS.items():
        assert run(argv, tmp_path / "log", patch=moment)[0] == -signal.SIGKILL, moment.__name__
        checkpoint = folder / str(name)
        assert load(checkpoint, "global_step")["global_step"] == step, moment.__name__
        assert checkpoint.name == "last.ckpt" or not (folder / "last.ckpt").exists()
    code, said = run(argv, tmp_path / "log")
    assert (code, "going on from" in said) == (0, True)
    assert Stylizer(folder / "painting.onnx").metadata["steps"] == "24"
    assert not [path.name for path in folder.glob(".*")]  # nothing half-written is left
    assert not list(folder.glob("*.previous.*"))  # it was one run all along

    whole = [*argv, "--output-dir", str(tmp_path / "whole")]
    assert run(whole, tmp_path / "log", patch=with_other_global_generators)[0] == 0
    assert same(learned(tmp_path / "whole/last.ckpt"), learned(folder / "last.ckpt"))
    assert run(argv, tmp_path / "log")[0] == 2  # finished


def test_by_the_clock_it_goes_on_with_what_was_left_at_the_checkpoint(tmp_path: Path) -> None:
    def by_the_second() -> None:
        go_by(StepClock(), pytest.MonkeyPatch())

    argv = by_the_clock(tmp_path, minutes=0.2)
    dying: Callable[[], None] = lambda: (by_the_second(), in_the_middle_of_step_8())  # type: ignore[assignment, func-returns-value] # noqa: E731
    assert run(argv, tmp_path / "log", patch=dying)[0] == -signal.SIGKILL
    assert load(tmp_path / "run/last.ckpt", "global_step")["global_step"] == 5
    code, said = run(argv, tmp_path / "log", patch=by_the_second)
    assert (code, "going on from" in said) == (0, True)
    assert "learned 12 steps in 0.2 of 0.2 minutes" in said
    assert Stylizer(tmp_path / "run/painting.onnx").metadata["steps"] == "12"
    assert run(argv, tmp_path / "log")[0] == 2  # finished


def test_signals_reach_the_workers_too_and_the_run_still_ends_well(tmp_path: Path) -> None:
    argv = flags(tmp_path, steps=100_000, workers=2)
    going = Run(argv, tmp_path / "log")
    wait_for((tmp_path / "run/second-last.ckpt").is_file, going=going)
    os.killpg(going.pid, signal.SIGTERM)
    assert going.end() == 128 + signal.SIGTERM
    assert "stopped by SIGTERM: the same command goes on from here" in going.said
    assert "Traceback" not in going.said
    step = load(tmp_path / "run/last.ckpt", "global_step")["global_step"]
    assert f"learned {step} of 100000 steps" in going.said
    assert Stylizer(tmp_path / "run/painting.onnx").metadata["steps"] == str(step)


def test_slurm_requeues_after_a_whole_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "scontrol").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    (tmp_path / "scontrol").chmod(0o755)
    names = {"NTASKS": "1", "JOB_ID": "77", "JOB_NAME": "style", "PROCID": "0", "LOCALID": "0"}
    env = {f"SLURM_{key}": value for key, value in names.items()}
    env |= {"SLURM_NODEID": "0", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    argv = flags(tmp_path, steps=100_000)
    going = Run(argv, tmp_path / "log", env=env)
    wait_for((tmp_path / "run/last.ckpt").is_file, going=going)
    os.kill(going.pid, signal.SIGUSR1)
    assert going.end() == 128 + signal.SIGUSR1
    assert (tmp_path / "asked").read_text().split() == ["requeue", "77"]
    steps = load(tmp_path / "run/last.ckpt", "global_step")["global_step"]
    code, said = run(
        argv, tmp_path / "log", env=env, patch=lambda: at_step(steps, lambda: os.kill(0, 15))
    )
    assert code == 128 + signal.SIGTERM
    assert "going on from" in said
    assert f"learned {steps + 1} of" in said
    assert not list((tmp_path / "run").glob("hpc_ckpt_*"))  # or a new run would begin with it


def with_a_nan_now_and_then() -> None:
    original = StyleTransferModule.forward

    def forward(self: StyleTransferModule, content: torch.Tensor) -> torch.Tensor:
        bad = self.training and (self.global_step in (7, 95) or 60 <= self.global_step < 65)
        return original(self, content) * (torch.nan if bad else 1.0)

    StyleTransferModule.forward = forward  # type: ignore[method-assign]


def with_nothing_but_nans_from_step_12_on() -> None:
    original = StyleTransferModule.forward

    def forward(self: StyleTransferModule, content: torch.Tensor) -> torch.Tensor:
        return original(self, content) * (torch.nan if self.global_step >= 12 else 1.0)

    StyleTransferModule.forward = forward  # type: ignore[method-assign]


def test_gradients_that_stay_not_finite_end_the_run_with_its_last_good_checkpoint(
    tmp_path: Path,
) -> None:
    patch = with_nothing_but_nans_from_step_12_on
    code, said = run(flags(tmp_path), tmp_path / "log", patch=patch)
    assert code == 2
    assert said.splitlines()[-1] == (
        "impasto train: the gradients of 10 steps in a row were not finite, the last at step 22: "
        "begin anew with --resume none and a --lr below 0.001"
    )
    assert "Traceback" not in said
    state = load(tmp_path / "run/last.ckpt", "global_step", "state_dict")
    assert state["global_step"] == 10  # none at 15 and 20, in between
    assert all(item.isfinite().all() for item in state["state_dict"].values())
    assert Stylizer(tmp_path / "run/painting.onnx").metadata["steps"] == "10"


KILLS = 20


@pytest.mark.long
def test_twenty_kills_at_random_moments(tmp_path: Path) -> None:
    argv, folder = flags(tmp_path, steps=100, checkpoint_every=13), tmp_path / "run"
    how = {"patch": with_a_nan_now_and_then, "real_export": True}
    whole = [*argv, "--output-dir", str(tmp_path / "whole")]
    began = time.monotonic()
    assert Run(whole, tmp_path / "log", **how).end(timeout=900) == 0
    seconds = time.monotonic() - began
    draw = random.Random(0)
    killed = begun_anew = finished = 0
    while True:
        going = Run(argv, tmp_path / "log", **how)
        if killed < KILLS:
            going.process.join(draw.uniform(0, seconds / 4))
        if killed < KILLS and going.process.is_alive():
            os.killpg(going.pid, signal.SIGKILL)
            assert going.end() == -signal.SIGKILL
            killed += 1
            begun_anew += "from the first step" in going.said
            continue
        assert going.end(timeout=900) == 0, going.said
        finished += 1
        assert same(learned(tmp_path / "whole/last.ckpt"), learned(folder / "last.ckpt"))
        assert Stylizer(folder / "painting.onnx").metadata["steps"] == "100"
        if killed == KILLS:
            break
        shutil.rmtree(folder)  # it was fast: the next kills hit another run
    print(f"{killed} kills, {begun_anew} before a first checkpoint; {finished} runs ended alike")
