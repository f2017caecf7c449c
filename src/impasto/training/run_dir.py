"""The folder of a run: what lies where, and whether to go on with what is there."""

import json
import logging
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import onnx
from torch import nn

from impasto.config import plain_yaml
from impasto.config.parser import to_yaml
from impasto.config.renamed import complete
from impasto.config.settings import RunSettings
from impasto.errors import InputError
from impasto.files import REFUSED, check_log_folder, write_atomically
from impasto.training.budget import Budget
from impasto.training.identity import is_same
from impasto.training.warm_start import load_checkpoint

# Settings that may change between two halves of a run without changing what it learns.
FREE = {"resume", "verify_photos", "accelerator", "workers", "output_dir"}
FREE |= {"checkpoint_every", "checkpoint_minutes", "preview_every"}
REMEDY = "--resume none replaces it, --name or --output-dir starts another"
COPIES = 3  # of the parameters in a checkpoint: the network and two moments of the optimizer
MEGABYTE = 1 << 20
FILES = 3  # last, second-last and the one that is being written

logger = logging.getLogger(__name__)


class RunDir:
    """`<output_dir>`: last.ckpt, second-last.ckpt, config.yaml, sources.json, <name>.onnx, logs.

    `impasto train-any` has a <name>.encoder.onnx beside its <name>.onnx.
    """

    def __init__(
        self,
        settings: RunSettings,
        *,
        identity: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`settings` are resolved: name and output_dir are set.

        `identity` is what the run reads, from `identify`.
        """
        self.identity = dict(identity)
        self.path = Path(str(settings.output_dir))
        self.settings = settings
        self.checkpoint = self.path / "last.ckpt"
        self.second_last = self.path / "second-last.ckpt"
        self.config = self.path / "config.yaml"
        self.sources = self.path / "sources.json"
        self.onnx = self.path / f"{settings.name}.onnx"
        self.logs = self.path / "logs"
        self.difference = float("nan")  # of the last .onnx from the network, once there is one

    def prepare(self, *, room: int = 0, writes: bool = True) -> Path | None:
        """Make the folder, save the settings, and find the checkpoint to go on from, if any.

        What a new run is going to replace is kept as `<name>.previous.onnx` and `.previous.ckpt`.

        Args:
            room: bytes that have to fit in, see `disk_space_needed`.
            writes: whether this process does that; one of several does, all find the same.

        Raises:
            InputError: the folder cannot be written, or holds a finished run or a run of other
                settings and nobody said that it may be replaced, or nothing but damage.
        """
        check_log_folder(self.logs)
        resumable = self._resumable() if self.settings.resume == "auto" else None
        with self.writing():
            for stale in self.path.glob("hpc_ckpt_*.ckpt"):
                stale.unlink(missing_ok=True)  # as old as last.ckpt; a new run must not find it
            if writes:
                self.path.mkdir(parents=True, exist_ok=True)
                self._clear(resumable, room)
                text = to_yaml(self.settings)
                write_atomically(self.config, lambda path: path.write_text(text))
                known = json.dumps(self.identity, indent=2)
                write_atomically(self.sources, lambda path: path.write_text(known))
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
        if differences := self._differences(_read_yaml(self.config)):
            raise InputError(
                f"{self.path} holds a run with other settings ({'; '.join(differences)}): {REMEDY}"
            )
        for path in kept:
            reached = _reached(path)
            if reached is None:
                logger.warning("%s is damaged (a full disk or a power cut?) and was skipped", path)
            elif self._is_finished(*reached):
                raise InputError(f"{self.path} holds this run, already finished: {REMEDY}")
            else:
                return path
        raise InputError(f"{self.path} holds only damaged checkpoints: {REMEDY}")

    def _is_finished(self, step: int, elapsed: float) -> bool:
        budget = Budget(steps=self.settings.steps, minutes=self.settings.minutes)
        budget.elapsed = elapsed
        return budget.is_used_up(step) and self._is_exported(step)

    def _is_exported(self, step: int) -> bool:
        try:
            model = onnx.load(self.onnx, load_external_data=False)
            about = {item.key: item.value for item in model.metadata_props}
            same = not self._differences(json.loads(about["settings"]))
            return same and about["steps"] == str(step)
        except Exception:  # protobuf's own, for one
            return False

    def _differences(self, saved: dict[str, Any]) -> list[str]:
        """Settings of a run that was here which mean something else than those of this one."""
        saved, before, told = complete(saved), self._read_identity(), []
        for key, here in asdict(self.settings).items():
            there = saved.get(key)
            if key in FREE or is_same(key, there, here, before=before, now=self.identity):
                continue
            told.append(f"{key} {there} there, {here} here{', another file' * (there == here)}")
        return told

    def _read_identity(self) -> dict[str, str]:
        """Runs of before it was written are known by the names of what they read."""
        try:
            return dict(json.loads(self.sources.read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    def _clear(self, resumable: Path | None, room: int) -> None:
        """Put aside what is in the way, drop what a killed run left, see that the rest fits.

        Raises:
            InputError: the disk has too little room. Quotas it does not tell: there it is the first
                checkpoint that cannot be written.
        """
        previous = self.onnx.with_suffix(".previous.onnx")
        for suffix in (".onnx", ".encoder.onnx"):
            there = self.onnx.with_suffix(suffix)
            if resumable is None and there.is_file():
                write_atomically(previous.with_suffix(suffix), partial(shutil.copy2, there))
        if resumable is None and self.second_last.is_file():
            self.second_last.replace(previous.with_suffix(".ckpt"))
        if resumable != self.checkpoint and self.checkpoint.is_file():
            damaged = self.path / "last.damaged.ckpt"
            self.checkpoint.replace(damaged if resumable else previous.with_suffix(".ckpt"))
        for left in [*self.path.glob(".*.tmp"), *self.path.glob(f".{self.onnx.stem}-*.onnx*")]:
            left.unlink()
        kept = sum(path.is_file() for path in (self.checkpoint, self.second_last))
        missing, free = room * (FILES - kept) // FILES, shutil.disk_usage(self.path).free
        if free < missing:
            raise InputError(
                f"{self.path} has {free / MEGABYTE:.1f} MB of free space, this run needs "
                f"{missing / MEGABYTE:.1f}: choose another --output-dir or free some space"
            )


def disk_space_needed(learned: Iterable[nn.Parameter]) -> int:
    """Bytes that the checkpoints of a run need at most, by what it changes."""
    return FILES * COPIES * sum(item.numel() * item.element_size() for item in learned)


def _reached(path: Path) -> tuple[int, float] | None:
    """Steps and seconds of a checkpoint, unless it is damaged: torch reads over wrong checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is None:
                content = load_checkpoint(path)
                clock = content.get("callbacks", {}).get("Clock", {})
                return int(content["global_step"]), float(clock.get("elapsed", 0))
    except Exception:  # zipfile and torch raise whatever they stumble over
        return None
    return None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        return dict(plain_yaml.read(path))
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"there are checkpoints, but no readable {path}: {REMEDY}") from error
