"""A film that is being made: what is done of it, on disk, so that nothing is done twice.

Beside `out.mp4` lies `.out.mp4.part`, a folder with a file for every few seconds, each of which
begins with a whole picture, and what the next one needs to know. Joined they are the film, with no
frame encoded again.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from impasto.errors import InputError
from impasto.files import unwritable, write_atomically


class Memory(NamedTuple):
    """What `steady` remembers: the averages before and behind the network, (H, W, 3)."""

    mean: Any
    stylized: Any


class Saved(NamedTuple):
    """How far a film is."""

    segments: int = 0
    frames: int = 0
    memory: Memory | None = None


class PartialFilm:
    """The folder of a film that is being made."""

    def __init__(self, target: Path) -> None:
        """`target` is the film that it becomes."""
        self.target = target
        self.folder = target.with_name(f".{target.name}.part")
        self._about = self.folder / "about.json"
        self._state = self.folder / "state.npz"

    def is_there(self) -> bool:
        """Whether a film was begun and not finished."""
        return self._about.is_file()

    def begin(self, about: Mapping[str, Any], *, overwrite: bool = False) -> Saved:
        """Make the folder, or find out how far an earlier run came.

        Args:
            about: all that decides what the frames look like.
            overwrite: begin again where that was another.

        Raises:
            InputError: the folder cannot be made, or belongs to a film with other settings.
        """
        text = json.dumps(about, indent=1, sort_keys=True, default=str)
        if self.is_there():
            if self._about.read_text(encoding="utf-8") == text:
                return self._load()
            if not overwrite:
                raise InputError(
                    f"{self.target} was begun from another film or with other settings: "
                    "--overwrite begins again"
                )
            self.remove()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._about, lambda path: path.write_text(text, encoding="utf-8"))
        except OSError as error:
            raise unwritable(self.target, error) from error
        return Saved()

    def segment(self, index: int) -> Path:
        """The file of a segment."""
        return self.folder / f"{index:06}.nut"

    def save(self, saved: Saved) -> None:
        """Note that so many segments are whole. A crash after this loses none of them."""
        values: dict[str, Any] = {"progress": np.array([saved.segments, saved.frames])}
        if saved.memory is not None:
            values |= {k: v for k, v in saved.memory._asdict().items() if v is not None}

        def write(path: Path) -> None:
            with path.open("wb") as file:
                np.savez(file, **values)

        write_atomically(self._state, write)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _load(self) -> Saved:
        if not self._state.is_file():
            return Saved()
        with np.load(self._state, allow_pickle=False) as values:
            segments, frames = values["progress"].tolist()
            memory = Memory(*(values.get(name) for name in Memory._fields))
        return Saved(segments, frames, memory if memory.mean is not None else None)
