"""`--contact-sheet`: every photograph beside its pictures, in one file."""

import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from PIL import Image

from impasto.cli.outputs import STDOUT, Job
from impasto.config.settings import PictureSettings
from impasto.errors import InputError
from impasto.images.decoders import Source
from impasto.images.io import check_pictures, load_image, save_image, to_array, to_pil
from impasto.images.sheet import Cell, draw_sheet

SIDE, SMALL = 320, 160  # pixels of a cell
MANY = 300  # pictures, of which a sheet has smaller ones


def check_sheet(jobs: Sequence[Job], settings: PictureSettings) -> None:
    """See, before the work, that a contact sheet can be made, if one is asked for.

    Raises:
        InputError: it cannot, or a file is there that it would replace.
    """
    if not settings.contact_sheet:
        return
    sheet = Path(settings.contact_sheet)
    check_pictures([sheet])
    if any(job.picture == STDOUT for job in jobs):
        raise InputError(f"{sheet} shows pictures that are files: -o names one")
    used = {os.path.realpath(path) for job in jobs for path in (job.photo, job.picture)}
    if os.path.realpath(sheet) in used:
        raise InputError(f"{sheet} is a picture itself: --contact-sheet names another file")
    if os.path.exists(sheet) and not settings.overwrite:
        raise InputError(f"{sheet} exists: --overwrite replaces it and all pictures, or move it")


def write_sheet(jobs: Sequence[Job], path: Path, quality: int) -> None:
    """Lay out photographs and pictures, as they are in their files.

    Raises:
        InputError: it cannot be written.
    """
    side = SIDE if len(jobs) <= MANY else SMALL
    groups = []
    for _, group in groupby(jobs, key=lambda job: id(job.source)):
        made = [job for job in group if os.path.isfile(job.picture)]
        if made:
            photo: Cell = (_small(made[0].source, side), made[0].photo.name)
            groups.append([photo, *((_small(job.picture, side), job.style) for job in made)])
    sheet = draw_sheet(groups, side=side)
    save_image(to_array(sheet), path, quality=quality)
    print(f"{path}  {sheet.width}x{sheet.height}")


def _small(source: Source, side: int) -> Image.Image:
    image = to_pil(load_image(source, max_side=side))
    width, height = image.size
    scale = side / max(image.size)  # a small photograph as large as the others
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
