"""Learn the style of a painting: impasto train --style painting.jpg

Writes checkpoints/NAME/NAME.onnx, which `impasto stylize --model NAME` applies, and refreshes it at
every checkpoint. Ctrl-C ends a run early and leaves a valid file; the same command goes on. To
watch it learn: tensorboard --logdir checkpoints
"""

import json
import logging
import signal
import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING

from impasto import __version__
from impasto.cli.process import run_command
from impasto.config.parser import parse
from impasto.config.settings import RunSettings, TrainSettings
from impasto.errors import train_extra
from impasto.system import keep_freed_memory

if TYPE_CHECKING:  # torch takes seconds to load: not before the flags are known to be right
    from collections.abc import Callable

    import pytorch_lightning as pl

    from impasto.data.datamodule import DrawsDataModule
    from impasto.training.any_build import AnyInputs
    from impasto.training.budget import Budget
    from impasto.training.build import TrainingInputs
    from impasto.training.callbacks.monitor import Monitor
    from impasto.training.module import LearningModule, StyleTransferModule
    from impasto.training.run_dir import RunDir

PROGRAM = "impasto train"
PREVIEW_SIDE = 256  # pixels
MANY_STEPS = 5000
LESS = "Ctrl-C ends early with a valid file, --minutes says how long it may take"
NO_NEWS = [  # warnings of Lightning about what is meant to be so, or is not for users to change
    r"Found \d+ module\(s\) in eval mode",  # the encoder
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # by torch, in Lightning
    r"The 'train_dataloader' does not have many workers",  # as many as were asked for, or fit
    r".* available but not used",  # --accelerator cpu
]

logger = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""

    def work() -> int:
        settings = parse(TrainSettings, argv, description=__doc__, program=PROGRAM)
        with train_extra():
            return learn(settings)

    return run_command(PROGRAM, work, interrupted="interrupted before the first step")


def learn(settings: TrainSettings) -> int:
    """Settings -> module, data, callbacks -> the file; returns an exit code."""
    import pytorch_lightning as pl

    from impasto.data.datamodule import build_data
    from impasto.images.io import load_image, sample_photos
    from impasto.training.build import build_module, resolve
    from impasto.training.callbacks.monitor import Monitor
    from impasto.training.callbacks.previews import Pairs, Previews
    from impasto.training.identity import identify
    from impasto.training.run_dir import RunDir

    begin()
    sources = resolve(settings)
    settings = sources.settings
    pl.seed_everything(settings.seed, verbose=False)
    module, monitor = build_module(sources), Monitor()
    data = build_data(settings, sources.photos)
    folder = RunDir(settings, identity=identify(sources))
    photos = {path.stem: load_image(path, short_side=PREVIEW_SIDE) for path in sample_photos()}
    shows = Previews(Pairs(photos), every=settings.preview_every, budget=module.budget)
    export = exporter(module, sources, folder, monitor)
    callbacks = build_callbacks(module, folder, shows=[shows], export=export, monitor=monitor)
    use = f"impasto stylize --model {folder.onnx} PHOTO.jpg"
    return fit(module, data, folder, callbacks, use=use)


def begin() -> None:
    """What a process that learns does first."""
    from impasto.training.distributed import let_the_first_speak

    let_the_first_speak()
    keep_freed_memory()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for message in NO_NEWS:
        warnings.filterwarnings("ignore", message, module="pytorch_lightning")


def fit(
    module: "LearningModule",
    data: "DrawsDataModule",
    folder: "RunDir",
    callbacks: "list[pl.Callback]",
    *,
    use: str,
) -> int:
    """Learn to the end, or as far as it gets; `use` is a command that tries the result.

    Returns:
        The exit code.
    """
    from impasto.data.datamodule import lost_readers_are_said
    from impasto.training.callbacks.interrupt import exits_as_interrupts
    from impasto.training.distributed import let_the_first_speak, lost_is_said, refused_is_said
    from impasto.training.run_dir import disk_space_needed

    settings = folder.settings
    with refused_is_said():  # nothing else inside: what fails here is said to be the devices' fault
        trainer = build_trainer(settings, folder, callbacks)
    let_the_first_speak()  # a node knows its number only now
    room = disk_space_needed(module.learned())
    resumable = folder.prepare(room=room, writes=trainer.is_global_zero)
    announce(settings, trainer, resumable)
    with (
        folder.writing(),
        lost_is_said(trainer.world_size),
        lost_readers_are_said(),
        exits_as_interrupts(),
    ):
        trainer.fit(module, data, ckpt_path=resumable, weights_only=True)
    for line in data.report():
        logger.info(line)
    return conclude(trainer, folder, module.budget, use=use)


def announce(settings: RunSettings, trainer: "pl.Trainer", resumable: object) -> None:
    """What is learned, from where, on what, and a warning if that will take hours."""
    from impasto.system import processor_name

    beginning = f"going on from {resumable}" if resumable else "from the first step"
    where = f"{processor_name()}, {trainer.precision}"
    logger.info("learning %s, %s, on %s", settings.name, beginning, where)
    world, each = trainer.world_size, settings.batch_size
    logger.info("%d photographs a step (%d x %d)", world * each, world, each)
    on_cpu, steps = trainer.strategy.root_device.type == "cpu", settings.steps or 0
    if on_cpu and not settings.minutes and steps > MANY_STEPS:
        logger.info("%d steps take a CPU hours; %s", steps, LESS)


def build_trainer(
    settings: RunSettings, folder: "RunDir", callbacks: "list[pl.Callback]"
) -> "pl.Trainer":
    """Lightning with our callbacks; one endless epoch, which the steps or the clock end.

    Its bar and its checkpoints are replaced, see why at `BudgetBar` and `SaveCheckpoints`.
    """
    import pytorch_lightning as pl
    from pytorch_lightning.loggers import TensorBoardLogger

    from impasto.system import pick_accelerator, pick_precision
    from impasto.training.callbacks.checkpoint import CheckpointFiles
    from impasto.training.callbacks.monitor import LOG_EVERY
    from impasto.training.distributed import pick_strategy

    accelerator = pick_accelerator(settings.accelerator)
    precision = pick_precision(settings.precision, accelerator=accelerator)
    return pl.Trainer(
        accelerator=accelerator,
        devices=settings.devices,
        num_nodes=settings.nodes,
        strategy=pick_strategy(settings.devices * settings.nodes),
        plugins=[CheckpointFiles(folder)],
        default_root_dir=folder.path,
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        max_steps=settings.steps or -1,
        max_epochs=-1,
        gradient_clip_val=settings.gradient_clip or None,
        logger=TensorBoardLogger(folder.path, name="", version=folder.logs.name),
        log_every_n_steps=LOG_EVERY,
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,  # InfiniteSampler knows about ranks
    )


def build_callbacks(
    module: "LearningModule",
    folder: "RunDir",
    *,
    shows: "list[pl.Callback]",
    export: "Callable[[int], None]",
    monitor: "Monitor",
) -> "list[pl.Callback]":
    """Bar, curves, `shows`, guards, and the file at every checkpoint; their order matters."""
    from pytorch_lightning.callbacks import LearningRateMonitor

    from impasto.training.callbacks.checkpoint import ExportOnnx, SaveCheckpoints
    from impasto.training.callbacks.clock import Clock
    from impasto.training.callbacks.interrupt import StopWhenAsked
    from impasto.training.callbacks.nan_guard import NanGuard
    from impasto.training.callbacks.progress import BudgetBar
    from impasto.training.distributed import SameBeginning

    budget, guard = module.budget, NanGuard()
    checkpoints = SaveCheckpoints(folder=folder, budget=budget, guard=guard)
    return [
        Clock(budget),
        BudgetBar(budget),
        LearningRateMonitor(logging_interval="step"),
        *shows,
        SameBeginning(),
        guard,
        checkpoints,
        ExportOnnx(export, after=checkpoints),
        StopWhenAsked(),
        monitor,
    ]


def conclude(trainer: "pl.Trainer", folder: "RunDir", budget: "Budget", *, use: str) -> int:
    """Say what was learned, where it is, and why no more; returns 0, or 128 + a signal.

    It is 0 on other ranks than the first: one that exits with a code has Lightning kill the first.
    """
    from impasto.training.callbacks.interrupt import StopWhenAsked

    logger.info("learned %s", budget.told(trainer.global_step))
    within = f"{folder.difference:.1e} of the network, of a range of 1"
    logger.info("%s is within %s", folder.onnx, within)
    logger.info("try it: %s", use)
    stops = [item for item in trainer.callbacks if isinstance(item, StopWhenAsked)]  # type: ignore[attr-defined]
    asked = max(item.asked for item in stops)
    if not asked or not trainer.is_global_zero:
        return 0
    logger.info("stopped by %s: the same command goes on from here", signal.Signals(asked).name)
    return 128 + asked


def exporter(
    module: "StyleTransferModule", sources: "TrainingInputs", folder: "RunDir", monitor: "Monitor"
) -> "Callable[[int], None]":
    """What writes the .onnx of a step, with what it says of itself."""
    from impasto.export.onnx_export import export_onnx

    settings = sources.settings

    def export(steps: int) -> None:
        about = describe(sources, name=folder.onnx.stem, steps=steps)
        about |= so_far(module.budget, monitor)
        folder.difference = export_onnx(
            module.net,
            folder.onnx,
            metadata=about,
            uint8=settings.onnx_uint8,
            half=settings.onnx_float16,
        )

    return export


def describe(sources: "TrainingInputs", *, name: str, steps: int) -> dict[str, str]:
    """What a style's file says of itself: enough to know what it is and to make it again."""
    return facts(sources, name=name, steps=steps) | {"style_sha256": sources.style_sha256}


def facts(sources: "TrainingInputs | AnyInputs", *, name: str, steps: int) -> dict[str, str]:
    """What the file of any network says of itself."""
    return {
        "name": name,
        "settings": json.dumps(asdict(sources.settings)),
        "steps": str(steps),
        "encoder": sources.weights.name,
        "encoder_sha256": sources.weights.sha256,
        "impasto": __version__,
    }


def so_far(budget: "Budget", monitor: "Monitor") -> dict[str, str]:
    """What a file says of how it was learned."""
    minutes = f"{budget.elapsed / 60:.1f}"
    return {"minutes": minutes, "loss": json.dumps(monitor.recent_terms())}
