"""List the learned styles there are: impasto styles

Those of ./checkpoints and those that come with impasto. Each line has the name for
`impasto stylize --model NAME`, the painting, and a picture that shows the style. Below are the
styles of paintings that were saved, for `impasto stylize --painting NAME`.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from impasto.inference.any_style import draws_any
from impasto.inference.hub import find_styles, saved_styles

PROGRAM = "impasto styles"
BASE = "base"  # the network that training starts from, no style


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        PROGRAM, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(sys.argv[1:] if argv is None else argv)
    found = [style for style in find_styles() if style.name != BASE]
    styles = [style for style in found if not draws_any(style.file)]
    wide = max([len(style.name) for style in styles], default=0)
    for style in styles:
        print(f"{style.name:<{wide}}  {style.painting}".rstrip())
        print(f"{'':<{wide}}  {_short(style.preview or style.file)}")
    if not styles:
        print("there are none yet: `impasto train --style painting.jpg` learns one")
    if saved := saved_styles():
        print("\nsaved from paintings, for --painting:")
    for name, file in saved.items():
        print(f"{name}  {_short(file)}")
    return 0


def _short(path: Path) -> str:
    """From here, if that is shorter."""
    return min(os.path.relpath(path), os.path.abspath(path), key=len)
