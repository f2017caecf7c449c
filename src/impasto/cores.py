"""How many cores there are for us."""

import os


def available_cores() -> int:
    """Those that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return cores or 2
