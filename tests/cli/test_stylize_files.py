"""Pipes, folders that collide, several styles, contact sheets, lines of JSON."""

import io
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import save_negative
from PIL import Image
from PIL.ExifTags import IFD, Base

from impasto.cli import stylize
from impasto.cli.outputs import Job
from impasto.cli.pipeline import IN_FLIGHT, Pipeline
from impasto.errors import InputError
from impasto.images.photo import Photo

ROOT = Path(__file__).parents[2]
TEAL, ORANGE = (0, 128, 128), (255, 127, 127)  # a photograph, and what the negative makes of it
Capture = pytest.CaptureFixture[str]


def photo(name: str, *, size: tuple[int, int] = (20, 16), color: Any = TEAL) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(name, **({"quality": 100} if name[-3:] == "jpg" else {}))
    return name


def run(*words: str, model: tuple[str, ...] = ("negative",)) -> int:
    return stylize.main(["--model", *model, *words])


def files(folder: str = ".") -> set[str]:
    """What lies below a folder, apart from the styles."""
    found = {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.*")}
    return {name for name in found if not name.startswith("checkpoints")}


def near(path: str | io.BytesIO, color: tuple[int, ...]) -> bool:
    with Image.open(path) as image:
        return bool(np.abs(np.subtract(image.convert("RGB").getpixel((3, 3)), color)).max() <= 2)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder with two styles in it."""
    for name in ("negative", "other"):
        save_negative(tmp_path / f"checkpoints/{name}/{name}.onnx", name=name)
    monkeypatch.chdir(tmp_path)


def give(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """As stdin."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("suffix", "words", "kind"),
    [
        ("jpg", ["-", "-o", "-"], "JPEG"),
        ("png", ["-"], "PNG"),
        ("bmp", ["-", "-o", "-"], "PNG"),
        ("jpg", ["-", "-o", "-", "--format", "webp"], "WEBP"),
        ("png", ["-", "--output=-", "--format", "tif", "--depth", "16"], "TIFF"),
    ],
)
def test_from_stdin_to_stdout(
    suffix: str,
    words: list[str],
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    give(monkeypatch, Path(photo(f"a.{suffix}")).read_bytes())
    assert run(*words) == 0
    out, err = capfdbinary.readouterr()
    if "--depth" not in words:
        assert near(io.BytesIO(out), ORANGE)
        assert Image.open(io.BytesIO(out)).format == kind
    else:
        assert out.startswith(b"II*\0")
    assert err.startswith(b"[1/1] -  20x16")
    assert files() == {f"a.{suffix}"}


def test_a_real_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Path(photo("a.jpg")).read_bytes()
    words = [sys.executable, str(ROOT / "stylize.py"), "--model", "negative", "-", "-o", "-"]
    done = subprocess.run(words, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert near(io.BytesIO(done.stdout), ORANGE)
    assert done.stdout.endswith(b"\xff\xd9")
    if Path("/dev/full").exists():
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                words, input=data, stdout=full, stderr=subprocess.PIPE, check=False
            )
        assert done.returncode == 2
        assert b"cannot write stdout (No space left on device)" in done.stderr


@pytest.mark.parametrize(
    ("data", "words", "said"),
    [
        (b"", ["-"], "nothing came from stdin"),
        (b"no picture", ["-"], "cannot read the picture: it is not an image"),
        (b"x", ["-", "a.png", "-o", "-"], "stdout takes one picture of 2: -o names a folder"),
        (b"x", ["-", "--contact-sheet", "s.jpg"], "s.jpg shows pictures that are files"),
        (b"x", ["a.png", "-o", "b.jpg", "--depth", "16"], "cannot write b.jpg with 16 bits"),
        (b"x", ["a.png", "--format", "jpg", "--depth", "16"], "with 16 bits"),
        (b"x", ["a.png", "--depth", "16", "--keep-profile"], "--keep-profile is for 8 bits"),
    ],
)
def test_what_does_not_fit_together(
    data: bytes, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    photo("a.png")
    give(monkeypatch, data)
    assert run(*words) == 2
    out, err = capfd.readouterr()
    assert said in err
    assert out == ""
    assert files() == {"a.png"}


def test_stdin_among_others_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, Path(photo("a.jpg")).read_bytes())
    assert run("-", "a.jpg", "-o", "out") == 0
    assert files("out") == {"stdin_negative.jpg", "a_negative.jpg"}


def test_several_styles_make_a_picture_each() -> None:
    photo("in/a.png")
    photo("in/x/b.jpg")
    assert run("in", "-o", "out", model=("negative", "checkpoints/other/other.onnx")) == 0
    made = {f"{name}_{style}" for name in ("a", "x/b") for style in ("negative", "other")}
    assert {name.rsplit(".", 1)[0] for name in files("out")} == made
    assert all(near(f"out/{name}", ORANGE) for name in files("out"))
    assert run("in", model=("other", "negative")) == run("in", model=("negative", "other")) == 0
    assert len(files("in")) == 2 + 4  # results are no photographs


def test_styles_of_one_name_are_told_apart(capsys: Capture) -> None:
    save_negative(Path("again.onnx"), name="negative")
    assert run(photo("a.png"), model=("negative", "again.onnx")) == 0
    assert files() == {"again.onnx", "a.png", "a_negative.png", "a_negative-2.png"}
    assert run("a.png", "-o", "b.png", model=("negative", "other")) == 2
    assert "b.png is one file for 2 pictures: name a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        (["--model", "other", "a.jpg"], ["--model", "other", "a.jpg"]),
        (["--model", "other", "negative", "a"], ["--model", "other,negative", "a"]),
        (
            ["a", "--model", "x.onnx", "y.onnx", "-o", "b"],
            ["a", "--model", "x.onnx,y.onnx", "-o", "b"],
        ),
        (["other", "negative"], ["other", "negative"]),
        (["--model", "other", "./negative"], ["--model", "other", "./negative"]),
    ],
)
def test_what_follows_a_model_is_one_if_it_is_called_so(
    words: list[str], joined: list[str]
) -> None:
    assert stylize.with_models_joined(words) == joined


def test_one_format_for_all_tells_names_apart() -> None:
    for name in ("in/a.jpg", "in/a.png", "in/b.jpeg", "in/c.tif"):
        photo(name)
    assert run("in", "-o", "out", "--format", "png") == 0
    made = {"a.jpg_negative.png", "a_negative.png", "b_negative.png", "c_negative.png"}
    assert files("out") == made
    assert run("in", "--format", "jpg") == 0
    beside = {"a_negative.jpg", "a.png_negative.jpg", "b_negative.jpeg", "c_negative.jpg"}
    before = files("in")
    assert beside < before
    assert run("in", "--format", "png") == 0  # results of another format are no photographs
    assert files("in") - before == made


def test_two_folders_with_a_name_in_common_get_one_each(capsys: Capture) -> None:
    photo("2025/a.png", color="white")
    photo("2026/a.png")
    assert run("2025", "2026/", "-o", "out") == 0
    assert files("out") == {"2025/a_negative.png", "2026/a_negative.png"}
    assert near("out/2025/a_negative.png", (0, 0, 0))
    assert near("out/2026/a_negative.png", ORANGE)
    assert run("2025", "2026", "-o", "out") == 0
    assert "2 exist already" in capsys.readouterr().out


def test_depth_and_metadata_reach_the_file() -> None:
    block = Image.Exif()
    block[Base.DateTime], block[IFD.Exif] = "2026:11:26 19:00:00", {Base.ISOSpeedRatings: 200}
    Image.new("RGB", (20, 16), TEAL).save("a.jpg", exif=block)
    assert run("a.jpg", "--depth", "16") == 0
    with Image.open("a_negative.png") as image:
        assert image.getexif()[Base.DateTime] == "2026:11:26 19:00:00"
        assert image.getexif().get_ifd(IFD.Exif)[Base.ISOSpeedRatings] == 200
    assert Path("a_negative.png").read_bytes()[24] == 16  # bits, in IHDR
    assert run("a.jpg", "-o", "b.jpg", "--strip") == 0
    assert not Image.open("b.jpg").getexif()


def test_json_is_a_line_a_picture_and_all_there_is(capsys: Capture) -> None:
    photo("in/a.png")
    photo("in/c.jpg", size=(30, 18))
    Path("in/b.png").write_text("no picture")
    assert run("in", "-o", "out", "--json", model=("negative", "other")) == 1
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["photo"], line["model"]) for line in lines] == [
        (f"in/{name}", style)
        for name in ("a.png", "b.png", "c.jpg")
        for style in ("negative", "other")
    ]
    for line in lines:
        assert set(line) == {"photo", "picture", "model", "size", "seconds", "error"}
        assert Path(line["picture"]).is_file() == (line["error"] is None)
    assert lines[5]["size"] == [30, 18]
    assert 0 < lines[5]["seconds"] < 60
    assert lines[2]["error"].startswith("cannot read in/b.png: it is not an image")
    assert lines[2]["size"] is None
    assert "[1/6] out/a_negative.png" in err
    assert err.count("cannot read in/b.png") == 1

    assert run("in", "-o", "out", "--json") == 1  # the second time
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["seconds"], line["error"] is None) for line in lines] == [
        (None, True),
        (None, True),
        (None, False),
    ]


def test_a_contact_sheet_has_every_picture(capsys: Capture) -> None:
    photo("in/a.png", size=(40, 20))
    photo("in/b.jpg", size=(40, 20))
    Path("in/c.png").write_text("no picture")
    assert run("in", "-o", "out", "--contact-sheet", "s.png", model=("negative", "other")) == 1
    sheet = np.asarray(Image.open("s.png")).astype(int)
    # Two rows of three cells of 320 x 160, captions of 22, 8 between cells, 24 around.
    assert sheet.shape == (2 * (160 + 22) + 3 * 24, 3 * 320 + 2 * 8 + 2 * 24, 3)
    for row in range(2):
        for column, color in enumerate([TEAL, ORANGE, ORANGE]):
            cell = sheet[24 + row * 206 :, 24 + column * 328 :][:160, :320]
            assert np.abs(cell - color).max() <= 3
            caption = sheet[24 + row * 206 + 160 :, 24 + column * 328 :][:22, :320]
            assert 30 < (caption.min(axis=2) < 128).sum() < 1000
    assert f"s.png  {sheet.shape[1]}x{sheet.shape[0]}" in capsys.readouterr().out
    for name in ("s.png", "in/a.png"):
        assert run("in", "-o", "new", "--contact-sheet", name) == 2
        assert name in capsys.readouterr().err
    assert not Path("new/a_negative.png").exists()


def job(index: int) -> Job:
    path = Path(f"{index}.png")
    return Job(path, path, "style", path, "PNG")


def steps(**changes: Any) -> Pipeline:
    """Of tiny pictures, in which nothing takes time."""
    usual: dict[str, Any] = {
        "read": lambda _: Photo(
            image=Image.new("RGB", (2, 3)), alpha=None, profile=None, exif=None
        ),
        "paint": lambda image, job, watch: image,
        "pack": lambda photo, pixels, job: b"",
        "place": lambda job, data: None,
    }
    return Pipeline(**usual | changes)


def test_steps_overlap_and_few_are_under_way() -> None:
    begun: list[int] = []
    at_work = threading.Barrier(3)  # nobody passes before all three are there

    def read(job: Job) -> Photo:
        begun.append(int(job.photo.stem))
        if job.photo.stem == "2":
            at_work.wait(60)
        return Photo(image=Image.new("RGB", (2, 3)), alpha=None, profile=None, exif=None)

    def paint(image: Any, job: Job, watch: Any) -> Any:
        if job.photo.stem == "1":
            at_work.wait(60)
        return image

    def pack(photo: Photo, pixels: Any, job: Job) -> bytes:
        if job.photo.stem == "0":
            at_work.wait(60)
        return job.photo.stem.encode()

    placed: list[bytes] = []
    pipeline = steps(read=read, paint=paint, pack=pack, place=lambda _, data: placed.append(data))
    for done, (_, finish) in enumerate(pipeline.run([job(index) for index in range(9)])):
        assert finish() == (3, 2)
        assert max(begun) < done + IN_FLIGHT
    assert placed == [b"%d" % index for index in range(9)]


@pytest.mark.parametrize("step", ["read", "paint", "pack", "place"])
def test_what_fails_is_raised_at_its_turn(step: str) -> None:
    usual = getattr(steps(), step)

    def fail(*given: Any) -> Any:
        which = next(item for item in given if isinstance(item, Job))
        if which.photo.stem == "1":
            raise InputError("this one")
        return usual(*given)

    ends = []
    for _, finish in steps(**{step: fail}).run([job(index) for index in range(4)]):
        try:
            ends.append(finish())
        except InputError as error:
            ends.append(str(error))
    assert ends == [(3, 2), "this one", (3, 2), (3, 2)]


def test_who_stops_early_leaves_no_thread_behind() -> None:
    def paint(image: Any, job: Job, watch: Any) -> Any:
        while job.photo.stem != "0":  # a long one, tile by tile
            watch(0, 1)
            time.sleep(0.001)
        return image

    before = threading.active_count()
    going = steps(paint=paint).run([job(index) for index in range(9)])
    next(going)[1]()
    going.close()
    assert threading.active_count() == before
