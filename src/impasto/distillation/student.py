"""A VGG-shaped student of random weights learns to give a teacher's features at five layers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from impasto.data.dataset import InfiniteSampler, RandomCropDataset
from impasto.distillation.feature_error import disagreement, no_projection
from impasto.distillation.least_squares import Solver, fit
from impasto.models.pretrained import LITE_BLOCKS, random_weights
from impasto.models.vgg import EncoderWeights, Projection, VGGEncoder
from impasto.system import default_workers, has_fast_bf16
from impasto.training.muon import Muon

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
WARMUP = 0.05  # of the steps
RATIO = 4  # of the convolutions' learning rate to the biases'
# Batches that the projections are solved for, while it learns and at the end.
MEMORY, LAST_LOOK = 20, 64
HELD_OUT_CROPS = 64

Errors = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class DistillConfig:
    """How a student learns."""

    steps: int
    batch_size: int
    size: int  # side of the crops, pixels
    lr: float
    seed: int


def distill(
    teacher: EncoderWeights,
    photos: Sequence[Path],
    config: DistillConfig,
    *,
    tick: Callable[[int, Errors], object] = lambda *_: None,
) -> EncoderWeights:
    """Train a student of `LITE_BLOCKS` with a projection at each of `LAYERS`, on crops of `photos`.

    `tick` takes the step and its errors, now and then. The student's parameters are rounded to half
    precision, so that a file may store them so.

    Raises:
        InputError: the teacher lacks a layer, or no photograph is readable.
    """
    wide = VGGEncoder(weights=teacher, layers=LAYERS)
    projections = teacher_projections(wide)
    blank = random_weights(name="lite", blocks=LITE_BLOCKS, seed=config.seed)
    student = VGGEncoder(weights=blank, layers=LAYERS).requires_grad_(True)
    student.to(memory_format=torch.channels_last)
    wide.to(memory_format=torch.channels_last)
    batches = _batches(photos, config)
    compare = partial(fit, student, wide, projections=projections, hints=_hints(wide))
    optimizer, schedule = _optimizer(student, config)
    solver = Solver(memory=MEMORY)
    for step, batch in zip(range(config.steps), batches, strict=False):
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
    return replace(blank, parameters=_parameters(student, blank, found.projections))


@torch.no_grad()
def held_out_errors(
    student: EncoderWeights, teacher: EncoderWeights, photos: Sequence[Path], *, size: int
) -> Errors:
    """Means of `disagreement` over crops, in float32, of photographs the student never saw."""
    wide = VGGEncoder(weights=teacher, layers=LAYERS)
    student_encoder = VGGEncoder(weights=student, layers=LAYERS)
    crops = RandomCropDataset(paths=photos, size=size, seed=1)
    sums: Errors = {}
    for draw in range(HELD_OUT_CROPS):
        image = crops[draw][None].float() / 255
        for name, error in _errors(student_encoder, wide, teacher_projections(wide), image).items():
            sums[name] = sums.get(name, 0.0) + float(error) / HELD_OUT_CROPS
    return sums


def teacher_projections(teacher: VGGEncoder) -> dict[str, Projection]:
    """The teacher's own, or stand-ins that change nothing."""
    features = teacher(torch.zeros(1, 3, 32, 32), LAYERS)
    has = teacher.projections
    return {
        layer: has.get(layer) or no_projection(layer, channels=features[layer].shape[1])
        for layer in LAYERS
    }


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
    student: VGGEncoder, teacher: VGGEncoder, projections: dict[str, Projection], images: Tensor
) -> dict[str, Tensor]:
    own = student.projections
    with torch.no_grad():
        target = teacher(images, [projection.source for projection in projections.values()])
    found = student(images, [projection.source for projection in own.values()])
    return disagreement(found, target, student_projections=own, teacher_projections=projections)


def _numbers(errors: dict[str, Tensor]) -> Errors:
    return {name: float(error.detach()) for name, error in errors.items()}


def _batches(photos: Sequence[Path], config: DistillConfig) -> Iterator[Tensor]:
    crops = RandomCropDataset(paths=photos, size=config.size, seed=config.seed)
    loader = DataLoader(
        crops,
        batch_size=config.batch_size,
        sampler=InfiniteSampler(),
        num_workers=default_workers(),
    )
    for batch in loader:
        crops.check()
        yield batch.float() / 255


def _optimizer(
    student: VGGEncoder, config: DistillConfig
) -> tuple[Muon, torch.optim.lr_scheduler.OneCycleLR]:
    optimizer = Muon(student.convs.parameters(), lr=config.lr, ratio=RATIO)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=config.steps,
        pct_start=WARMUP if WARMUP * config.steps > 1 else 0.0,  # at 1 it divides by 0
        cycle_momentum=False,
    )
    return optimizer, schedule


def _hints(teacher: VGGEncoder) -> list[str]:
    """The layers between the layers that both have."""
    layers = [
        f"relu{block}_{depth}"
        for block, widths in enumerate(LITE_BLOCKS, start=1)
        for depth in range(1, len(widths) + 1)
    ]
    has = {name.replace("conv", "relu") for name in teacher.names}
    return [layer for layer in layers if layer in has and layer not in LAYERS]


def _parameters(
    student: VGGEncoder, blank: EncoderWeights, projections: Mapping[str, Projection]
) -> dict[str, Tensor]:
    """The student's parameters, rounded, under the names that a safetensors encoder has."""
    found: dict[str, Tensor] = {}
    for name, conv in zip(student.names, student.convs, strict=True):
        index = blank.convolutions[name]
        found |= {f"features.{index}.{key}": value for key, value in conv.state_dict().items()}
    for layer, projection in projections.items():
        found |= {f"lift.{layer}.weight": projection.weight, f"lift.{layer}.bias": projection.bias}
    return {key: value.detach().half().float().contiguous() for key, value in found.items()}
