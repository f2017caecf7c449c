"""Does the data keep up? Crops a second from the samples, against what a step needs.

python benchmarks/data_speed.py --photos DIR
"""

import sys
import time
from dataclasses import dataclass

from timing import machine, table

from impasto.batches import PhotoDataModule
from impasto.flags import Settings, parse, setting
from impasto.hardware import default_workers
from impasto.images import find_images, sample_photos
from impasto.photos import PhotoFolder


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
    folder = PhotoFolder(paths=paths, size=settings.size)
    start = time.perf_counter()
    for draw in range(settings.crops):
        folder[draw]
    alone = settings.crops / (time.perf_counter() - start)
    workers = default_workers()
    data = PhotoDataModule(paths=paths, size=settings.size, workers=workers)
    batches = iter(data.train_dataloader())
    next(batches)
    start = time.perf_counter()
    for _ in range(settings.crops // 4):
        next(batches)
    loaded = settings.crops // 4 * 4 / (time.perf_counter() - start)
    print(f"crops of {settings.size}² from {len(paths)} photographs; {machine()}\n")
    rows = [["in one process", f"{alone:.0f}"], [f"DataLoader, {workers} workers", f"{loaded:.0f}"]]
    print(table(["decoding and cropping", "images/s"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
