"""Films as a user of `impasto stylize` meets them: names, progress, refusals, Ctrl-C."""

import json
import sys
from pathlib import Path

import pytest
from graphs import save_negative
from PIL import Image

from impasto.cli import film, film_jobs, stylize
from impasto.video.film import Progress

pytest.importorskip("av", reason="films need the video extra")
pytest.importorskip("cv2", reason="films need the video extra")
from films import make_film, pictures


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with one style in it."""
    save_negative(tmp_path / "checkpoints/negative/negative.onnx", name="negative")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: object) -> int:
    return stylize.main(["--model", "negative", *map(str, words)])


def files() -> set[str]:
    found = (path.relative_to(".").as_posix() for path in Path().rglob("*.*"))
    return {name for name in found if not name.startswith("checkpoints")}


def test_a_film_lies_beside_the_one_it_is_of(capsys: pytest.CaptureFixture[str]) -> None:
    make_film(Path("a.mp4"), frames=3)
    assert run("a.mp4") == 0
    assert files() == {"a.mp4", "a_negative.mp4"}
    assert len(pictures(Path("a_negative.mp4"))) == 3
    out, err = capsys.readouterr()
    assert out.startswith("a_negative.mp4  3 frames  ")
    assert err == ""
    assert run("a.mp4") == 2
    assert "a_negative.mp4 exists: --overwrite replaces it" in capsys.readouterr().err


def test_several_films_and_photographs_go_into_a_folder() -> None:
    make_film(Path("a.mp4"), frames=2)
    make_film(Path("b.avi"), frames=2, codec="mpeg4", sound="mp3")
    Image.new("RGB", (32, 24)).save("c.png")
    assert run("a.mp4", "b.avi", "c.png", "-o", "out") == 0
    made = {"out/a_negative.mp4", "out/b_negative.mp4", "out/c_negative.png"}
    assert files() == {"a.mp4", "b.avi", "c.png"} | made
    assert run("a.mp4", "b.avi", "-o", "out") == 0  # again: nothing is left to do


def folder_of_films() -> set[str]:
    """Two films of one name, a photograph, and another film in a sub-folder."""
    Path("in/sub").mkdir(parents=True)
    make_film(Path("in/a.mp4"), frames=2)
    make_film(Path("in/a.avi"), frames=2, codec="mpeg4", sound="mp3")
    make_film(Path("in/sub/b.mp4"), frames=3)
    Image.new("RGB", (32, 24)).save("in/c.png")
    return {"in/a.mp4", "in/a.avi", "in/sub/b.mp4", "in/c.png"}


def test_films_in_a_folder_are_made_too_and_mirrored(capsys: pytest.CaptureFixture[str]) -> None:
    there = folder_of_films()
    made = {f"out/{n}" for n in ("a_negative.mp4", "a.avi_negative.mp4", "c_negative.png")}
    made |= {"out/sub/b_negative.mp4"}
    assert run("in", "-o", "out", "--json") == 0
    assert files() == there | made
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["picture"] for line in lines} == made
    (line,) = (line for line in lines if line["photo"] == "in/sub/b.mp4")
    assert (line["size"], line["frames"], line["model"]) == ([64, 48], 3, "negative")
    assert line["seconds"] > 0
    assert run("in", "-o", "out", "--json") == 0
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["picture"] for line in again} == made
    assert {line["seconds"] for line in again} == {None}


def test_films_beside_theirs_are_not_made_of_those(capsys: pytest.CaptureFixture[str]) -> None:
    there = folder_of_films()
    there |= {"in/a_negative.mp4", "in/a.avi_negative.mp4", "in/sub/b_negative.mp4"}
    Path("in/c.png").unlink()
    assert run("in") == 0
    assert files() == there - {"in/c.png"}
    assert run("in", "--overwrite") == 0
    assert files() == there - {"in/c.png"}
    assert capsys.readouterr().err == ""


def test_two_folders_with_films_of_one_name_get_folders_of_their_own() -> None:
    for folder in ("in", "more"):
        Path(folder).mkdir()
        make_film(Path(folder, "a.mp4"), frames=2)
    assert run("in", "more", "-o", "out") == 0
    made = {"out/in/a_negative.mp4", "out/more/a_negative.mp4"}
    assert files() == {"in/a.mp4", "more/a.mp4"} | made
    assert run("in", "more", "-o", "out.mp4") == 2


def test_without_the_extra_photographs_of_a_folder_are_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = folder_of_films()
    monkeypatch.setattr(film_jobs, "find_spec", lambda name: None)
    assert run("in", "-o", "out") == 0
    assert files() == there | {"out/c_negative.png"}
    told = "3 films left out for want of PyAV or OpenCV: pip install 'impasto[video]'\n"
    assert told in capsys.readouterr().out


def test_one_that_fails_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.mp4").write_bytes(b"nothing")
    make_film(Path("b.mp4"), frames=2)
    assert run("a.mp4", "b.mp4") == 1
    assert files() == {"a.mp4", "b.mp4", "b_negative.mp4"}
    assert "a.mp4 cannot be read as a film" in capsys.readouterr().err
    assert run("a.mp4") == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--camera", "0"], "--camera makes one film: give -o FILE"),
        (["--camera", "99", "-o", "x.mp4"], "--camera 99 cannot be opened"),
        (["a.mp4", "b.mp4", "-o", "x.mp4"], "x.mp4 is one file for several films: name a folder"),
        (["a.mp4", "-o", "x.avi"], "cannot write a film as x.avi: its name has to end in one of"),
        (["nope.mp4"], "there is no film nope.mp4: name a file"),
        (["a.mp4", "--steady", "1"], "--steady is 1.0: give at most 0.99"),
    ],
)
def test_refusals(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    make_film(Path("a.mp4"), frames=2)
    make_film(Path("b.mp4"), frames=2)
    assert run(*words) == 2
    assert f"impasto stylize: {sentence}" in capsys.readouterr().err
    assert files() == {"a.mp4", "b.mp4"}


def test_a_file_stands_in_for_a_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    make_film(Path("a.mp4"), frames=4)
    assert run("--camera", "a.mp4", "-o", "x.mp4") == 0
    assert 1 <= len(pictures(Path("x.mp4"))) <= 4


def test_ctrl_c_tells_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_film(Path("a.mp4"), frames=9)
    with monkeypatch.context() as patch:

        def press(self: film._Line, now: Progress) -> None:
            if now.frames == 5:
                raise KeyboardInterrupt

        patch.setattr(film._Line, "__call__", press)
        assert run("a.mp4") == 130
    told = "impasto stylize: 4 frames are in a_negative.mp4, the same command goes on"
    assert told in capsys.readouterr().err
    assert len(pictures(Path("a_negative.mp4"))) == 4
    assert run("a.mp4") == 0
    assert len(pictures(Path("a_negative.mp4"))) == 9


@pytest.mark.parametrize(("module", "name"), [("av", "PyAV"), ("cv2", "OpenCV")])
def test_without_the_extra_a_sentence_says_how_to_get_it(
    module: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_film(Path("a.mp4"), frames=2)
    for loaded in [key for key in sys.modules if key.startswith("impasto.video.")]:
        if not loaded.endswith((".film", ".extra")):
            monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    assert run("a.mp4") == 2
    assert capsys.readouterr().err == (
        f"impasto stylize: films need {name}, which is not installed: "
        "pip install 'impasto[video]'\n"
    )


def test_progress_in_words() -> None:
    now = Progress(frames=100, of=250, now=50, seconds=5)
    assert film.describe("x.mp4", now) == "x.mp4  40 % of 250 frames, 10.0 a second, 15 s left"
    long = now._replace(of=40_000)
    assert film.describe("x", long).endswith("1:06:30 left")
    assert film.describe("x", now._replace(of=1000)).endswith("1:30 left")
    unknown = film.describe("x", now._replace(of=None))
    assert unknown == "x  100 frames, 10.0 a second"
    assert film.describe("x", now, live=True) == unknown + ", Ctrl-C ends it"
