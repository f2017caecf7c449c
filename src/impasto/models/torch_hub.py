"""torchvision's VGGs as published: out of torch hub's cache, or downloaded into it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import torch

from impasto.errors import InputError

NAMES = ("vgg16", "vgg16-features", "vgg19")
ANSWER_SECONDS = 5.0  # for the server to answer at all
STALL_SECONDS = 15.0  # without a byte while it downloads


def torchvision_parameters(name: str) -> dict[str, torch.Tensor]:
    """All of a published VGG under torchvision's names, classifier included.

    Args:
        name: one of NAMES.

    Raises:
        InputError: neither cached nor to be downloaded, which is known within ANSWER_SECONDS where
            there is no network; says where to put the file.
    """
    from torchvision.models import VGG16_Weights, VGG19_Weights

    entry = {
        "vgg16": VGG16_Weights.IMAGENET1K_V1,
        "vgg16-features": VGG16_Weights.IMAGENET1K_FEATURES,
        "vgg19": VGG19_Weights.IMAGENET1K_V1,
    }[name]
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(entry.url).name
    try:
        if not path.exists():
            _knock(entry.url)
        with _impatient():
            parameters: dict[str, torch.Tensor] = entry.get_state_dict(
                progress=True, check_hash=True, weights_only=True
            )
    except (OSError, HTTPException, RuntimeError, EOFError, UnpicklingError) as error:
        # no network, disk full, a file that fails its hash, or a cached one that is cut short
        raise InputError(
            f"{name} cannot be loaded ({' '.join(str(error).split())}): put the file of "
            f"{entry.url} at {path}"
        ) from error
    return parameters


def _knock(url: str) -> None:
    """See that a server answers, whatever it says.

    In a thread that is left behind: no timeout bounds the look-up of a name, and that of a socket
    counts anew for each of a server's addresses.

    Raises:
        OSError: none answers, or not within ANSWER_SECONDS.
    """
    outcome: SimpleQueue[Exception | None] = SimpleQueue()

    def ask() -> None:
        try:
            urlopen(Request(url, method="HEAD"), timeout=ANSWER_SECONDS).close()
        except HTTPError:
            outcome.put(None)  # an answer: the download will tell
        except Exception as error:
            outcome.put(error)
        else:
            outcome.put(None)

    Thread(target=ask, daemon=True).start()
    try:
        error = outcome.get(timeout=ANSWER_SECONDS)
    except Empty:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS:g} s") from None
    if error is not None:
        raise error


@contextmanager
def _impatient() -> Iterator[None]:
    """torch hub sets no timeout, and a network that swallows packets would hang us for minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
