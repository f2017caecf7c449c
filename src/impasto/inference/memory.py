"""How much memory there is, and how much of it a picture may take."""

import ctypes
import os
import sys
from pathlib import Path

UNKNOWN = 4e9  # bytes that are taken for free where the system does not say
GROUPS = (
    ("memory.max", "memory.current"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
    ),
)  # of a container: control groups, versions 2 and 1


def free_memory() -> float:
    """Bytes that can be had without swapping, in this container if it is one."""
    free = [_of_machine()]
    for limit, used in GROUPS:
        try:
            bounds = [float(Path("/sys/fs/cgroup", name).read_text()) for name in (limit, used)]
            free.append(bounds[0] - bounds[1])
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return max(0.0, min(free))


def used_memory() -> float:
    """Bytes that this process takes now; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return float(pages * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, IndexError):
        return 0.0


def give_back_memory() -> bool:
    """Have glibc give back what is free, even where a program had it keep that; False elsewhere."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (OSError, AttributeError):
        return False


def _of_machine() -> float:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(float(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
    except (OSError, ValueError, StopIteration):
        pass
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) / 2
    except (AttributeError, OSError, ValueError):  # Windows
        return UNKNOWN
