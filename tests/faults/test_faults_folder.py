"""A folder among which there are bad ones, stopped, killed, with a full disk: the rest is there."""

import errno
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from bad_files import PHOTOGRAPHS, good
from graphs import save_negative
from PIL import Image

from impasto.cli import pictures, stylize
from impasto.errors import InputError
from impasto.images.io import find_images, load_image, save_image

SCRIPT = Path(__file__).parents[2] / "stylize.py"
WORDS = ["--model", "negative.onnx", "--threads", "1", "in", "-o", "out"]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    save_negative(Path("negative.onnx"))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def noise(count: int, *, side: int = 24) -> None:
    """Photographs that do not compress."""
    random = np.random.default_rng(0)
    for index in range(count):
        save_image(random.random((side, side, 3), np.float32), f"in/{index:04}.png")


def made() -> list[str]:
    """Pictures in `out`, which must be whole and right, and nothing else may lie there."""
    names = sorted(path.name for path in Path("out").iterdir())
    for name in names:
        photo = Path("in", name.replace("_negative", ""))
        np.testing.assert_allclose(load_image(Path("out", name)), 1 - load_image(photo), atol=0.01)
    return names


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=pytest.mark.long)])
def test_five_in_a_hundred_are_bad(count: int, capsys: Capture) -> None:
    bad = []
    kinds = cycle(PHOTOGRAPHS.items())
    for index in range(count):
        if index % 20:
            good(Path(f"in/{index % 7}/{index:04}.png"), size=(24, 20))
        else:
            name, (write, _) = next(kinds)
            bad.append(Path(f"in/{index:04}{name}"))
            bad[-1].parent.mkdir(exist_ok=True)
            write(bad[-1])
    begin = time.perf_counter()
    assert stylize.main(WORDS) == 1
    seconds = time.perf_counter() - begin
    out, err = capsys.readouterr()
    right = count - len(bad)
    assert len(bad) == count // 20
    assert len(find_images("out")) == out.count("\n") == right
    lines = err.splitlines()
    assert len(lines) == len(bad) + 1
    assert all(any(str(path) in line for line in lines) for path in bad)
    assert lines[-1] == f"impasto stylize: {len(bad)} of {count} pictures were not made"

    times = {path: path.stat().st_mtime_ns for path in find_images("out")}
    assert stylize.main(WORDS) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"{right} exist already: --overwrite makes them again"]
    assert err.splitlines() == lines
    for path in bad:
        path.unlink()
        good(path.with_suffix(".jpg"))
    assert stylize.main(WORDS) == 0
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (len(bad) + 1, "")
    assert len(find_images("out")) == count
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert stylize.main(WORDS) == 0
    assert capsys.readouterr().out == f"{count} exist already: --overwrite makes them again\n"
    print(f"{count} files, {len(bad)} bad: {right} pictures in {seconds:.1f} s")


def test_ctrl_c_says_how_many_are_made_and_the_same_command_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    noise(10)
    fsync, calls = os.fsync, []

    def interrupt(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 4:  # while the fourth is written
            signal.raise_signal(signal.SIGINT)
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        assert stylize.main(WORDS) == 130
    assert capsys.readouterr().err == (
        "impasto stylize: interrupted; 3 of 10 pictures are made, "
        "the same command makes the others\n"
    )
    assert len(made()) == 3
    assert stylize.main(WORDS) == 0
    assert capsys.readouterr().out.count("[7/7]") == 1
    assert len(made()) == 10


def test_what_failed_before_ctrl_c_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    noise(3)
    Path("in/0000.png").write_bytes(b"")

    def interrupt(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pictures, "write_picture", interrupt)
    assert stylize.main(WORDS) == 130
    bad, stopped = capsys.readouterr().err.splitlines()
    assert "in/0000.png: it is empty" in bad
    assert "0 of 3 pictures are made" in stopped


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_disk_that_takes_no_more_ends_it_at_once(
    code: int, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    noise(10)
    calls = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 3:
            raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert stylize.main(WORDS) == 1
    assert len(calls) == 4
    assert capsys.readouterr().err.splitlines() == [
        f"impasto stylize: cannot write out/0003_negative.png ({os.strerror(code)}): choose "
        "another place or format",
        "impasto stylize: 7 of 10 pictures were not made",
    ]
    assert len(made()) == 3
    assert stylize.main(WORDS) == 0
    assert len(made()) == 10


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """No photograph may be looked at."""

    def look(*_: object, **__: object) -> None:
        raise AssertionError("a photo was read")

    monkeypatch.setattr(stylize, "read_photo", look)


@pytest.mark.usefixtures("unread")
def test_a_folder_that_cannot_be_made_is_told_once_before_the_first_photo(capsys: Capture) -> None:
    noise(10)
    assert stylize.main(["--model", "negative.onnx", "in", "-o", "/proc/none"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "impasto stylize: cannot write /proc/none/0000_negative.png (No such file"
    )


@pytest.mark.usefixtures("unread")
def test_so_is_one_that_may_not_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    noise(10)

    def refuse(*, dir: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(dir / "tmp1"))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert stylize.main(["--model", "negative.onnx", "in"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "impasto stylize: cannot write in/0000_negative.png (Permission denied): "
    )


@pytest.mark.usefixtures("unread")
def test_so_is_a_format_that_is_none(capsys: Capture) -> None:
    noise(1)
    assert stylize.main(["--model", "negative.onnx", "in/0000.png", "-o", "out.gif"]) == 2
    assert capsys.readouterr().err.startswith(
        "impasto stylize: cannot write out.gif: the file name must end in "
    )


def test_a_picture_that_stands_in_the_way_is_one_of_many(capsys: Capture) -> None:
    noise(3)
    Path("out/0001_negative.png").mkdir(parents=True)
    assert stylize.main(WORDS) == 1
    first, count = capsys.readouterr().err.splitlines()
    assert first.startswith("impasto stylize: cannot write out/0001_negative.png (Is a directory)")
    assert count == "impasto stylize: 1 of 3 pictures were not made"


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_a_write_that_the_disk_takes_half_of_leaves_the_old_picture(
    suffix: str, tmp_path: Path
) -> None:
    """Pillow writes to a file without looking how much of it was taken."""
    path = tmp_path / f"a.{suffix}"
    old = np.zeros((20, 20, 3), np.float32)
    save_image(old, path)
    before = path.read_bytes()
    new = np.random.default_rng(0).random((150, 150, 3), np.float32)
    save_image(new, tmp_path / f"b.{suffix}")
    limit = (tmp_path / f"b.{suffix}").stat().st_size - 100
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        with pytest.raises(InputError, match=r"cannot write .* \(File too large\)"):
            save_image(new, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == [f"a.{suffix}", f"b.{suffix}", "negative.onnx"]


def start() -> subprocess.Popen[str]:
    """The command in a process of its own, after its first picture of this time."""
    command = [sys.executable, "-u", str(SCRIPT), *WORDS]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("["):
            return process
    raise AssertionError(process.communicate()[1])


def test_a_scheduler_stops_it_as_ctrl_c_does() -> None:
    noise(400)
    process = start()
    process.terminate()
    _, err = process.communicate()
    assert process.returncode == 130
    told = re.fullmatch(
        r"impasto stylize: interrupted; (\d+) of 400 pictures are made, the same command makes the "
        r"others\n",
        err,
    )
    assert told is not None
    assert len(made()) - int(told[1]) in (0, 1)  # one may just have been made
    assert 1 <= int(told[1]) < 400


@pytest.mark.long
def test_killed_again_and_again_it_ends_with_every_picture() -> None:
    noise(1500, side=96)
    random = np.random.default_rng(0)
    counts = [0]
    for _ in range(12):
        process = start()
        time.sleep(random.uniform(0, 0.15))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        for left in Path("out").glob(".*.tmp"):
            left.unlink()  # hidden, and no picture by its name
        counts.append(len(made()))
        assert counts[-1] > counts[-2]
    assert stylize.main(WORDS) == 0
    assert len(made()) == 1500
    print(f"12 kills, pictures after each {counts[1:]}, none of them broken")


@pytest.mark.long
def test_a_disk_that_is_really_full() -> None:
    """A tmpfs of 200 KiB in a mount namespace of its own."""
    noise(30, side=64)
    Path("out").mkdir()
    inside = f"""
mount -t tmpfs -o size=200k tmpfs out || exit 99
{sys.executable} {SCRIPT} {" ".join(WORDS)} >said 2>told; echo $? >code
cp -a out kept
"""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    done = subprocess.run(["unshare", "-rm", "sh", "-c", inside], check=False)
    if done.returncode:
        pytest.skip("may not mount")
    reason, count = Path("told").read_text().splitlines()
    assert "(No space left on device): " in reason
    assert Path("code").read_text() == "1\n"
    Path("out").rmdir()
    Path("kept").rename("out")
    there = len(made())
    assert 10 <= there < 30
    assert count == f"impasto stylize: {30 - there} of 30 pictures were not made"
    assert all(Image.open(path).size == (64, 64) for path in Path("out").iterdir())
    assert stylize.main(WORDS) == 0
    assert len(made()) == 30
    print(f"disk of 200 KiB: {there} of 30 pictures, all whole; the others once there was room")
