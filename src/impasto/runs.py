"""The folder of a run: what lies where, and whether to go on with what is there."""

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from impasto import plain_yaml
from impasto.errors import InputError
from impasto.files import REFUSED, reserve, write_atomically
from impasto.flags import to_yaml
from impasto.parameters import load_checkpoint
from impasto.runtime import Stylizer
from impasto.settings import ADDED, TrainSettings

# Settings that may change between two halves of a run without changing what it learns.
FREE = {"resume", "check_photos", "accelerator", "workers", "output_dir"}
FREE |= {"checkpoint_every", "checkpoint_minutes", "preview_every"}
REMEDY = "--resume none replaces it, --name or --output-dir starts another"
COPIES = 9  # of the parameters in a checkpoint: net and two moments, at most three times (Guard)
FILES = 3  # last, second-last and the one that is being written


class RunFolder:
    """`<output_dir>/{last.ckpt, second-last.ckpt, config.yaml, <name>.onnx, logs/}`."""

    def __init__(self, settings: TrainSettings, *, say: Callable[[str], object] = str) -> None:
        """`settings` are resolved: name and output_dir are set. `say` takes warnings."""
        self.say = say
        self.path = Path(str(settings.output_dir))
        self.settings = settings
        self.checkpoint = self.path / "last.ckpt"
        self.second_last = self.path / "second-last.ckpt"
        self.config = self.path / "config.yaml"
        self.onnx = self.path / f"{settings.name}.onnx"
        self.logs = self.path / "logs"
        self.difference = float("nan")  # of the last .onnx from the network, once there is one

    def prepare(self, *, room: int = 0, writes: bool = True) -> Path | None:
        """Make the folder, save the settings, and find the checkpoint to go on from, if any.

        What a new run is going to replace is kept as `<name>.previous.onnx` and `.previous.ckpt`.

        Args:
            room: bytes that have to fit in, see `room_for`.
            writes: whether this process does that; one of several does, all find the same.

        Raises:
            InputError: the folder cannot be written, or holds a finished run or a run of other
                settings and nobody said that it may be replaced, or nothing but damage.
        """
        resumable = self._resumable() if self.settings.resume == "auto" else None
        with self.writing():
            for stale in self.path.glob("hpc_ckpt_*.ckpt"):
                stale.unlink(missing_ok=True)  # as old as last.ckpt; a new run must not find it
            if writes:
                self.path.mkdir(parents=True, exist_ok=True)
                self._clear(resumable, room)
                text = to_yaml(self.settings)
                write_atomically(self.config, lambda path: path.write_text(text))
        return resumable

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around everything that writes.

        Raises:
            InputError: the disk is full, or may not be written.
        """
        try:
            yield
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            kept = f"; {self.checkpoint} is intact" if self.checkpoint.is_file() else ""
            raise InputError(
                f"cannot write {error.filename or self.path} ({error.strerror}): "
                f"choose another --output-dir or free some space{kept}"
            ) from error

    def _resumable(self) -> Path | None:
        kept = [path for path in (self.checkpoint, self.second_last) if path.is_file()]
        if not kept:
            return None
        if differences := _differences(_read_yaml(self.config), asdict(self.settings)):
            raise InputError(
                f"{self.path} holds a run of other settings ({'; '.join(differences)}): {REMEDY}"
            )
        for path in kept:
            step = _step_of(path)
            if step is None:
                self.say(
                    f"{path} is damaged, as if its disk had filled up or lost power: passed over"
                )
            elif step >= self.settings.steps and self._is_exported():
                raise InputError(f"{self.path} holds this very run, finished: {REMEDY}")
            else:
                return path
        raise InputError(f"{self.path} holds only damaged checkpoints: {REMEDY}")

    def _is_exported(self) -> bool:
        try:
            about = Stylizer(self.onnx).metadata
            same = not _differences(json.loads(about["settings"]), asdict(self.settings))
            return same and about["steps"] == str(self.settings.steps)
        except (InputError, KeyError, ValueError):
            return False

    def _clear(self, resumable: Path | None, room: int) -> None:
        """Put aside what is in the way, drop what a killed run left, see that the rest fits."""
        previous = self.onnx.with_suffix(".previous.onnx")
        if resumable is None and self.onnx.is_file():
            write_atomically(previous, lambda path: shutil.copy2(self.onnx, path))
        if resumable is None and self.second_last.is_file():
            self.second_last.replace(previous.with_suffix(".ckpt"))
        if resumable != self.checkpoint and self.checkpoint.is_file():
            damaged = self.path / "last.damaged.ckpt"
            self.checkpoint.replace(damaged if resumable else previous.with_suffix(".ckpt"))
        for left in [*self.path.glob(".*.tmp"), *self.path.glob(f".{self.onnx.stem}-*.onnx*")]:
            left.unlink()
        kept = sum(path.is_file() for path in (self.checkpoint, self.second_last))
        reserve(self.path, room * (FILES - kept) // FILES)


def room_for(net: nn.Module) -> int:
    """Bytes that the checkpoints of a run need at most."""
    return FILES * COPIES * sum(item.numel() * item.element_size() for item in net.parameters())


def _step_of(path: Path) -> int | None:
    """Of a checkpoint, unless it is damaged: torch itself reads over wrong checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is None:
                return int(load_checkpoint(path)["global_step"])
    except Exception:  # zipfile and torch raise whatever they stumble over
        return None
    return None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        return dict(plain_yaml.read(path))
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"there are checkpoints, but no readable {path}: {REMEDY}") from error


def _differences(saved: dict[str, Any], now: dict[str, Any]) -> list[str]:
    saved = ADDED | saved
    keys = [key for key in now if key not in FREE and saved.get(key) != now[key]]
    return [f"{key} {saved.get(key)} there, {now[key]} here" for key in keys]
