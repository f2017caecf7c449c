"""impasto analyze NAME [flags]: one command a study."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

from impasto.analysis import STUDIES
from impasto.cli.process import run_command
from impasto.config.analysis import SETTINGS
from impasto.config.parser import parse
from impasto.errors import InputError, train_extra
from impasto.system import keep_freed_memory

PROGRAM = "impasto analyze"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a study; returns the exit code: 0, 2 for bad input, 130 after Ctrl-C."""
    name, *flags = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("-h", "--help"):
        print(listing())
        return 0

    def work() -> int:
        with train_extra():
            study(name, flags)
        return 0

    return run_command(PROGRAM, work, interrupted="stopped", below_a_bar=True)


def listing() -> str:
    """What there is, a line a study."""
    lines = (f"  {name:<12} {what}" for name, what in STUDIES.items())
    return "\n".join([f"usage: {PROGRAM} NAME [flags], NAME --help for its flags", "", *lines])


def study(name: str, flags: Sequence[str]) -> None:
    """Read the flags of a study and run it under a progress bar.

    Raises:
        InputError: no such study, or a wrong flag, or whatever the study refuses.
    """
    if name not in STUDIES:
        raise InputError(f"there is no study {name!r}: choose from {', '.join(STUDIES)}")
    settings = parse(SETTINGS[name], flags, description=STUDIES[name], program=f"{PROGRAM} {name}")
    from tqdm import tqdm

    module: Any = importlib.import_module(f"impasto.analysis.{name}")  # torch comes only now
    keep_freed_memory()
    form = "{percentage:3.0f} %|{bar:20}| {elapsed} < {remaining}, {desc}"
    with tqdm(bar_format=form, dynamic_ncols=True, leave=False, disable=None) as bar:

        def tick(done: float, total: float, doing: str) -> None:
            bar.total = total
            bar.set_description_str(doing, refresh=False)
            bar.update(done - bar.n)

        module.run(settings, tick=tick)
    print(f"written to {settings.output}")
