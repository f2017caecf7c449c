"""Several processes over gloo: one gradient, one writer, one end; a lost one ends the others."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from clocks import StepClock, go_by
from launch import Patch, at_step, by_the_clock, die, flags, run, two_nodes, wait_for
from outcome import learned, load, same, totals
from PIL import Image
from torch.nn.parallel import DistributedDataParallel

from impasto.data.dataset import RandomCropDataset
from impasto.training import distributed as ranks
from impasto.training.module import StyleTransferModule

ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-5  # of the largest gradient; float32 sums in another order


def keep_gradients(folder: Path) -> None:
    """Those of the first step, and the names of all whose gradients DDP averages."""

    def on_before_optimizer_step(
        self: StyleTransferModule, optimizer: torch.optim.Optimizer
    ) -> None:
        wrapped = self.trainer.strategy.model
        assert isinstance(wrapped, DistributedDataParallel | StyleTransferModule)
        seen = {
            "gradients": {name: item.grad for name, item in self.net.named_parameters()},
            "synchronised": [name for name, it in wrapped.named_parameters() if it.requires_grad],
        }
        if self.global_step == 0:
            torch.save(seen, folder / f"{self.trainer.world_size}-{self.global_rank}.pt")

    StyleTransferModule.on_before_optimizer_step = on_before_optimizer_step  # type: ignore[assignment, method-assign]


def test_two_nodes_learn_as_one_process_with_their_batch(tmp_path: Path) -> None:
    # Muon in bf16 and logarithms of faint power would make much of little differences
    argv = flags(tmp_path, steps=10, random_shift=0, batch_size=2, optimizer="adam")
    patch: Patch = lambda: keep_gradients(tmp_path)  # noqa: E731
    one = [*argv, "--batch-size", "4", "--output-dir", str(tmp_path / "one")]
    code, said = run(one, tmp_path / "log", patch=patch)
    assert (code, "4 photographs a step (1 x 4)" in said) == (0, True)
    first, second = two_nodes(argv, tmp_path, patches=(patch, patch))
    assert (first.end(), second.end()) == (0, 0), first.said + second.said
    assert "4 photographs a step (2 x 2)" in first.said

    alone, *shared = (torch.load(tmp_path / f"{name}.pt") for name in ("1-0", "2-0", "2-1"))
    assert same(shared[0]["gradients"], shared[1]["gradients"])
    expected = alone["gradients"]
    largest = max(float(item.abs().max()) for item in expected.values())
    worst = max(
        float((item - expected[name]).abs().max()) for name, item in shared[0]["gradients"].items()
    )
    assert worst <= TOLERANCE * largest
    names = shared[0]["synchronised"]
    assert names
    assert all(name.startswith("module.net.") for name in names)  # no encoder
    state = load(tmp_path / "run/last.ckpt", "state_dict")["state_dict"]
    assert all(name.startswith("net.") for name in state)
    assert totals(tmp_path / "run") == pytest.approx(totals(tmp_path / "one"), rel=1e-3)


def test_what_happens_to_the_second_is_told_by_the_first_who_alone_writes(tmp_path: Path) -> None:
    def poison() -> None:
        """One photograph of the second node, at one step."""
        original = StyleTransferModule.training_step

        def training_step(self: StyleTransferModule, batch: torch.Tensor, index: int) -> Any:
            bad = self.global_rank == 1 and self.global_step == 3
            return original(self, batch * (torch.nan if bad else 1.0), index)

        StyleTransferModule.training_step = training_step  # type: ignore[method-assign]

    (tmp_path / "photos").mkdir()
    photos = [tmp_path / f"photos/{index:02}.png" for index in range(40)]  # more than are read
    for photo in photos:
        noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
        Image.fromarray(noise).save(photo)
    seen_by_the_second = RandomCropDataset(paths=photos, size=32)._index(1)
    photos[seen_by_the_second].write_bytes(b"")
    argv = flags(tmp_path, steps=12, photos=tmp_path / "photos")
    nodes = two_nodes(argv, tmp_path, patches=(poison, poison), folders=("run", "elsewhere"))
    assert [node.end() for node in nodes] == [0, 0], nodes[0].said + nodes[1].said
    assert "1 steps were skipped" in nodes[0].said
    assert "skipped 1 of 40 photographs" in nodes[0].said
    assert learned(tmp_path / "run/last.ckpt")["guard"]["skipped"] == 1
    assert not (tmp_path / "elsewhere").exists()


def test_a_lost_node_ends_the_other_and_both_can_go_on(tmp_path: Path) -> None:
    argv, folder = flags(tmp_path), tmp_path / "run"
    nodes = two_nodes(argv, tmp_path, patches=(lambda: None, lambda: at_step(12, die)))
    assert nodes[1].end() == -signal.SIGKILL
    assert nodes[0].end() == 2
    said = nodes[0].said.splitlines()
    assert said[-1].startswith("impasto train: lost one of the 2 processes of this run: start all")
    assert "Traceback" not in nodes[0].said
    assert load(folder / "last.ckpt", "global_step")["global_step"] == 10
    nodes = two_nodes(argv, tmp_path)
    assert [node.end() for node in nodes] == [0, 0], nodes[0].said
    assert "going on from" in nodes[0].said

    whole = two_nodes(argv, tmp_path, folders=("whole", "whole"))
    assert [node.end() for node in whole] == [0, 0]
    assert same(learned(folder / "last.ckpt"), learned(tmp_path / "whole/last.ckpt"))


def test_one_that_only_falls_silent_ends_the_others_too(tmp_path: Path) -> None:
    def hurry() -> None:
        ranks.SILENCE = ranks.timedelta(seconds=4)

    def stop() -> None:
        hurry()
        at_step(12, lambda: os.kill(os.getpid(), signal.SIGSTOP))

    nodes = two_nodes(flags(tmp_path), tmp_path, patches=(hurry, stop))
    assert nodes[0].end(60) == 2
    assert "lost one of the 2 processes" in nodes[0].said
    os.killpg(nodes[1].pid, signal.SIGKILL)


def test_asked_one_of_them_all_stop_at_the_same_step(tmp_path: Path) -> None:
    argv = flags(tmp_path, steps=100_000)
    nodes = two_nodes(argv, tmp_path)
    wait_for((tmp_path / "run/last.ckpt").is_file, going=nodes[0])
    os.kill(nodes[1].pid, signal.SIGTERM)  # not the one that writes
    assert [node.end() for node in nodes] == [128 + signal.SIGTERM, 0], nodes[0].said
    step = load(tmp_path / "run/last.ckpt", "global_step")["global_step"]
    assert step % ranks.AGREE_EVERY == 0
    assert f"learned {step} of 100000 steps" in nodes[0].said


def test_all_of_them_go_by_the_clock_of_the_first(tmp_path: Path) -> None:
    def by(pace: float) -> Patch:
        return lambda: go_by(StepClock(pace), pytest.MonkeyPatch())

    argv = by_the_clock(tmp_path, minutes=0.2)
    nodes = two_nodes(argv, tmp_path, patches=(by(1.0), by(100.0)), folders=("run", "other"))
    assert [node.end() for node in nodes] == [0, 0], nodes[0].said + nodes[1].said
    assert "learned 12 steps in 0.2 of 0.2 minutes" in nodes[0].said
    clock = load(tmp_path / "run/last.ckpt", "callbacks")["callbacks"]["Clock"]
    assert clock["elapsed"] == 12


def test_nodes_that_do_not_see_the_same_folder_are_told(tmp_path: Path) -> None:
    argv = flags(tmp_path)
    assert run(argv, tmp_path / "log", patch=lambda: at_step(7, die))[0] == -signal.SIGKILL
    config = tmp_path / "run/config.yaml"
    config.write_text(config.read_text().replace("nodes: 1", "nodes: 2"))
    nodes = two_nodes(argv, tmp_path, folders=("run", "elsewhere"))
    assert [node.end() for node in nodes] == [2, 2]
    for node in nodes:
        assert "an --output-dir that every node sees" in node.said.splitlines()[-1]


@pytest.mark.long
@pytest.mark.parametrize("victim", [0, 1])
def test_the_command_with_two_devices_survives_the_death_of_either(
    tmp_path: Path, victim: int
) -> None:
    argv = [*flags(tmp_path, steps=60, checkpoint_every=10), "--devices", "2"]
    command = [sys.executable, str(ROOT / "train.py"), *argv]
    log = (tmp_path / "log").open("w")
    going = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    wait_for((tmp_path / "run/last.ckpt").is_file, timeout=300)
    children = Path(f"/proc/{going.pid}/task/{going.pid}/children").read_text().split()
    ranked = [child for child in children if is_rank(int(child))]
    pid = going.pid if victim == 0 else int(ranked[0])
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    going.wait(60)
    wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in ranked), timeout=60)
    print(f"rank {victim} killed, the others gone after {time.monotonic() - killed:.1f} s")
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said
    again = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "2 photographs a step (2 x 1)" in again.stdout
    assert "going on from" in again.stdout


def is_rank(pid: int) -> bool:
    return b"LOCAL_RANK=1" in Path(f"/proc/{pid}/environ").read_bytes()


def test_one_process_is_not_made_to_agree() -> None:
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    assert [ranks.agreed(trainer, value) for value in (0, 15)] == [0, 15]
    assert ranks.pick_strategy(1) == "auto"
    assert getattr(ranks.pick_strategy(2), "_timeout") == ranks.SILENCE  # noqa: B009
    with pytest.raises(RuntimeError, match="gloo"), ranks.lost_is_said(1):
        raise RuntimeError("gloo")  # alone, it is a bug of ours
    with pytest.raises(RuntimeError, match="shapes"), ranks.lost_is_said(2):
        raise RuntimeError("shapes")
