"""Processes that torchrun or SLURM has started: as many as asked for, or none."""

import subprocess
import sys
from pathlib import Path

import pytest
from launch import flags, free_port, run, two_nodes
from outcome import load, same, totals

from impasto.inference.stylizer import Stylizer

ROOT = Path(__file__).parents[2]
ALIKE: dict[str, object] = {"batch_size": 2, "optimizer": "adam"}


@pytest.mark.parametrize("launcher", ["torchrun", "SLURM"])
def test_a_launcher_that_has_started_another_number_is_refused(
    tmp_path: Path, launcher: str
) -> None:
    env = {
        "torchrun": {"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "2", "RANK": "1"},
        "SLURM": {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_PROCID": "1"},
    }[launcher]
    code, said = run(flags(tmp_path), tmp_path / "log", env=env)
    assert code == 2
    assert said.splitlines()[-1] == (
        f"impasto train: {launcher} has started 2 processes, but --devices times --nodes is 1: "
        "make these numbers equal"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.long
@pytest.mark.parametrize("nodes", [1, 2])
def test_torchrun_itself(tmp_path: Path, nodes: int) -> None:
    each, place = 2 // nodes, ["--master-addr", "127.0.0.1", "--master-port", str(free_port())]
    argv = flags(tmp_path, nodes=nodes, devices=each, **ALIKE)
    launch = [sys.executable, "-m", "torch.distributed.run", *place]
    launch += ["--nnodes", str(nodes), "--nproc-per-node", str(each)]
    started = [
        subprocess.Popen(
            [*launch, "--node-rank", str(node), str(ROOT / "train.py"), *argv],
            stdout=(tmp_path / f"log{node}").open("w"),
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )
        for node in range(nodes)
    ]
    codes = [one.wait(300) for one in started]
    said = (tmp_path / "log0").read_text()
    assert (codes, "4 photographs a step (2 x 2)" in said) == ([0] * nodes, True), said
    assert Stylizer(tmp_path / "run/painting.onnx").metadata["steps"] == "24"
    argv = flags(tmp_path, **ALIKE)
    whole = two_nodes(argv, tmp_path, folders=("whole", "whole"))
    assert [one.end() for one in whole] == [0, 0]
    assert totals(tmp_path / "run") == pytest.approx(totals(tmp_path / "whole"), rel=1e-3)
    ends = [load(tmp_path / f"{name}/last.ckpt", "state_dict") for name in ("run", "whole")]
    assert same(*ends) or each > 1  # to which torchrun gives one thread: sums round otherwise
