"""All speed tables: prints them and puts them into docs/performance.md (`make bench`)."""

import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
BENCHMARKS = {
    "floors": [],
    "train_speed": [],
    "data_speed": [],
    "precision_curves": ["--plot", "docs/precision_curves.png"],
    "stylize_speed": [],
    "film": ["--strip", "docs/film.jpg"],
    "size_cost": ["--plot", "docs/size_cost.png"],
    "large_pictures": [],
}


def main() -> int:
    """Run one after the other; a table that fails leaves the old one, and the exit code is 1."""
    failed = False
    for name, words in BENCHMARKS.items():
        start = time.perf_counter()
        command = [sys.executable, str(HERE / f"{name}.py"), *words]
        done = subprocess.run(
            command, cwd=HERE.parent, check=False, stdout=subprocess.PIPE, text=True
        )
        print(f"## {name}, {time.perf_counter() - start:.0f} s\n\n{done.stdout}", flush=True)
        if done.returncode:
            failed = True
            continue
        write(name, done.stdout.strip())
    return int(failed)


def write(name: str, text: str) -> None:
    """Replace what stands between the two marks of a benchmark."""
    marks = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(marks.sub(lambda m: f"{m[1]}\n{text}\n\n{m[2]}", page), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
