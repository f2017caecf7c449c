"""What the benchmarks share: interleaved repeats, medians, tables, the machine in words."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from impasto.system import processor_name

PAUSE = 0.05  # s: thread pools of one library spin for a while and slow the next


def interleaved(variants: Mapping[str, Callable[[], object]], *, repeats: int) -> dict[str, float]:
    """Median seconds of each variant, run in turns, so that what disturbs one disturbs them all.

    Before every measurement a variant runs once unmeasured, to have the caches to itself.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(repeats):
        for name, run in variants.items():
            time.sleep(PAUSE)
            run()
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def machine() -> str:
    """Processor, threads, features and the versions that matter."""
    names = ("torch", "onnxruntime", "openvino")
    return ", ".join([processor_name(), *(f"{name} {_version(name)}" for name in names)])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
