#!/usr/bin/env python
"""Apply a learned style to photographs: python stylize.py --model starry photo.jpg -o out.jpg

Takes files and folders, of any size; writes photo_starry.jpg beside each photo unless told where.
Of a folder it leaves out what the style made before. With no photo it stylizes a sample. Needs no
torch.
"""

import sys
import time
from collections.abc import Iterable
from pathlib import Path

from impasto.errors import InputError
from impasto.images import find_images, load_image, sample_photos, save_image
from impasto.runtime import Stylizer
from impasto.settings import StylizeSettings, parse


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code: 0, 1 if some photos failed, 2 if all did."""
    try:
        settings = parse(StylizeSettings, argv, description=__doc__)
        stylizer = Stylizer(settings.model, threads=settings.threads)
        jobs = plan(settings, style=stylizer.name)
    except InputError as error:
        print(f"stylize.py: {error}", file=sys.stderr)
        return 2
    failed = run(stylizer, jobs, settings)
    for line in failed:
        print(f"stylize.py: {line}", file=sys.stderr)
    if failed and len(jobs) > 1:
        print(f"stylize.py: {len(failed)} of {len(jobs)} pictures were not made", file=sys.stderr)
    return 0 if not failed else 2 if len(failed) == len(jobs) else 1


def run(stylizer: Stylizer, jobs: list[tuple[Path, Path]], settings: StylizeSettings) -> list[str]:
    """Stylize (photo, picture) pairs one by one; returns a sentence for each that failed."""
    failed, start = [], time.perf_counter()
    for done, (photo, picture) in enumerate(jobs, start=1):
        begin = time.perf_counter()
        try:
            if picture.exists() and not settings.overwrite:
                raise InputError(f"{picture} exists: --overwrite replaces it, -o names another")
            image = load_image(photo, short_side=settings.size)
            save_image(stylizer(image), picture, quality=settings.quality)
        except InputError as error:
            failed.append(str(error))
            continue
        now = time.perf_counter()
        left = (now - start) / done * (len(jobs) - done)
        eta = f", {left:.0f} s left" if done < len(jobs) else ""
        print(
            f"[{done}/{len(jobs)}] {picture}  {image.shape[1]}x{image.shape[0]}"
            f"  {now - begin:.2f} s{eta}"
        )
    return failed


def plan(settings: StylizeSettings, *, style: str) -> list[tuple[Path, Path]]:
    """Pairs of photo and picture, before anything is made.

    Raises:
        InputError: nothing to do, or two photos for one picture.
    """
    photos = list(_photos(settings, style))
    output = Path(settings.output) if settings.output else None
    if not photos:
        raise InputError(f"no photographs in {', '.join(settings.photos)}: name files or folders")
    one_file = output is not None and output.suffix and not output.is_dir()
    if one_file and len(photos) > 1:
        raise InputError(f"{output} is one file for {len(photos)} photos: name a folder")
    jobs: dict[Path, tuple[Path, Path]] = {}
    for photo, below in photos:
        home = photo.parent if settings.photos else Path()  # never write into the package
        folder = home if output is None else output / below
        picture = output if output and one_file else folder / _default_name(photo, style)
        other, _ = jobs.setdefault(picture.resolve(), (photo, picture))
        if other.resolve() != photo.resolve():
            raise InputError(f"{other} and {photo} both become {picture}: name two folders")
    return list(jobs.values())


def _photos(settings: StylizeSettings, style: str) -> Iterable[tuple[Path, Path]]:
    """Each photo and its folder below the one that was named."""
    if not settings.photos:
        sample = sample_photos()[0]
        print(f"no photo given: taking the sample {sample.name}")
        yield sample, Path()
    for path in map(Path, settings.photos):
        if not path.is_dir():
            yield path, Path()
            continue
        found = find_images(path)
        made = _made_before(found, path, settings.output, style)
        yield from ((photo, photo.parent.relative_to(path)) for photo in found if photo not in made)


def _made_before(found: list[Path], folder: Path, output: str | None, style: str) -> set[Path]:
    """Results of an earlier run: named so, with the photo beside them or in an inner `output`."""
    tail, names = f"_{style}", {str(photo.with_suffix("")) for photo in found}
    target = Path(output or folder).resolve()
    inner = target if folder.resolve() in target.parents else None
    return {
        photo
        for photo in found
        if photo.stem.endswith(tail)
        and (
            str(photo.with_suffix("")).removesuffix(tail) in names
            or inner in photo.resolve().parents
        )
    }


def _default_name(photo: Path, style: str) -> str:
    suffix = photo.suffix if photo.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") else ".png"
    return f"{photo.stem}_{style}{suffix}"


if __name__ == "__main__":
    sys.exit(main())
