"""How the process gets its memory; a setting of the process, so the commands make it."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h
NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Have glibc keep what tensors free for the next ones, instead of giving it back at once.

    By default every large tensor is mapped afresh and faulted in page by page, at every step. That
    took 8 % of a training step on two cores of a virtual machine, and ten times the step itself
    while its host was taking freed pages away.

    Returns:
        Whether it could be set; elsewhere than on Linux with glibc nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl and others have no mallopt
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, NEVER))
