"""A full disk, a limit, a read-only folder: found at once, or one sentence and the last file."""

import errno
import multiprocessing
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from launch import at_step, flags, run
from outcome import load

from impasto.config.settings import TrainSettings
from impasto.errors import InputError
from impasto.inference.stylizer import Stylizer
from impasto.training.callbacks.checkpoint import CheckpointFiles
from impasto.training.run_dir import RunDir

REFUSALS = [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO]


def limit_files() -> None:
    """To less than a checkpoint, as a quota or a disk that is nearly full would."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))


def refusal(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", REFUSALS)
def test_a_folder_that_cannot_be_written_is_found_before_anything_is_learned(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    def refuse(descriptor: int) -> None:
        raise refusal(number)

    monkeypatch.setattr(os, "fsync", refuse)
    folder = RunDir(TrainSettings(name="a", output_dir=str(tmp_path)))
    with pytest.raises(InputError, match=rf"cannot write .*\({os.strerror(number)}\): choose"):
        folder.prepare()
    assert list(tmp_path.iterdir()) == []


def test_a_quota_ends_the_run_at_its_first_checkpoint(tmp_path: Path) -> None:
    code, said = run(flags(tmp_path), tmp_path / "log", patch=limit_files)
    assert code == 2
    assert said.splitlines()[-1].startswith("impasto train: cannot write ")
    assert "File too large" in said
    assert "Traceback" not in said
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left == {"config.yaml", "sources.json", "logs"}


def in_a_small_disk(words: list[str], place: Path, *, size: str) -> subprocess.CompletedProcess:
    """The command where `place` is a file system of its own."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    inside = f"mount -t tmpfs -o size={size} tmpfs {place} || exit 99\nexec {shlex.join(words)}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", inside],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 99:
        pytest.skip("may not mount")
    return done


@pytest.mark.long
def test_a_disk_without_room_is_found_before_anything_is_learned(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    words = [sys.executable, "train.py", *flags(tmp_path)]
    done = in_a_small_disk(words, tmp_path / "run", size="100k")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        f"impasto train: {tmp_path}/run has 0.1 MB of free space, this run needs"
    )
    assert "learning" not in done.stdout


def test_a_disk_that_fills_up_ends_the_run_and_leaves_the_last_good_files(tmp_path: Path) -> None:
    argv = flags(tmp_path)
    code, said = run(argv, tmp_path / "log", patch=lambda: at_step(7, limit_files))
    assert (code, said.splitlines()[-1].count("last.ckpt is intact")) == (2, 1)
    assert "Traceback" not in said
    assert load(tmp_path / "run/last.ckpt", "global_step")["global_step"] == 5
    assert Stylizer(tmp_path / "run/painting.onnx").metadata["steps"] == "5"
    assert not list((tmp_path / "run").glob(".*"))
    assert run(argv, tmp_path / "log")[0] == 0  # with room again it goes on to the end


@pytest.mark.parametrize("number", REFUSALS)
def test_a_checkpoint_that_fails_leaves_both_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    folder = RunDir(TrainSettings(name="a", output_dir=str(tmp_path)))
    files = CheckpointFiles(folder)
    for step in (1, 2):
        files.save_checkpoint({"global_step": step}, folder.checkpoint)

    def refuse(descriptor: int) -> None:
        raise refusal(number)

    def save() -> None:
        with folder.writing():
            files.save_checkpoint({"global_step": 3}, folder.checkpoint)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(InputError, match=r"last\.ckpt is intact"):
            save()
    steps = [load(path, "global_step") for path in (folder.second_last, folder.checkpoint)]
    assert steps == [{"global_step": 1}, {"global_step": 2}]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.ckpt", "second-last.ckpt"]


def test_what_is_no_fault_of_the_disk_is_not_blamed_on_it(tmp_path: Path) -> None:
    folder = RunDir(TrainSettings(name="a", output_dir=str(tmp_path)))
    with pytest.raises(OSError, match="Bad address"), folder.writing():
        raise refusal(errno.EFAULT)


@pytest.mark.long
@pytest.mark.parametrize("workers", [[], ["--workers", "2"]])
def test_a_megabyte_of_shared_memory(tmp_path: Path, workers: list[str]) -> None:
    """Half of it for a batch: read by the run itself, or refused, but no bus error."""
    argv = flags(tmp_path, steps=2, batch_size=2, image_size=256)
    at = argv.index("--workers")
    words = [sys.executable, "train.py", *argv[:at], *argv[at + 2 :], *workers]
    done = in_a_small_disk(words, Path("/dev/shm"), size="1m")
    if workers:
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line == (
            "impasto train: /dev/shm has 1.0 MB, too little for --workers 2: give 0, or docker run "
            "--shm-size=1g"
        )
    else:
        assert done.returncode == 0, done.stderr
        assert "/dev/shm has 1.0 MB, enough for 0 of " in done.stdout


def test_a_reader_that_is_killed_is_one_sentence_and_costs_no_checkpoint(tmp_path: Path) -> None:
    def lose() -> None:
        for child in multiprocessing.active_children():
            os.kill(child.pid or 0, signal.SIGKILL)

    code, said = run(
        flags(tmp_path, steps=100_000), tmp_path / "log", patch=lambda: at_step(7, lose)
    )
    assert code == 2, said
    assert "impasto train: lost a process that read photographs, " in said.splitlines()[-1]
    assert "Traceback" not in said
    assert load(tmp_path / "run/last.ckpt", "global_step")["global_step"] == 5
