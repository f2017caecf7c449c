#!/usr/bin/env python
"""`impasto train` for a checkout: python train.py --help."""

import sys

from impasto.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
