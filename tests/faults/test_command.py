"""The commands among odd streams and names: no line that they print may cost what they make."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_files import good
from graphs import save_negative
from launch import flags, wait_for

from impasto.cli import process as command
from impasto.images.io import find_images
from impasto.inference.stylizer import Stylizer

ROOT = Path(__file__).parents[2]
WORDS = [sys.executable, str(ROOT / "stylize.py"), "--model", "negative.onnx", "in", "-o", "out"]
WORDS += ["--backend", "onnxruntime"]
LATIN = os.fsdecode(b"caf\xe9")  # a name of a disk that was written before UTF-8
NAMES = [LATIN, "日本", "naïve", "a\nb", "plain"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save_negative(Path("negative.onnx"))
    return tmp_path


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("encoding", ["utf-8:strict", "cp1252:strict", "ascii:strict"])
def test_no_name_is_too_odd_to_be_told(encoding: str) -> None:
    for name in NAMES:
        good(Path("in") / f"{name}.png")
    good(Path("in") / f"{LATIN}2.png").write_bytes(b"")  # is complained of
    env = {**os.environ, "PYTHONIOENCODING": encoding, "MPLBACKEND": "module://nowhere"}
    done = subprocess.run(WORDS, env=env, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr
    made = {path.name.removesuffix("_negative.png") for path in find_images("out")}
    assert made == set(NAMES)
    assert b"/caf\\udce9_negative.png  40x32  " in done.stdout
    assert b"in/caf\\udce92.png: it is empty" in done.stderr


@pytest.mark.usefixtures("here")
def test_lines_are_there_while_it_works() -> None:
    for index in range(400):
        good(Path("in") / f"{index}.png", size=(200, 160))
    with Path("log").open("wb") as log:
        process = subprocess.Popen(WORDS, stdout=log)
    try:
        wait_for(lambda: Path("log").read_bytes().count(b"\n") >= 1, timeout=120)
        assert process.poll() is None
        assert Path("log").read_bytes().startswith(b"[1/400] out/0_negative.png")
    finally:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("here")
def test_who_stops_reading_stops_nothing() -> None:
    for index in range(20):
        good(Path("in") / f"{index}.png")
    process = subprocess.Popen(WORDS, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()  # as head does
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait() == 0
    assert len(find_images("out")) == 20


@pytest.mark.parametrize("errors", ["strict", "surrogateescape", "replace"])
def test_only_strict_streams_are_changed(errors: str, tmp_path: Path) -> None:
    path = tmp_path / "said"
    with path.open("w", encoding="utf-8", errors=errors) as stream:
        steady = command._steady(stream)
        print(LATIN, file=steady)
        assert (
            path.read_bytes()
            == {
                "strict": b"caf\\udce9\n",
                "surrogateescape": b"caf\xe9\n",
                "replace": b"caf?\n",
            }[errors]
        )  # and at once
        steady.close()
    memory = io.StringIO()
    assert command._steady(memory) is memory


@pytest.fixture
def stops() -> Iterator[None]:
    """What the signals did before comes back."""
    before = {number: signal.getsignal(number) for number in command.STOPS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("stops")
@pytest.mark.parametrize("number", command.STOPS)
def test_the_first_stop_interrupts_and_the_next_let_it_save(number: int) -> None:
    command.stop_as_ctrl_c_does()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    for again in command.STOPS:  # shells send a second one when they go
        signal.raise_signal(again)


@pytest.mark.usefixtures("stops")
def test_what_nohup_has_ignored_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    command.stop_as_ctrl_c_does()
    signal.raise_signal(signal.SIGHUP)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.long
def test_training_among_odd_names(tmp_path: Path) -> None:
    folder = tmp_path / LATIN
    folder.mkdir()
    argv = flags(tmp_path, steps=3)
    odd = folder / f"{LATIN}.png"
    (tmp_path / "painting.png").rename(odd)
    for index in range(2):
        good(folder / f"photos/{LATIN}{index}.png")
    (folder / f"photos/{LATIN}.png").write_bytes(b"")
    argv += ["--style", str(odd), "--photos", str(folder / "photos"), "--verify-photos"]
    env = {**os.environ, "PYTHONIOENCODING": "ascii:strict", "MPLBACKEND": "module://nowhere"}
    done = subprocess.run(
        [sys.executable, "train.py", *argv], env=env, capture_output=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"try it: impasto stylize --model " in done.stdout
    assert Stylizer(tmp_path / "run/caf_.onnx").metadata["steps"] == "3"
