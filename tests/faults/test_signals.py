"""Signals at bad moments, also from every side at once: a run ends, and so does all it started."""

import contextlib
import fcntl
import os
import random
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from launch import Run, at_step, flags, run, wait_for
from outcome import load
from PIL import Image

from impasto.inference.stylizer import Stylizer
from impasto.training.callbacks.checkpoint import ExportOnnx
from impasto.training.callbacks.progress import BudgetBar

ROOT = Path(__file__).parents[2]
GONE_AFTER = 20  # seconds


def tell(number: int) -> None:
    os.kill(os.getpid(), number)


def left(leader: int) -> list[int]:
    """The processes of a session or a group that still run."""
    alive = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group, session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has just ended
            continue
        if leader in (int(group), int(session)) and state != "Z":
            alive.append(int(stat.parent.name))
    return alive


def python(code: str, *words: str) -> subprocess.Popen[str]:
    """A process that runs `code`, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


LOADS = """
import os, signal, sys
from impasto.data.datamodule import PhotoDataModule
from impasto.images.io import sample_photos

def main():
    batches = iter(PhotoDataModule(paths=sample_photos(), size=32, workers=2).train_dataloader())
    next(batches)
    kept.append(batches)  # as an exception or a cycle of references may keep it
    print("reading", flush=True)
    {end}

if __name__ == "__main__":
    kept = []
    main()
"""
ENDS = {
    "exit": ("sys.exit(3)", 3),
    "exception": ("raise ZeroDivisionError", 1),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    "term": ("os.killpg(0, signal.SIGTERM)", -signal.SIGTERM),
}


@pytest.mark.parametrize("how", ENDS)
def test_what_reads_photographs_ends_with_the_process_that_learns(how: str) -> None:
    end, code = ENDS[how]
    process = python(LOADS.format(end=end))
    try:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == code
        wait_for(lambda: not left(process.pid), timeout=GONE_AFTER)
    finally:
        for still in left(process.pid):
            os.kill(still, signal.SIGKILL)
    assert said.startswith("reading\n")
    assert "killed by signal" not in said  # what torch says of processes that were lost


CHECKS = """
from pathlib import Path
from impasto.data.verify import scan
if __name__ == "__main__":
    next(scan([Path(name) for name in {paths}] * 4000, size=256, workers=2))
    print("checking", flush=True)
    import os, signal
    os.kill(os.getpid(), signal.{name})
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_what_checks_photographs_ends_with_its_parent(name: str, tmp_path: Path) -> None:
    script = tmp_path / "checks.py"  # spawned processes import it
    photos = [str(path) for path in (ROOT / "src/impasto/samples").glob("*.jpg")]
    script.write_text(CHECKS.format(paths=photos, name=name))
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.wait(120) == -getattr(signal, name)
        wait_for(lambda: not left(process.pid), timeout=GONE_AFTER)
    finally:
        for still in left(process.pid):
            os.kill(still, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_may_be_told_twice(number: int, tmp_path: Path) -> None:
    """Shells and schedulers do, each for a reason of its own."""
    code, said = run(
        flags(tmp_path),
        tmp_path / "log",
        patch=lambda: at_step(12, lambda: (tell(number), tell(number))),
    )
    assert code == 128 + number
    assert f"stopped by {signal.Signals(number).name}: the same command goes on" in said
    assert load(tmp_path / "run/last.ckpt", "global_step")["global_step"] == 13
    assert Stylizer(tmp_path / "run/painting.onnx").metadata["steps"] == "13"


def test_a_second_ctrl_c_ends_it_at_once_and_says_so(tmp_path: Path) -> None:
    twice = [signal.SIGINT, signal.SIGINT]
    code, said = run(
        flags(tmp_path), tmp_path / "log", patch=lambda: at_step(12, lambda: [*map(tell, twice)])
    )
    assert code == 130
    assert said.endswith("impasto train: stopped at once: the same command goes on from here\n")
    assert load(tmp_path / "run/last.ckpt", "global_step")["global_step"] == 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_before_the_first_step_it_ends_with_a_sentence_and_a_code(
    number: int, tmp_path: Path
) -> None:
    def early() -> None:
        start = BudgetBar.on_train_start
        BudgetBar.on_train_start = lambda *args: (tell(number), start(*args))  # type: ignore[method-assign]

    code, said = run(flags(tmp_path), tmp_path / "log", patch=early)
    assert code == 130
    assert said.endswith("impasto train: stopped at once: the same command goes on from here\n")
    assert run(flags(tmp_path), tmp_path / "log")[0] == 0


def test_a_closed_terminal_leaves_what_nohup_protects(tmp_path: Path) -> None:
    def nohup() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        at_step(12, lambda: tell(signal.SIGHUP))

    assert run(flags(tmp_path), tmp_path / "log", patch=nohup)[0] == 0
    assert load(tmp_path / "run/last.ckpt", "global_step")["global_step"] == 24


def in_the_last_export(number: int) -> Callable[[], None]:
    def patch() -> None:
        end = ExportOnnx.on_fit_end
        ExportOnnx.on_fit_end = lambda *args: (tell(number), end(*args))  # type: ignore[method-assign]

    return patch


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_in_the_last_second_nothing_is_lost(number: int, tmp_path: Path) -> None:
    going = Run(flags(tmp_path), tmp_path / "log", patch=in_the_last_export(number))
    assert going.end() == -number
    assert load(tmp_path / "run/last.ckpt", "global_step")["global_step"] == 24
    assert Stylizer(tmp_path / "run/painting.onnx").metadata["steps"] == "24"


def on_a_terminal(argv: list[str]) -> tuple[subprocess.Popen[bytes], int]:
    """The command in the foreground of a terminal, and the descriptor that keeps that open."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))  # room for a bar
    own = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    own += "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    process = subprocess.Popen(
        [sys.executable, "-c", own, *argv],
        **dict.fromkeys(("stdin", "stdout", "stderr"), slave),
        start_new_session=True,
        cwd=ROOT,
    )
    os.close(slave)
    return process, master


@pytest.mark.long
def test_a_terminal_that_is_closed_loses_nothing(tmp_path: Path) -> None:
    more = {"steps": 100_000, "checkpoint_every": 100_000, "workers": 2}
    argv = ["train.py", *flags(tmp_path, **more)]
    process, master = on_a_terminal(argv)
    said = b""
    while b"content=" not in said:  # the bar, once it has steps to show
        said += os.read(master, 1 << 16)
    os.close(master)
    assert process.wait(600) == 128 + signal.SIGHUP
    wait_for(lambda: not left(process.pid), timeout=GONE_AFTER)
    step = load(tmp_path / "run/last.ckpt", "global_step")["global_step"]
    assert Stylizer(tmp_path / "run/painting.onnx").metadata["steps"] == str(step)


@pytest.mark.long
def test_nor_does_it_of_gatys_method(tmp_path: Path) -> None:
    words = flags(tmp_path)[:8]  # painting, encoder, a folder that is not needed, a layer
    del words[4:6]
    words += ["--style-layers", "relu1_1", "--size", "64", "--iterations", "100000"]
    picture = tmp_path / "made.png"
    argv = ["stylize.py", *words, "-o", str(picture), "--print-every", "1"]
    process, master = on_a_terminal([*argv, str(tmp_path / "painting.png")])
    said = b""
    while b"iteration 3: " not in said:
        said += os.read(master, 1 << 16)
    os.close(master)
    assert process.wait(600) == 130
    assert Image.open(picture).size == (64, 64)


MOMENTS = 40
NUMBERS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL]


@pytest.mark.long
def test_signals_at_random_moments_leave_no_process(tmp_path: Path) -> None:
    argv = [*flags(tmp_path, steps=30, workers=2), "--resume", "none"]
    began = time.monotonic()
    assert run(argv, tmp_path / "log")[0] == 0
    seconds = time.monotonic() - began
    draw, ends = random.Random(0), dict[str, int]()
    for index in range(MOMENTS):
        number = draw.choice(NUMBERS)
        going = Run(argv, tmp_path / "log")
        # every other one in the last second, or what is that of a slow machine
        begin = max(seconds - 1, 0.8 * seconds) if index % 2 else 0
        going.process.join(draw.uniform(begin, seconds))
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if draw.random() < 0.5 else os.kill)(going.pid, number)
        code = going.end(GONE_AFTER + seconds)  # which may have been at its beginning
        wait_for(lambda leader=going.pid: not left(leader), timeout=GONE_AFTER)  # type: ignore[misc]
        early = {1} if number == signal.SIGINT else set()  # before the command itself
        assert code in {0, -number, 128 + number, 130} | early, going.said
        key = f"{number.name} {code}"
        ends[key] = ends.get(key, 0) + 1
    print(f"{MOMENTS} signals within {seconds:.1f} s, no process left: {ends}")
