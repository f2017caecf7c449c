"""Make a small encoder that sees like a big one: impasto distill

Writes a safetensors file that --encoder takes, and says how far it is from its teacher on
photographs it never saw: squared errors of features and Grams relative to the teacher's energy.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.cli.process import run_command
from impasto.config.parser import Settings, parse, setting
from impasto.errors import InputError, train_extra
from impasto.system import keep_freed_memory

if TYPE_CHECKING:
    from impasto.models.vgg import EncoderWeights

PROGRAM = "impasto distill"
HELD_OUT = 20  # every twentieth photograph


@dataclass(frozen=True, kw_only=True)
class DistillSettings(Settings):
    """What `impasto distill` takes."""

    teacher: str = setting(
        "vgg19", "vgg19, vgg19-features, or FILE.safetensors with layers down to relu5_1"
    )
    photos: str = setting("data/coco/train2014", "folder of photographs")
    output: str = setting("vgg19-lite.safetensors", "the student's file", short=["-o"])
    steps: int = setting(2500, "optimizer steps", least=1)
    batch_size: int = setting(8, "crops a step", least=1)
    image_size: int = setting(128, "side of the crops, pixels", least=32)
    lr: float = setting(5e-3, "highest learning rate of the biases", least=0)
    seed: int = setting(0, "random seed of initial weights, order and crops", least=0)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""

    def work() -> int:
        settings = parse(DistillSettings, argv, description=__doc__, program=PROGRAM)
        with train_extra():
            run(settings)
        return 0

    said = "stopped, nothing was written"
    return run_command(PROGRAM, work, interrupted=said, below_a_bar=True)


def run(settings: DistillSettings) -> None:
    """Distil, measure, write."""
    from tqdm import tqdm

    from impasto.distillation.student import LAYERS, DistillConfig, distill, held_out_errors
    from impasto.files import check_places
    from impasto.images.io import find_images
    from impasto.models.pretrained import load_weights
    from impasto.system import processor_name

    check_places([Path(settings.output)])
    photos = find_images(settings.photos)
    if len(photos) < 2 * HELD_OUT:
        raise InputError(f"{settings.photos} has {len(photos)} photographs: give {2 * HELD_OUT}")
    teacher = load_weights(settings.teacher)
    keep_freed_memory()
    print(f"distilling {teacher.name}, {len(photos)} photographs, on {processor_name()}")
    config = DistillConfig(
        steps=settings.steps,
        batch_size=settings.batch_size,
        size=settings.image_size,
        lr=settings.lr,
        seed=settings.seed,
    )
    learning = [path for index, path in enumerate(photos) if index % HELD_OUT]
    with tqdm(total=settings.steps, dynamic_ncols=True, disable=None) as bar:

        def tick(step: int, errors: dict[str, float]) -> None:
            bar.update(step - bar.n)
            bar.set_postfix({layer: f"{errors[layer]:.3f}" for layer in LAYERS})

        student = distill(teacher, learning, config, tick=tick)
    errors = held_out_errors(student, teacher, photos[::HELD_OUT], size=settings.image_size)
    for name, error in errors.items():
        print(f"{name:14} {error:.4f}")
    _write(student, teacher, settings, errors)


def _write(
    student: "EncoderWeights",
    teacher: "EncoderWeights",
    settings: DistillSettings,
    errors: dict[str, float],
) -> None:
    from safetensors.torch import save_file

    from impasto.files import write_atomically

    about = {
        "padding_mode": student.padding_mode,
        "teacher": teacher.name,
        "teacher_sha256": teacher.sha256,
        "steps": str(settings.steps),
        "held_out_errors": json.dumps(errors),
    }
    parameters = {key: value.half() for key, value in student.parameters.items()}
    write_atomically(Path(settings.output), lambda path: save_file(parameters, path, about))
    print(f"written to {settings.output}")
