"""Any painting learned by two processes over gloo: as by one, also after one of them was lost."""

import signal
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from launch import at_step, die, run, two_nodes
from outcome import learned, same, totals
from PIL import Image
from trained import save_encoder

from impasto.cli import train_any
from impasto.export import any_export
from impasto.models.pretrained import random_weights
from impasto.training.any_module import AnyStyleModule


@pytest.fixture
def argv(tmp_path: Path) -> list[str]:
    """Of a run of seconds."""
    (tmp_path / "paintings").mkdir()
    for index in range(6):
        noise = np.random.default_rng(index).integers(0, 256, (40, 44, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"paintings/{index}.png")
    weights = random_weights(name="tiny", blocks=[[4, 5], [6, 7], [8]], seed=1)
    encoder = save_encoder(weights, tmp_path / "tiny.safetensors")
    given = f"--paintings {tmp_path}/paintings --photos samples --encoder {encoder} --steps 12 "
    given += "--content-layers relu2_1 --style-layers relu1_1 --batch-size 2 --image-size 32 "
    given += "--width 2 --precision 32 --workers 1 --warmup 2 --random-shift 0 --optimizer adam "
    return [*given.split(), "--accelerator", "cpu", "--checkpoint-every", "5", "--init", "none"]


def quick() -> None:
    """Without the seconds that an export takes."""

    def export(model: object, path: Path, *, metadata: Mapping[str, str]) -> float:
        written = onnx.helper.make_model(onnx.helper.make_graph([], "quick", [], []))
        onnx.helper.set_model_props(written, dict(metadata))
        path.write_bytes(written.SerializeToString())
        return 0.0

    any_export.export_any = export


def lost() -> None:
    quick()
    at_step(7, die, of=AnyStyleModule)


def test_two_processes_learn_as_one_and_go_on_as_if_none_had_been_lost(
    argv: list[str], tmp_path: Path
) -> None:
    one = [*argv, "--batch-size", "4", "--output-dir", str(tmp_path / "one")]
    code, said = run(one, tmp_path / "log", patch=quick, main=train_any.main)
    assert code == 0, said

    nodes = two_nodes(
        argv, tmp_path, patches=(quick, quick), folders=("whole", "whole"), main=train_any.main
    )
    assert [node.end() for node in nodes] == [0, 0], nodes[0].said + nodes[1].said
    assert "4 photographs a step (2 x 2)" in nodes[0].said
    assert totals(tmp_path / "whole") == pytest.approx(totals(tmp_path / "one"), rel=0.05)
    whole = learned(tmp_path / "whole/last.ckpt")

    nodes = two_nodes(argv, tmp_path, patches=(quick, lost), main=train_any.main)
    assert [node.end() for node in nodes] == [2, -signal.SIGKILL], nodes[0].said
    assert "lost one of the 2 processes" in nodes[0].said
    nodes = two_nodes(argv, tmp_path, patches=(quick, quick), main=train_any.main)
    assert [node.end() for node in nodes] == [0, 0], nodes[0].said
    assert "going on from" in nodes[0].said
    assert same(learned(tmp_path / "run/last.ckpt"), whole)
