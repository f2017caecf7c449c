"""A VGG-shaped student of random weights learns to reproduce a teacher's features at five taps."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from impasto.data.dataset import Draws, PhotoFolder
from impasto.distillation.feature_error import disagreement, no_lift
from impasto.distillation.least_squares import Solver, fit
from impasto.models.pretrained import LITE_BLOCKS, random_weights
from impasto.models.vgg import EncoderWeights, Lift, VGGEncoder
from impasto.system import default_workers, has_fast_bf16
from impasto.training.muon import Muon

TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
WARMUP = 0.05  # of the steps
RATIO = 4  # of the convolutions' learning rate to the biases'
MEMORY, LAST_LOOK = 20, 64  # batches that the lifts are solved for: during the lesson, at its end
HELD_OUT_CROPS = 64

Errors = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """How a student learns."""

    steps: int
    batch_size: int
    size: int  # side of the crops, pixels
    lr: float
    seed: int


def distill(
    teacher: EncoderWeights,
    photos: Sequence[Path],
    lesson: Lesson,
    *,
    tick: Callable[[int, Errors], object] = lambda *_: None,
) -> EncoderWeights:
    """Train a student of `LITE_BLOCKS` with a lift at each of `TAPS`, on crops of `photos`.

    `tick` takes the step and its errors, now and then. The student's parameters are rounded to half
    precision, so that a file may store them so.

    Raises:
        InputError: the teacher lacks a tap, or no photograph is readable.
    """
    eye = VGGEncoder(weights=teacher, taps=TAPS)
    lifts = teacher_lifts(eye)
    blank = random_weights(name="lite", blocks=LITE_BLOCKS, seed=lesson.seed)
    student = VGGEncoder(weights=blank, taps=TAPS).requires_grad_(True)
    student.to(memory_format=torch.channels_last)
    eye.to(memory_format=torch.channels_last)
    batches = _batches(photos, lesson)
    compare = partial(fit, student, eye, lifts=lifts, hints=_hints(eye))
    optimizer, schedule = _optimizer(student, lesson)
    solver = Solver(memory=MEMORY)
    for step, batch in zip(range(lesson.steps), batches, strict=False):
        with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16("cpu")):
            found = compare(disturb(batch, seed=step), solver=solver)
        optimizer.zero_grad()
        (torch.stack(list(found.errors.values())).sum() + found.hints).backward()
        torch.nn.utils.clip_grad_norm_(student.convs.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 0:
            tick(step, _numbers(found.errors))
    solver = Solver(memory=LAST_LOOK)
    for step, batch in zip(range(LAST_LOOK), batches, strict=False):
        with torch.no_grad():
            found = compare(disturb(batch, seed=step), solver=solver)
    return replace(blank, parameters=_parameters(student, blank, found.lifts))


@torch.no_grad()
def held_out_errors(
    student: EncoderWeights, teacher: EncoderWeights, photos: Sequence[Path], *, size: int
) -> Errors:
    """Means of `disagreement` over crops, in float32, of photographs the student never saw."""
    eye = VGGEncoder(weights=teacher, taps=TAPS)
    pupil = VGGEncoder(weights=student, taps=TAPS)
    crops = PhotoFolder(paths=photos, size=size, seed=1)
    sums: Errors = {}
    for draw in range(HELD_OUT_CROPS):
        image = crops[draw][None].float() / 255
        for name, error in _errors(pupil, eye, teacher_lifts(eye), image).items():
            sums[name] = sums.get(name, 0.0) + float(error) / HELD_OUT_CROPS
    return sums


def teacher_lifts(teacher: VGGEncoder) -> dict[str, Lift]:
    """The teacher's own, or stand-ins that change nothing."""
    features = teacher(torch.zeros(1, 3, 32, 32), TAPS)
    has = teacher.projections
    return {tap: has.get(tap) or no_lift(tap, channels=features[tap].shape[1]) for tap in TAPS}


def disturb(images: Tensor, *, seed: int) -> Tensor:
    """Every second image with its channels in another order and some noise, within [0,1].

    The encoder will judge pictures on their way from noise to a painting, not photographs only.
    """
    generator = torch.Generator().manual_seed(seed)
    strange = images[::2][:, torch.randperm(3, generator=generator)]
    strength = 0.2 * torch.rand(len(strange), 1, 1, 1, generator=generator)
    strange = strange + strength * torch.randn(strange.shape, generator=generator)
    disturbed = images.clone()
    disturbed[::2] = strange.clamp(0, 1)
    return disturbed.contiguous(memory_format=torch.channels_last)


def _errors(
    student: VGGEncoder, teacher: VGGEncoder, lifts: dict[str, Lift], images: Tensor
) -> dict[str, Tensor]:
    own = student.projections
    with torch.no_grad():
        target = teacher(images, [lift.source for lift in lifts.values()])
    found = student(images, [lift.source for lift in own.values()])
    return disagreement(found, target, student_lifts=own, teacher_lifts=lifts)


def _numbers(errors: dict[str, Tensor]) -> Errors:
    return {name: float(error.detach()) for name, error in errors.items()}


def _batches(photos: Sequence[Path], lesson: Lesson) -> Iterator[Tensor]:
    crops = PhotoFolder(paths=photos, size=lesson.size, seed=lesson.seed)
    loader = DataLoader(
        crops,
        batch_size=lesson.batch_size,
        sampler=Draws(),
        num_workers=default_workers(),
    )
    for batch in loader:
        crops.check()
        yield batch.float() / 255


def _optimizer(
    student: VGGEncoder, lesson: Lesson
) -> tuple[Muon, torch.optim.lr_scheduler.OneCycleLR]:
    optimizer = Muon(student.convs.parameters(), lr=lesson.lr, ratio=RATIO)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=lesson.steps,
        pct_start=WARMUP,
        cycle_momentum=False,
    )
    return optimizer, schedule


def _hints(teacher: VGGEncoder) -> list[str]:
    """The layers between the taps that both have."""
    layers = [
        f"relu{block}_{depth}"
        for block, widths in enumerate(LITE_BLOCKS, start=1)
        for depth in range(1, len(widths) + 1)
    ]
    has = {name.replace("conv", "relu") for name in teacher.names}
    return [layer for layer in layers if layer in has and layer not in TAPS]


def _parameters(
    student: VGGEncoder, blank: EncoderWeights, lifts: Mapping[str, Lift]
) -> dict[str, Tensor]:
    """The student's parameters, rounded, under the names that a safetensors encoder has."""
    found: dict[str, Tensor] = {}
    for name, conv in zip(student.names, student.convs, strict=True):
        index = blank.convolutions[name]
        found |= {f"features.{index}.{key}": value for key, value in conv.state_dict().items()}
    for tap, lift in lifts.items():
        found |= {f"lift.{tap}.weight": lift.weight, f"lift.{tap}.bias": lift.bias}
    return {key: value.detach().half().float().contiguous() for key, value in found.items()}
