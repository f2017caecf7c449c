"""A reader who has only the repository can do what the documents show.

Commands of the README run as printed, on a small photograph; trainings and Gatys' method get flags
that make them short. Python snippets run as printed.
"""

import importlib
import logging
import shlex
import shutil
import webbrowser
from pathlib import Path

import pytest
from documents import DOCS, ROOT, blocks, runs_of_ours
from films import make_film

from impasto.cli.main import module_of
from impasto.images.io import (
    fit_short_side,
    load_image,
    sample_photos,
    save_image,
    to_array,
    to_pil,
)

SMALL = {
    "train": "--steps 2 --encoder lite --photos samples --image-size 64 --style-size 64",
    "gatys": "--iterations 2 --encoder lite --size 64",
}
WRITTEN = [
    "checkpoints/painting/painting.onnx",
    "painted/a_the_scream.jpg",
    "painted/b_the_scream.jpg",
    "photo_starry.jpg",
]
MADE = "painting.png", "picture.png", "mine.onnx", "out.mp4"  # by one snippet each
SNIPPETS = [
    pytest.param(code, id=f"{name}-{place}")
    for name in ["README.md", *DOCS]
    for place, code in enumerate(blocks(name, "python"))
]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the documents take for granted: photographs, paintings, a style."""
    photo = to_array(fit_short_side(to_pil(load_image(sample_photos()[0])), 80))
    for name in ("photo.jpg", "holiday/a.jpg", "holiday/b.jpg", "painting.jpg"):
        save_image(photo, tmp_path / name)
    make_film(tmp_path / "film.mp4", frames=3)
    shutil.copy(ROOT / "data" / "styles" / "starry.jpg", tmp_path)
    shutil.copy(ROOT / "checkpoints" / "starry" / "starry.onnx", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def close_at_once(address: str) -> None:
    """In place of a browser, for `impasto serve`, which Ctrl-C ends."""
    print(f"opened {address}")
    raise KeyboardInterrupt


def test_readme_commands_run_one_after_the_other(
    desk: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webbrowser, "open", close_at_once)
    caplog.set_level(logging.INFO, logger="impasto")
    for command, words in runs_of_ours("README.md"):
        words = [*words, *shlex.split(SMALL.get(command, ""))]  # noqa: PLW2901
        main = importlib.import_module(module_of(command)).main
        assert main(words) == 0, f"impasto {command} {shlex.join(words)}"
    assert [path for path in WRITTEN if not (desk / path).is_file()] == []
    said = capsys.readouterr().out + caplog.text
    assert "opened http://127.0.0.1:" in said
    assert "the_great_wave" in said  # of `impasto styles`
    assert "--model checkpoints/painting/painting.onnx" in said  # how to use what was learned


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_runs_as_printed(snippet: str, desk: Path) -> None:
    before = set(desk.iterdir())
    exec(compile(snippet, "snippet", "exec"), {})
    made = [path for path in desk.iterdir() if path not in before]
    assert [path.name for path in made] in [[name] for name in MADE]
    if made[0].suffix == ".png":
        assert load_image(made[0]).std() > 0.1
