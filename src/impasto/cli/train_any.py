"""Learn to take the style of any painting: impasto train-any --paintings DIR --photos DIR

Writes checkpoints/NAME/NAME.onnx, which paints, and NAME.encoder.onnx, which looks at a painting
that it has never seen, and refreshes both at every checkpoint. Ctrl-C ends a run early and leaves
valid files; the same command goes on. To watch it learn: tensorboard --logdir checkpoints
"""

import json
import logging
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.cli.process import run_command
from impasto.cli.train import begin, build_callbacks, facts, fit, so_far
from impasto.config.parser import parse
from impasto.config.settings import TrainAnySettings
from impasto.errors import InputError, train_extra

if TYPE_CHECKING:  # torch takes seconds to load: not before the flags are known to be right
    from collections.abc import Callable, Iterator

    import pytorch_lightning as pl

    from impasto.data.datamodule import DrawsDataModule
    from impasto.images.io import RGB
    from impasto.training.any_build import AnyInputs
    from impasto.training.any_module import AnyStyleModule
    from impasto.training.callbacks.monitor import Monitor
    from impasto.training.run_dir import RunDir

PROGRAM = "impasto train-any"
SHOWN_PAINTINGS, SHOWN_PHOTOS, TILE = 8, 4, 128  # of the grid, and the pixels of a part
NAMED = 200  # of the paintings that are held back

logger = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""

    def work() -> int:
        settings = parse(TrainAnySettings, argv, description=__doc__, program=PROGRAM)
        with train_extra():
            return learn(settings)

    return run_command(PROGRAM, work, interrupted="interrupted before the first step")


def learn(settings: TrainAnySettings) -> int:
    """Settings -> module, data, callbacks -> the files; returns an exit code."""
    import pytorch_lightning as pl

    from impasto.data.datamodule import build_data
    from impasto.training.any_build import build_any_module, resolve_any
    from impasto.training.callbacks.monitor import Monitor
    from impasto.training.identity import identify
    from impasto.training.run_dir import RunDir

    begin()
    sources = resolve_any(settings)
    settings = sources.settings
    count, held = len(sources.paintings), len(sources.held)
    logger.info("%d paintings to learn from, %d held back", count, held)
    pl.seed_everything(settings.seed, verbose=False)
    module, monitor = build_any_module(sources), Monitor()
    data = build_data(settings, sources.photos, sources.paintings)
    folder = RunDir(settings, identity=identify(sources))
    shows = beginnings(module, data, sources)
    export = exporter(module, sources, folder, monitor)
    callbacks = build_callbacks(module, folder, shows=shows, export=export, monitor=monitor)
    use = f"impasto stylize --model {folder.onnx} --painting PAINTING.jpg PHOTO.jpg"
    return fit(module, data, folder, callbacks, use=use)


def beginnings(
    module: "AnyStyleModule", data: "DrawsDataModule", sources: "AnyInputs"
) -> "list[pl.Callback]":
    """What is usual in paintings, and the grid for TensorBoard."""
    from impasto.data.paintings import PairDataset
    from impasto.images.io import sample_photos
    from impasto.training.any_module import Settle
    from impasto.training.callbacks.previews import Grid, Previews

    settings = sources.settings
    paintings = squares(sources.held or sources.paintings, size=settings.image_size)
    photos = squares(sample_photos(), size=TILE)
    grid = Grid(
        paintings=list(islice(paintings, SHOWN_PAINTINGS)),
        photos=list(islice(photos, SHOWN_PHOTOS)),
    )
    shows = Previews(grid, every=settings.preview_every, budget=module.budget)
    assert isinstance(data.dataset, PairDataset)
    return [Settle(data.dataset.paintings, workers=data.workers), shows]


def squares(paths: list[Path], *, size: int) -> "Iterator[RGB]":
    """The middle of those that can be read, as `size` pixels."""
    from PIL import ImageOps

    from impasto.data.readable import SMALLEST
    from impasto.images.io import open_rgb, to_array

    for path in paths:
        with suppress(InputError):
            image = open_rgb(path, at_least=size, smallest=SMALLEST)
            yield to_array(ImageOps.fit(image, (size, size)))


def exporter(
    module: "AnyStyleModule", sources: "AnyInputs", folder: "RunDir", monitor: "Monitor"
) -> "Callable[[int], None]":
    """What writes both files of a step, with what they say of themselves."""
    from impasto.export.any_export import export_any

    folder_of_paintings = Path(str(sources.settings.paintings))
    held = [str(path.relative_to(folder_of_paintings)) for path in sources.held[:NAMED]]

    def export(steps: int) -> None:
        about = facts(sources, name=folder.onnx.stem, steps=steps)
        about |= so_far(module.budget, monitor) | {"held_out": json.dumps(held)}
        folder.difference = export_any(module.model, folder.onnx, metadata=about)

    return export
