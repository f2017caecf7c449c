"""The folder of a run: what lies where, and whether to go on with what is there."""

import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from impasto.errors import InputError
from impasto.flags import to_yaml
from impasto.parameters import load_checkpoint
from impasto.settings import TrainSettings

# Settings that may change between two halves of a run without changing what it learns.
FREE = {
    "resume",
    "check_photos",
    "accelerator",
    "workers",
    "checkpoint_every",
    "preview_every",
    "output_dir",
}


class RunFolder:
    """`<output_dir>/{last.ckpt, config.yaml, <name>.onnx, logs/}`."""

    def __init__(self, settings: TrainSettings) -> None:
        """`settings` are resolved: name and output_dir are set."""
        self.path = Path(str(settings.output_dir))
        self.settings = settings
        self.checkpoint = self.path / "last.ckpt"
        self.config = self.path / "config.yaml"
        self.onnx = self.path / f"{settings.name}.onnx"
        self.previous = self.path / f"{settings.name}.previous.onnx"
        self.logs = self.path / "logs"
        self.difference = float("nan")  # of the last .onnx from the network, once there is one

    def prepare(self) -> Path | None:
        """Make the folder, save the settings, and find the checkpoint to go on from, if any.

        A style that a new run is going to replace is kept as `<name>.previous.onnx`.

        Raises:
            InputError: the folder cannot be written, or holds a finished run or a run of other
                settings and nobody said that it may be replaced.
        """
        resumable = self._resumable() if self.settings.resume == "auto" else None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if resumable is None and self.onnx.is_file():
                shutil.copy2(self.onnx, self.previous)
            write_atomically(self.config, lambda path: path.write_text(to_yaml(self.settings)))
        except OSError as error:
            raise InputError(
                f"cannot write to {self.path} ({error.strerror}): choose another --output-dir"
            ) from error
        return resumable

    def _resumable(self) -> Path | None:
        if not (self.checkpoint.is_file() and self.config.is_file()):
            return None
        saved = yaml.safe_load(self.config.read_text())
        differences = _differences(saved, asdict(self.settings))
        remedy = "--resume none replaces it, --name or --output-dir starts another"
        if differences:
            raise InputError(
                f"{self.path} holds a run of other settings ({'; '.join(differences)}): {remedy}"
            )
        if load_checkpoint(self.checkpoint)["global_step"] >= self.settings.steps:
            raise InputError(f"{self.path} holds this very run, finished: {remedy}")
        return self.checkpoint


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` fill a temporary file, then move it to `path` once it is safely on disk.

    Raises:
        OSError: from writing; a file already at `path` is intact.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _differences(saved: dict[str, Any], now: dict[str, Any]) -> list[str]:
    keys = [key for key in now if key not in FREE and saved.get(key) != now[key]]
    return [f"{key} {saved.get(key)} there, {now[key]} here" for key in keys]
