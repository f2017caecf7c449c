"""Processes that read photographs for a run: its signals are not theirs, its end is."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterable
from multiprocessing.util import Finalize

SHARED = [  # what terminals and schedulers send to every process of a run
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def serve(worker: int = 0, *, ignored: Iterable[int] = SHARED) -> None:
    """Called first thing in such a process: it ignores signals, and ends when the run does.

    A run that is told to stop still needs its photographs. On Linux the kernel ends this process
    with it, however that came; elsewhere torch's look at it every five seconds does.

    Args:
        worker: its number, which loaders of torch tell.
        ignored: signals. A pool sends SIGTERM to the others when it has lost one of its processes,
            and waits for them.
    """
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    through_a_server = multiprocessing.get_start_method() == "forkserver"  # which ends with the run
    if os.getppid() != parent.pid and not through_a_server:  # it died before it was asked about
        signal.raise_signal(signal.SIGKILL)


def end_with_this_process() -> None:
    """See that the exit of this process does not wait for ever for one that serves it.

    Whatever keeps a DataLoader's iterator alive until then, an exception for one, leaves its
    processes to multiprocessing, which sends them SIGTERM and waits.
    """
    Finalize(None, _kill_children, exitpriority=0)


def _kill_children() -> None:
    if hasattr(signal, "SIGCHLD"):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch would raise for each of them
    for child in multiprocessing.active_children():
        child.kill()
