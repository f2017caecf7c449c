#!/usr/bin/env python
"""`impasto stylize` for a checkout: python stylize.py --help."""

import sys

from impasto.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["stylize", *sys.argv[1:]]))
