"""Runs of train.py in forked processes, which may be killed, starved of disk and cut off.

Forking spares every one of them the seconds that loading torch takes. Everything is tiny, and the
.onnx a stand-in with the right metadata, unless a test wants the real one.
"""

import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from trained import save_encoder, save_style

import impasto.export.onnx_export
from impasto.cli import train
from impasto.models.pretrained import random_weights
from impasto.training.module import LearningModule, StyleTransferModule

FORK = multiprocessing.get_context("fork")
Patch = Callable[[], object]
USUAL = {  # in a shell, whatever the tests before, nohup or an & have made of it
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}


def flags(folder: Path, **changes: object) -> list[str]:
    """Of a run of a second in `folder`, which gets a painting and an encoder."""
    noise = np.random.default_rng(0).integers(0, 255, (48, 48, 3), np.uint8)
    Image.fromarray(noise).save(folder / "painting.png")
    weights = random_weights(name="tiny", blocks=[[4, 5], [6, 7], [8]], seed=1)
    given: dict[str, object] = {
        "style": folder / "painting.png",
        "encoder": save_encoder(weights, folder / "tiny.safetensors"),
        "output_dir": folder / "run",
        "content_layers": "relu2_1",
        "style_layers": "relu1_1",
        "photos": "samples",
        "accelerator": "cpu",
        "steps": 24,
        "checkpoint_every": 5,
        "preview_every": 1000,
        "batch_size": 1,
        "image_size": 32,
        "style_size": 32,
        "width": 4,
        "precision": 32,
        "workers": 1,
        "warmup": 2,
    } | changes
    return [word for key, value in given.items() for word in (_flag(key), str(value))]


def by_the_clock(folder: Path, *, minutes: float) -> list[str]:
    """The same with minutes in place of steps."""
    argv = flags(folder, minutes=minutes)
    place = argv.index("--steps")
    return argv[:place] + argv[place + 2 :]


class Run:
    """One process: its output and how it ended."""

    def __init__(
        self,
        argv: list[str],
        log: Path,
        *,
        patch: Patch = lambda: None,
        env: Mapping[str, str] | None = None,
        real_export: bool = False,
        main: Callable[[list[str]], int] = train.main,
    ) -> None:
        """Start it, in a process group of its own, after `patch`."""
        self.log = log

        def body() -> None:
            os.setpgid(0, 0)
            for number, usual in USUAL.items():
                signal.signal(number, usual)
            os.environ.update(env or {})
            sys.stdout = sys.stderr = log.open("w", buffering=1)
            os.dup2(sys.stdout.fileno(), 1)
            os.dup2(sys.stdout.fileno(), 2)
            if not real_export:
                impasto.export.onnx_export.export_onnx = quick_export
            patch()
            sys.exit(main(argv))

        self.process: ForkProcess = FORK.Process(target=body)
        self.process.start()

    @property
    def said(self) -> str:
        """All it has written so far."""
        return self.log.read_text()

    def end(self, timeout: float = 600) -> int:
        """Wait for the exit code, which is minus the signal if one killed it."""
        self.process.join(timeout)
        if self.process.is_alive():
            os.killpg(self.pid, signal.SIGKILL)
            raise TimeoutError(f"still running after {timeout} s:\n{self.said}")
        assert self.process.exitcode is not None
        return self.process.exitcode

    @property
    def pid(self) -> int:
        """Of the process, and of its group."""
        assert self.process.pid is not None
        return self.process.pid


def run(argv: list[str], log: Path, **how: Any) -> tuple[int, str]:
    """Exit code and output of a run from beginning to end."""
    done = Run(argv, log, **how)
    return done.end(), done.said


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def two_nodes(
    argv: list[str],
    tmp_path: Path,
    *,
    patches: tuple[Patch, Patch] = (lambda: None, lambda: None),
    folders: tuple[str, str] = ("run", "run"),
    main: Callable[[list[str]], int] = train.main,
) -> list[Run]:
    """The same command on two `machines` of one device, as their users would start it."""
    both = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    return [
        Run(
            [*argv, "--nodes", "2", "--output-dir", str(tmp_path / folders[node])],
            tmp_path / f"log{node}",
            env={**both, "NODE_RANK": str(node)},
            patch=patches[node],
            main=main,
        )
        for node in range(2)
    ]


def quick_export(net: object, path: Path, *, metadata: Mapping[str, str], **_: bool) -> float:
    """What `export_onnx` leaves, as far as `RunDir` looks."""
    save_style(path, dict(metadata))
    return 0.0


def at_step(
    step: int, act: Callable[[], object], *, of: type[LearningModule] = StyleTransferModule
) -> None:
    """Have `act` happen in the middle of a step."""
    original = of.training_step

    def training_step(self: LearningModule, *args: Any) -> Any:
        outputs = original(self, *args)
        if self.global_step == step:
            act()
        return outputs

    of.training_step = training_step  # type: ignore[method-assign]


def die() -> None:
    """As a power cut would have it: no handler, no clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for(what: Callable[[], bool], timeout: float = 600, *, going: Run | None = None) -> None:
    """Until it is so, or `going` is no longer there to make it so."""
    end = time.monotonic() + timeout
    while not what():
        if going is not None and not going.process.is_alive():
            raise ChildProcessError(going.said)
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.02)


def _flag(key: str) -> str:
    return "--" + key.replace("_", "-")
