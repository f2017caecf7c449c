"""What a run reads, whatever it is called: how a run that is gone on with is known again."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from impasto.files import sha256_of
from impasto.training.any_build import AnyInputs
from impasto.training.build import NONE, TrainingInputs
from impasto.training.warm_start import find_any, find_parameters

LOOKED_AT = 64  # files of a folder whose size counts; the names of all do
# Read again by the second half of a run: what they hold decides.
AGAIN = {"style", "encoder", "paintings"}
ONCE = {"photos", "init"}  # may have grown since, or been improved


def identify(sources: TrainingInputs | AnyInputs) -> dict[str, str]:
    """{setting: SHA-256 in hex} of all that a run reads: pictures, the encoder, the beginning.

    Folders are known by the names in them, and by some of the sizes.
    """
    init = str(sources.settings.init)
    known = {"encoder": sources.weights.sha256, "photos": _files(sources.photos)}
    if isinstance(sources, AnyInputs):
        find = find_any
        known["paintings"] = _files(sorted([*sources.paintings, *sources.held]))
    else:
        find = find_parameters
        known["style"] = sources.style_sha256
    return known | {"init": NONE if init == NONE else sha256_of(find(init))}


def is_same(
    setting: str, there: object, here: object, *, before: Mapping[str, str], now: Mapping[str, str]
) -> bool:
    """Whether two values of a setting mean the same.

    Args:
        setting: its name.
        there: the value of an earlier run.
        here: that of this one.
        before: what that run read, from `identify`; {} if nobody knows.
        now: what this one reads.
    """
    known = setting in before and setting in now
    if setting in AGAIN and known:
        return before[setting] == now[setting]
    if setting in AGAIN | ONCE:
        known_same = known and before[setting] == now[setting]
        return known_same or os.path.realpath(str(there)) == os.path.realpath(str(here))
    return there == here


def _files(paths: Sequence[Path]) -> str:
    folder = os.path.commonpath([path.parent for path in paths])
    names = [os.path.relpath(path, folder) for path in paths]
    sizes = [path.stat().st_size for path in paths[:: len(paths) // LOOKED_AT + 1] if path.exists()]
    return hashlib.sha256(repr((names, sizes)).encode()).hexdigest()
