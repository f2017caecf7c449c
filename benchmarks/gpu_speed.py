"""What gpu.py measures beside training: stylizing, loading photographs; how large, how long.

Pieces get a note to write rows on; a row that fails says why.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from data_speed import loading_rate
from pieces import Note, one_line
from textbook import TransformerNet
from torch import Tensor

from impasto.export.onnx_export import export_onnx
from impasto.inference.stylizer import Stylizer
from impasto.models.transform_net import TransformNet, stylize
from impasto.system import default_workers

Run = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How large everything is."""

    batches: Sequence[int]
    size: int  # of training's crops, pixels
    warm_up: int  # calls, after the first, before the clock starts
    seconds: float  # that a row is timed for, at least
    pictures: Sequence[int]  # their sides, pixels
    backend: str  # of torch.compile
    crops: int


FULL = Scale(
    batches=(4, 16, 32, 64),
    size=256,
    warm_up=3,
    seconds=1.0,
    pictures=(512, 1024),
    backend="inductor",
    crops=6000,
)
MINIATURE = Scale(
    batches=(2,), size=32, warm_up=0, seconds=0, pictures=(32,), backend="eager", crops=8
)


def timed(run: Run, *, device: str, scale: Scale) -> tuple[float, float]:
    """Calls a second, and when the first one was done (time.perf_counter()).

    A GPU is waited for before the first and after the last, not in between.
    """
    run()
    wait(device)
    first = time.perf_counter()
    for _ in range(scale.warm_up):
        run()
    wait(device)
    count, elapsed, start = 0, 0.0, time.perf_counter()
    while not count or elapsed < scale.seconds:
        for _ in range(max(1, count)):  # twice as many every time: few waits
            run()
        wait(device)
        count += max(1, count)
        elapsed = time.perf_counter() - start
    return count / elapsed, first


def wait(device: str) -> None:
    """Until a GPU has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def stylizing(note: Note, *, device: str, scale: Scale) -> None:
    """One picture, from an array to an array: torch on the device, ONNX Runtime."""
    path = note.path.with_name("untrained.onnx")
    net = TransformNet().eval()
    export_onnx(net, path, metadata={"name": "untrained", "steps": "0"})
    ours, stylizer = (
        net.to(device, memory_format=torch.channels_last),
        Stylizer(path, backend="onnxruntime"),
    )
    path.unlink()
    note(onnxruntime_providers=stylizer.session.get_providers())
    book = TransformerNet().eval().to(device)
    for side in scale.pictures:
        picture = torch.rand(1, 3, side, side)
        rows: dict[str, Run] = {
            "textbook, torch, float32": partial(apply, book, picture, device, low=False),
            "ours, torch, float32": partial(
                apply, partial(stylize, ours), picture, device, low=False
            ),
            "ours, torch, bf16": partial(apply, partial(stylize, ours), picture, device, low=True),
            "ours, ONNX Runtime": partial(stylizer.run, picture.numpy()),
        }
        for variant, run in rows.items():
            try:
                rate, _ = timed(run, device=device, scale=scale)
                note.row(variant=variant, side=side, milliseconds=round(1000 / rate, 2))
            except Exception as error:  # as in `measure`
                note.row(variant=variant, side=side, failed=one_line(error))


@torch.no_grad()
def apply(net: Callable[[Tensor], Tensor], picture: Tensor, device: str, *, low: bool) -> Tensor:
    """(1, 3, H, W) from the host's memory through a network and back."""
    with torch.autocast(device, torch.bfloat16, enabled=low):
        return net(picture.to(device)).float().cpu()


def loading(note: Note, *, photos: Sequence[Path], scale: Scale) -> None:
    """Crops a second from the photographs, by the workers of train.py and by all cores but one."""
    for workers in sorted({default_workers(), max(1, (os.cpu_count() or 2) - 1)}):
        rate = loading_rate(
            photos, size=scale.size, batch_size=scale.batches[0], workers=workers, crops=scale.crops
        )
        note.row(workers=workers, images_per_second=round(rate))
