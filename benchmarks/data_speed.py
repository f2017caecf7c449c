"""Does the data keep up? Crops a second from the samples, against what a step needs.

python benchmarks/data_speed.py --photos DIR
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from timing import machine, table

from impasto.config.parser import Settings, parse, setting
from impasto.data.datamodule import PhotoDataModule
from impasto.data.dataset import RandomCropDataset
from impasto.images.io import find_images, sample_photos
from impasto.system import default_workers


@dataclass(frozen=True, kw_only=True)
class DataSettings(Settings):
    """What this benchmark takes."""

    photos: str | None = setting(None, "folder of photographs [the samples]")
    size: int = setting(256, "side of the crops, pixels", least=32)
    crops: int = setting(200, "how many are timed", least=8)


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    settings = parse(DataSettings, argv, description=str(__doc__))
    paths = find_images(settings.photos) if settings.photos else sample_photos()
    folder = RandomCropDataset(paths=paths, size=settings.size)
    start = time.perf_counter()
    for draw in range(settings.crops):
        folder[draw]
    alone = settings.crops / (time.perf_counter() - start)
    workers = default_workers()
    loaded = loading_rate(
        paths, size=settings.size, batch_size=4, workers=workers, crops=settings.crops
    )
    print(f"crops of {settings.size}² from {len(paths)} photographs; {machine()}\n")
    rows = [["in one process", f"{alone:.0f}"], [f"DataLoader, {workers} workers", f"{loaded:.0f}"]]
    print(table(["decoding and cropping", "images/s"], rows))
    return 0


def loading_rate(
    paths: Sequence[Path], *, size: int, batch_size: int, workers: int, crops: int
) -> float:
    """Crops a second that arrive in batches, as training gets them; `crops` are timed."""
    data = PhotoDataModule(paths=paths, size=size, batch_size=batch_size, workers=workers)
    batches = iter(data.train_dataloader())
    next(batches)
    count = max(1, crops // batch_size)
    start = time.perf_counter()
    for _ in range(count):
        next(batches)
    return count * batch_size / (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
