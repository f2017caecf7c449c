"""Hostile files end soon and in little memory, as a picture or as a sentence."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bad_files import encoded
from hostile import HOSTILE, SLOW

from impasto.images.decoders import FORMATS
from impasto.images.io import SUFFIXES, find_images

SECONDS, MEGABYTES = 30, 3000  # of a processor, of addresses; the largest pictures take as much
READ = f"""
import resource, sys, time
from pathlib import Path
from impasto.errors import InputError
from impasto.images.io import load_image
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + ({MEGABYTES} << 20), -1))
for path in sorted(Path("in").iterdir()):
    start = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(start) + {SECONDS}, -1))  # then it is killed
    print(path.name, end=": ", flush=True)
    try:
        said = str(load_image(path, short_side=64).shape)
    except InputError as error:
        said = str(error)
        assert said.startswith(f"cannot read {{path}}: it ") or "a side" in said, said
    print(said, flush=True)
"""


def read_all(folder: Path) -> dict[str, str]:
    """What becomes of each file in `folder`/in, in one process that may not use more."""
    command = [sys.executable, "-c", READ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert done.returncode == 0, (done.returncode, done.stdout[-300:], done.stderr[-1000:])
    return said


def write_all(folder: Path, names: set[str]) -> None:
    (folder / "in").mkdir()
    for name in names:
        HOSTILE[name](folder / "in" / name)


@pytest.mark.parametrize(
    "names", [HOSTILE.keys() - SLOW, pytest.param(HOSTILE.keys(), marks=pytest.mark.long)]
)
def test_hostile_files_end_soon_and_in_little_memory(names: set[str], tmp_path: Path) -> None:
    write_all(tmp_path, names)
    largest = max(path.stat().st_size for path in (tmp_path / "in").iterdir())
    assert largest < 5 << 20
    said = read_all(tmp_path)
    assert said.keys() == names
    assert set(tmp_path.iterdir()) == {tmp_path / "in"}
    read = sum("cannot read" not in line for line in said.values())
    print(f"{len(said)} hostile files, {read} read, the others refused in a sentence")
    assert read >= 10


@pytest.mark.long
def test_random_damage_is_a_picture_or_a_sentence(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for kind in FORMATS:
        whole = encoded(kind)
        for index in range(200):
            data = bytearray(whole)
            for _ in range(random.integers(1, 6)):  # half of them where the header is
                place = random.integers(0, 200 if random.random() < 0.5 else len(data))
                data[place % len(data)] = random.choice([0, 1, 127, 255, random.integers(256)])
            suffix = "tga" if index % 50 == 0 else kind.lower()
            (tmp_path / "in" / f"{kind}{index:03}.{suffix}").write_bytes(data)
    said = read_all(tmp_path)
    read = sum("cannot read" not in line for line in said.values())
    print(f"{len(said)} damaged files, {read} read, the others refused in a sentence")
    assert len(said) == 200 * len(FORMATS)
    assert 200 < read < len(said) - 200


def test_every_suffix_that_is_looked_for_can_be_hostile(tmp_path: Path) -> None:
    write_all(tmp_path, HOSTILE.keys() - SLOW)
    assert len(find_images(tmp_path)) == len(HOSTILE) - len(SLOW) - 4  # .j2k is none of them
    assert {path.suffix for path in (tmp_path / "in").iterdir()} <= {*SUFFIXES, ".j2k"}


def test_limits_would_be_noticed() -> None:
    """The measure itself: too much memory is an error, too much time the end."""
    code = READ.split("for path", maxsplit=1)[0] + f"bytearray(({MEGABYTES} + 50) << 20)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MemoryError" in done.stderr
    limit = "resource.setrlimit(resource.RLIMIT_CPU, (1, -1))"
    code = f"import resource\n{limit}\nwhile True: pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode < 0
    assert resource.RLIMIT_CPU >= 0
