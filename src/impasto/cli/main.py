"""The command `impasto`: impasto stylize photo.jpg, impasto train --style painting.jpg."""

import importlib
import sys
from collections.abc import Sequence

from impasto import __version__
from impasto.cli.process import complain, prepare

COMMANDS = {
    "stylize": "make pictures of photographs in a learned style, in seconds",
    "styles": "list the learned styles there are",
    "train": "learn the style of a painting, in minutes to hours",
    "train-any": "learn to take the style of any painting, in hours",
    "gatys": "paint one photograph after any painting with Gatys' method, in minutes",
    "analyze": "measure and compare styles and methods",
    "serve": "stylize in a page of your browser",
    "distill": "make a small encoder from a large one",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code: 0, 2 for bad input, 130 after Ctrl-C."""
    name, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    prepare()
    if name in ("-h", "--help"):
        print(listing())
        return 0
    if name == "--version":
        print(f"impasto {__version__}")
        return 0
    if name not in COMMANDS:
        complain("impasto", f"there is no command {name!r}: {', '.join(COMMANDS)}")
        return 2
    code: int = importlib.import_module(module_of(name)).main(rest)
    return code


def module_of(name: str) -> str:
    """Where a command is: impasto.cli.train_any for train-any."""
    return f"impasto.cli.{name.replace('-', '_')}"


def listing() -> str:
    """What there is, a line a command."""
    lines = (f"  {name:<10} {what}" for name, what in COMMANDS.items())
    usage = "usage: impasto COMMAND [flags]"
    return "\n".join([usage, "", *lines, "", "impasto COMMAND --help shows its flags"])
