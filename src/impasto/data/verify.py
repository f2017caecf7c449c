"""Every image read once, before hours are spent on them: which can be learned from."""

import logging
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from impasto.data.readable import PHOTOGRAPHS, SMALLEST, check_share, names
from impasto.data.workers import serve
from impasto.errors import InputError, printable
from impasto.images.io import open_rgb

AT_ONCE = 16  # photographs that a process is given together

logger = logging.getLogger(__name__)


def check_images(
    paths: Sequence[Path], *, size: int, workers: int, kind: str = PHOTOGRAPHS
) -> None:
    """Read every image as training will, with a bar, and log what training will skip.

    Args:
        paths: the images.
        size: of the crops, pixels.
        workers: processes that read; 0 reads in this one.
        kind: what they are.

    Raises:
        InputError: more than half cannot be read.
    """
    from tqdm import tqdm

    bad: dict[str, list[Path]] = {}
    reasons = scan(paths, size=size, workers=workers)
    for path, why in tqdm(
        zip(paths, reasons, strict=True), total=len(paths), desc="checking", disable=None
    ):
        if why is not None:
            bad.setdefault(why, []).append(path)
    count = sum(map(len, bad.values()))
    logger.info("%d of %d %s can be read", len(paths) - count, len(paths), kind)
    for why, skipped in bad.items():
        logger.info("  %d skipped, %s: %s", len(skipped), why, names(skipped))
    check_share([path for skipped in bad.values() for path in skipped], len(paths), kind=kind)


def scan(paths: Sequence[Path], *, size: int, workers: int) -> Iterator[str | None]:
    """For every image, in order: None, or why it cannot be read.

    Raises:
        InputError: a process that read was killed.
    """
    read = partial(_why, size=size)
    begin = partial(serve, ignored=[signal.SIGINT])
    if workers == 0:
        yield from map(read, paths)
        return
    context = multiprocessing.get_context("spawn")  # the threads of torch do not survive a fork
    try:
        with ProcessPoolExecutor(workers, context, initializer=begin) as pool:
            yield from pool.map(read, paths, chunksize=AT_ONCE)
    except BrokenProcessPool as error:
        raise InputError(
            "a process that read photographs was killed, perhaps for lack of memory: "
            "lower --workers"
        ) from error


def _why(path: Path, *, size: int) -> str | None:
    try:
        open_rgb(path, at_least=size, smallest=SMALLEST)
    except InputError as error:
        return str(error).removeprefix(printable(f"cannot read {path}: "))
    return None
