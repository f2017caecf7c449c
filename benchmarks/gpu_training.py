"""How fast gpu.py trains: the textbook's step and ours, eager, compiled, as a CUDA graph, and that
of the network for any painting.

Every function that takes a note is a piece; a row that fails says why.
"""

import gc
import time
from collections.abc import Callable
from functools import cache, partial

import torch
from gpu_speed import Run, Scale, timed
from pieces import Note, one_line
from textbook import VGG_BLOCKS, Training
from torch import Tensor
from train_speed import OurStep

from impasto.config.settings import TrainAnySettings
from impasto.data.paintings import Pair
from impasto.errors import InputError
from impasto.losses.build import build_loss
from impasto.models.any_style import build_any
from impasto.models.pretrained import random_weights
from impasto.models.transform_net import TransformNet
from impasto.models.vgg import EncoderWeights
from impasto.system import pick_precision
from impasto.training.any_module import AnyStyleModule
from impasto.training.budget import Budget

WARM_UP = 3  # steps before a capture
IMAGES = 160_000  # of a whole training: two epochs of COCO, in round figures


def train_eager(note: Note, *, device: str, scale: Scale) -> None:
    """The textbook, our step with its network, our step."""
    for batch in scale.batches:
        row = partial(measure, note, device=device, scale=scale, batch=batch)
        row("textbook, float32", partial(textbook_step, device, scale, batch))
        same = TransformNet(width=32, design="johnson")
        row("ours, the textbook's network", partial(eager_step, device, scale, batch, same))
        row("ours", partial(eager_step, device, scale, batch))


def train_graphs(note: Note, *, device: str, scale: Scale) -> None:
    """Our step as one CUDA graph."""
    for batch in scale.batches:
        make = partial(graph_step, device, scale, batch)
        measure(note, "ours, CUDA graph", make, device=device, scale=scale, batch=batch)


def train_compiled(note: Note, *, device: str, scale: Scale, batch: int) -> None:
    """Our step by torch.compile, then that as a CUDA graph."""
    step = our_step(device, scale)
    step.compile(backend=scale.backend)
    row = partial(measure, note, device=device, scale=scale, batch=batch)
    images = photographs(device, scale, batch)
    label = f"ours, torch.compile ({scale.backend})"
    row(label, lambda: partial(step.enqueue, images))
    row(f"{label}, CUDA graph", lambda: captured(step, images))


def train_any(note: Note, *, device: str, scale: Scale) -> None:
    """The step of the network for any painting, with as many paintings as photographs."""
    for batch in scale.batches:
        make = partial(any_step, device, scale, batch)
        measure(note, "any painting", make, device=device, scale=scale, batch=batch)


def measure(
    note: Note, variant: str, make: Callable[[], Run], *, device: str, scale: Scale, batch: int
) -> None:
    """Write one row of training: images/s, seconds for IMAGES, peak memory, or why it failed."""
    gpu = device == "cuda"
    gc.collect()
    if gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    try:
        run = make()
        rate, first = timed(run, device=device, scale=scale)
    except Exception as error:  # out of memory, no CUDA, what compilers raise
        note.row(variant=variant, batch=batch, failed=one_line(error))
        return
    note.row(
        variant=variant,
        batch=batch,
        images_per_second=round(rate * batch, 2),
        seconds_for_160000=round(IMAGES / (rate * batch), 1),
        seconds_to_the_first=round(first - start, 1),
        peak_gib=round(torch.cuda.max_memory_allocated() / 2**30, 2) if gpu else None,
    )


def photographs(device: str, scale: Scale, batch: int) -> Tensor:
    """(B, 3, H, W) in [0,1], noise, where it is needed; loading has a piece of its own."""
    return torch.rand(batch, 3, scale.size, scale.size, device=device)


def textbook_step(device: str, scale: Scale, batch: int) -> Run:
    """One step of the textbook's training."""
    style = torch.rand(1, 3, scale.size, scale.size) * 255
    book = Training(style, batch_size=batch, device=device)
    return partial(book.step, photographs(device, scale, batch) * 255)


def our_step(device: str, scale: Scale, net: TransformNet | None = None) -> OurStep:
    """Ours in the precision of `auto`, by an encoder of the textbook's size."""
    return OurStep(
        vgg16(),
        precision=pick_precision("auto", accelerator=device),
        style=torch.rand(1, 3, scale.size, scale.size),
        accelerator=device,
        net=net,
    )


class AnyStep(OurStep):
    """What Lightning does in a step of `impasto train-any`."""

    def __init__(self, weights: EncoderWeights, *, precision: str, accelerator: str) -> None:
        """`precision` is 32 or bf16."""
        content, layers = weights.default_layers
        settings = TrainAnySettings(content_layers=content, style_layers=layers)
        model = build_any(width=settings.width)
        model.net.to(memory_format=torch.channels_last)
        loss = build_loss(settings, weights, damped=True).to(memory_format=torch.channels_last)
        module = AnyStyleModule(model=model, loss=loss, budget=Budget(steps=1))
        self._learn(module, precision=precision, accelerator=accelerator)

    def given(self, batch: Tensor) -> Pair:
        """A painting a photograph: another photograph."""
        return Pair(batch.to(self.device), batch.to(self.device).flip(0))


def any_step(device: str, scale: Scale, batch: int) -> Run:
    """One step of learning any painting."""
    precision = pick_precision("auto", accelerator=device)
    step = AnyStep(vgg16(), precision=precision, accelerator=device)
    return partial(step.enqueue, photographs(device, scale, batch))


@cache
def vgg16() -> EncoderWeights:
    """Random: they cost the same."""
    return random_weights(name="VGG-16", blocks=VGG_BLOCKS, padding_mode="zeros")


def eager_step(device: str, scale: Scale, batch: int, net: TransformNet | None = None) -> Run:
    """One step of ours."""
    return partial(our_step(device, scale, net).enqueue, photographs(device, scale, batch))


def graph_step(device: str, scale: Scale, batch: int) -> Run:
    """One step of ours as one CUDA graph."""
    return captured(our_step(device, scale), photographs(device, scale, batch))


def captured(step: OurStep, images: Tensor) -> Run:
    """Forward, loss, backward, clipping and optimizer as one CUDA graph.

    What Python decides is decided once: the random shift and the learning rate stay what they were
    at the capture. For speed that is the same; train.py would have to give both as tensors.
    """
    if step.device.type != "cuda":
        raise InputError(f"a CUDA graph needs CUDA, not {step.device.type}")
    for group in step.optimizer.param_groups:
        group["capturable"] = True
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UP):
            step.enqueue(images)
    torch.cuda.current_stream().wait_stream(aside)
    step.optimizer.zero_grad()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step.enqueue(images)
    return partial(_replay, graph, step, images)


def _replay(graph: "torch.cuda.CUDAGraph", *kept: object) -> None:
    """`kept` is what the graph reads and writes, which nothing else keeps alive."""
    graph.replay()
