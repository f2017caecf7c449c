"""A run is known by what it reads: another spelling is the same, another painting is not."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from trained import save_encoder

from impasto.config.settings import TrainSettings
from impasto.errors import InputError
from impasto.models.vgg import EncoderWeights
from impasto.training.build import resolve
from impasto.training.identity import identify
from impasto.training.run_dir import RunDir


def picture(path: Path, *, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)
    Image.fromarray(noise).save(path)


@pytest.fixture
def settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: EncoderWeights
) -> TrainSettings:
    """Of a run in `work`, the current folder, that has got to step 40."""
    work = tmp_path / "work"
    for index in range(3):
        picture(work / f"photos/{index % 2}/{index}.png", seed=index)
    picture(work / "painting.png", seed=9)
    save_encoder(tiny, work / "tiny.safetensors")
    monkeypatch.chdir(work)
    given = TrainSettings(
        style="painting.png",
        photos="photos",
        encoder="tiny.safetensors",
        content_layers=["relu2_1"],
        style_layers=["relu1_1"],
        output_dir="run",
        init="none",
        steps=100,
    )
    folder = run(given)
    assert folder.prepare() is None
    torch.save({"state_dict": {}, "global_step": 40}, folder.checkpoint)
    return given


def run(settings: TrainSettings) -> RunDir:
    sources = resolve(settings)
    return RunDir(sources.settings, identity=identify(sources))


SPELLINGS = [
    {},
    {"photos": "photos/"},
    {"photos": "./photos"},
    {"photos": "../work/photos"},
    {"photos": "{work}/photos"},
    {"style": "./painting.png"},
    {"style": "{work}/painting.png"},
    {"encoder": "./tiny.safetensors"},
    {"encoder": "{work}/tiny.safetensors", "style": "../work/painting.png"},
]


@pytest.mark.parametrize("changes", SPELLINGS, ids=str)
def test_another_spelling_is_the_same_run(settings: TrainSettings, changes: dict[str, str]) -> None:
    spelled = {key: value.format(work=Path.cwd()) for key, value in changes.items()}
    folder = run(replace(settings, **spelled))
    assert folder.prepare() == folder.checkpoint
    assert run(settings).prepare() == folder.checkpoint  # and back


def test_a_run_before_there_was_an_identity_is_known_by_its_paths(settings: TrainSettings) -> None:
    Path("run/sources.json").unlink()
    folder = run(replace(settings, photos="photos/", style=f"{Path.cwd()}/painting.png"))
    assert folder.prepare() == folder.checkpoint


def test_a_moved_folder_is_the_same_run(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Path.cwd()
    work.rename(work.with_name("moved"))
    monkeypatch.chdir(work.parent)
    moved = {
        key: str(Path("moved") / str(getattr(settings, key)))
        for key in ("style", "photos", "encoder", "output_dir")
    }
    folder = run(replace(settings, **moved))
    assert folder.prepare() == folder.checkpoint


def test_links_lead_to_the_same_run(settings: TrainSettings) -> None:
    os.symlink("photos", "linked")
    folder = run(replace(settings, photos="linked"))
    assert folder.prepare() == folder.checkpoint


def test_photographs_may_come_and_go(settings: TrainSettings) -> None:
    picture(Path("photos/more.png"), seed=5)
    folder = run(settings)
    assert folder.prepare() == folder.checkpoint


def test_another_painting_under_the_same_name_is_another_run(settings: TrainSettings) -> None:
    picture(Path("painting.png"), seed=10)
    with pytest.raises(InputError, match=r"style painting.png there, .* here, another file\): "):
        run(settings).prepare()


def test_photographs_are_known_by_their_names_and_sizes(settings: TrainSettings) -> None:
    shutil.copytree("photos", "others")
    assert run(replace(settings, photos="others")).prepare() == Path("run/last.ckpt")
    assert run(settings).prepare() == Path("run/last.ckpt")
    with Path("others/0/0.png").open("ab") as file:
        file.write(b" ")
    with pytest.raises(InputError, match=r"photos photos there, others here\): --resume none"):
        run(replace(settings, photos="others")).prepare()
