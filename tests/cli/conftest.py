"""What the tests of train.py share."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Flags of a run of seconds, in an empty folder, without the network or the assets."""
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save("painting.png")
    flags = "--style painting.png --photos samples --encoder lite --steps 12 --batch-size 1 "
    flags += "--image-size 32 --style-size 48 --width 4 --precision 32 --workers 1 --warmup 2"
    return flags.split()
