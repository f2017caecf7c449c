"""Gatys' method from file to file: a painting and a photograph in, a picture out, come what may."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, cast, get_args

import numpy as np
from torch import Tensor

from impasto.config.settings import GatysSettings
from impasto.data.locate import find_style, style_name
from impasto.data.tensors import to_rgb, to_tensor
from impasto.errors import InputError
from impasto.gatys.history import History
from impasto.gatys.multiscale import Lowest, Start, coarse_to_fine, fill, scale_sizes
from impasto.gatys.optimize import OptimizerConfig, Progress
from impasto.images.decoders import Source
from impasto.images.encoding import output_format, quantize
from impasto.images.io import RGB, check_pictures, load_image, write_picture, writing
from impasto.images.photo import Keep, Photo, picture_bytes, read_photo
from impasto.inference.controls import Controls
from impasto.losses.build import build_loss, resolve_encoder
from impasto.system import find_device

LARGEST = 512  # pixels: the short side unless --size says more, which takes minutes
STARTS = get_args(Start)
SMALLEST = 32  # pixels: what is less is nothing after the four poolings of a VGG


class Content(NamedTuple):
    """A photograph as it is painted."""

    photo: RGB  # as large as the result
    working: RGB  # at the size at which pixels are optimized
    tensor: Tensor  # the same, (1, 3, H, W)


class Target(NamedTuple):
    """What becomes of a photograph."""

    photo: Photo
    kind: str
    picture: Path
    place: Callable[[bytes, Path], object]


class GatysStylizer:
    """One painting and one loss, for any number of photographs."""

    def __init__(self, settings: GatysSettings) -> None:
        """Find painting, encoder and processor.

        Args:
            settings: of `impasto gatys`.

        Raises:
            InputError: something named is not there or cannot be used.
        """
        self.painting = find_style(settings.style)
        self.name = style_name(self.painting)
        if settings.start not in STARTS and not Path(settings.start).is_file():
            raise InputError(
                f"--start {settings.start} is not a file: give one, or {', '.join(STARTS)}"
            )
        self.controls = Controls.chosen(settings)
        self.device = find_device(settings.accelerator)
        self.settings, weights = resolve_encoder(settings)
        self.loss = build_loss(self.settings, weights).to(self.device)
        self.optimizer = OptimizerConfig(
            optimizer=settings.optimizer,
            lr=settings.lr,
            decay=settings.decay,
            line_search=settings.line_search,
            betas=(settings.beta1, settings.beta2),
            eps=settings.epsilon,
        )

    def paint(
        self,
        photo: Source,
        picture: Path,
        *,
        watch: Callable[[Progress], object],
        kind: str | None = None,
        place: Callable[[bytes, Path], object] = write_picture,
    ) -> tuple[int, int]:
        """Optimize, and save the picture with the lowest loss, also if the end comes early.

        Args:
            photo: what is painted, a file or what one would hold.
            picture: where it goes; `--log` gets a folder of the same path.
            watch: called after every iteration.
            kind: JPEG, PNG, WEBP or TIFF, by default that of the picture's suffix.
            place: takes the bytes of the picture there.

        Returns:
            Height and width.

        Raises:
            InputError: it cannot be read, painted or written.
            KeyboardInterrupt: as it came. Both say where the picture is, if there is one yet.
        """
        if kind is None:
            check_pictures([picture], depth=self.settings.depth)
            kind = output_format(picture)
        target = Target(self._read(photo, alpha=kind != "JPEG"), kind, picture, place)
        content = self._content(target.photo)
        self._optimize(content, target, watch)
        return content.photo.shape[0], content.photo.shape[1]

    def _optimize(
        self, content: Content, target: Target, watch: Callable[[Progress], object]
    ) -> None:
        lowest = Lowest()
        with self._record(target.picture) as record:  # its plot comes after the picture
            try:
                for now in self._progress(content):
                    for see in (lowest, record.add, watch):
                        see(now)
                    if now.iteration and now.iteration % (self.settings.save_every or np.inf) == 0:
                        self._save(lowest.best or now, content, target)
            except (Exception, KeyboardInterrupt) as error:
                if (best := lowest.best) is None:
                    raise
                self._save(best, content, target)
                if not isinstance(error, InputError | KeyboardInterrupt):
                    raise
                raise type(error)(
                    f"{str(error) or 'interrupted'}; {target.picture} is the best picture so far, "
                    f"of iteration {best.iteration}"
                ) from error
            assert lowest.best is not None
            self._save(lowest.best, content, target)

    def _record(self, picture: Path) -> History:
        log, plot = self.settings.log, self.settings.plot
        inside = [part for part in Path(os.path.relpath(picture)).parts if part != ".."]
        return History(
            log=Path(log, *inside) if log else None,
            plot=Path(plot) if plot else None,
            overwrite=self.settings.overwrite,
        )

    def _progress(self, content: Content) -> Iterator[Progress]:
        side, result = min(content.working.shape[:2]), min(content.photo.shape[:2])
        # not `side`, or strokes would shrink with the photograph
        style = self._load(self.painting, self.settings.style_size or result)
        sizes = scale_sizes(side, scales=self.settings.scales)
        least = sizes[0] * min(1, min(style.shape[-2:]) / side)
        if least < SMALLEST:
            raise InputError(
                f"{len(sizes)} --scales begin at {least:.0f} pixels: give fewer, the least is "
                f"{SMALLEST}"
            )
        given = self.settings.start
        start = cast(Start, given) if given in STARTS else self._load(Path(given), side)
        return coarse_to_fine(
            self.loss,
            content=content.tensor,
            style=style,
            start=start,
            sizes=sizes,
            iterations=self.settings.iterations,
            config=self.optimizer,
            seed=self.settings.seed,
        )

    def _content(self, photo: Photo) -> Content:
        array = photo.pixels
        working = self.controls.working(array, least=SMALLEST)
        return Content(array, working, to_tensor(working).to(self.device))

    def _read(self, source: Source, *, alpha: bool) -> Photo:
        size = self.settings.size
        photo = read_photo(source, at_least=size or LARGEST, alpha=alpha)
        side = size or min(LARGEST, *photo.image.size)
        if side < SMALLEST:
            name = source if isinstance(source, str | os.PathLike) else "the picture"
            raise InputError(
                f"a short side of {side} pixels is too little for {name}: give a --size of "
                f"{SMALLEST} or more"
            )
        return photo.fit(side)

    def _load(self, path: Path, side: int) -> Tensor:
        return to_tensor(load_image(path, short_side=side)).to(self.device)

    def _save(self, progress: Progress, content: Content, target: Target) -> None:
        painted = to_rgb(fill(progress.image, content.tensor))
        image = self.controls.finish(painted, working=content.working, photo=content.photo)
        pixels = quantize(image, depth=self.settings.depth)
        with writing(target.picture):
            keep = Keep.chosen(self.settings)
            data = picture_bytes(target.photo, pixels, target.kind, keep=keep)
        target.place(data, target.picture)
