"""One picture at a time: the queue of those who wait, and the styles that are open."""

import hashlib
import io
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from PIL import Image

from impasto.errors import InputError
from impasto.images.io import RGB, load_image, open_rgb, to_pil
from impasto.inference.any_style import AnyStyle
from impasto.inference.session import Backend
from impasto.inference.stylizer import Stylizer, Vector
from impasto.web.catalog import Style, describe, find_styles, preview

logger = logging.getLogger(__name__)

WAITING = 8  # pictures in the queue, with the one in work
GIVEN = 4  # styles of the visitor's own that are kept open
PAINTINGS = 99  # of the visitor's own whose styles are kept, some 6 kB each
POLL = 0.2  # seconds between looks whether who waits is still there


class BusyError(Exception):
    """The queue is full."""


class GoneError(Exception):
    """Nobody waits for the picture any more."""


@dataclass(eq=False, kw_only=True)
class Job:
    """A picture that somebody waits for."""

    name: str = ""
    gone: Callable[[], bool] = lambda: False
    done: int = field(default=0, init=False)
    tiles: int = field(default=1, init=False)
    seconds: float = field(default=0, init=False)  # of work, without waiting

    def watch(self, done: int, tiles: int) -> None:
        """Note how far it is; raises GoneError where nobody waits any more."""
        self.done, self.tiles = done, tiles
        if self.gone():
            raise GoneError


class Painter:
    """Makes pictures one after the other, for any number of threads that ask."""

    def __init__(self, *, threads: int | None = None, backend: Backend = "auto") -> None:
        """Open no style yet; `threads` and `backend` are those of `Stylizer`."""
        self._threads, self._backend = threads, backend
        self._queue: list[Job] = []
        self._changed = threading.Condition()
        self._opening, self._previewing = threading.Lock(), threading.Lock()
        self._open: dict[str, Stylizer] = {}
        self._given: OrderedDict[str, Stylizer] = OrderedDict()
        self._seen: OrderedDict[str, Vector] = OrderedDict()
        self._closed = False
        self._previews: dict[str, bytes] = {}
        self.styles: dict[str, Style] = {}
        self.entries: list[dict[str, object]] = []
        for style in find_styles():
            try:
                self.entries.append(describe(style))
                self.styles[style.name] = style
            except InputError as error:
                logger.warning("left out: %s", error)

    def preview(self, name: str) -> bytes:
        """A JPEG of a sample photograph in the style of a name in `styles`."""
        with self._previewing:
            if name not in self._previews:
                self._previews[name] = preview(self.styles[name].path)
            return self._previews[name]

    def stylizer(self, name: str) -> Stylizer:
        """A style by its name, opened once.

        Raises:
            InputError: there is none of that name, or its file is no good.
        """
        with self._opening:
            if name in self._given:
                self._given.move_to_end(name)
                return self._given[name]
            if name in self._seen:
                return self._keep(name, self._make(self._any.model(self._seen[name])))
            if name not in self.styles:
                raise InputError(f"there is no style {name[:100]!r} here: choose another one")
            if name not in self._open:
                self._open[name] = self._make(str(self.styles[name].path))
            return self._open[name]

    def add(self, model: bytes) -> str:
        """Take a style that somebody gave; returns the name by which it is asked for.

        The last GIVEN are kept.

        Raises:
            InputError: the file is no style.
        """
        name = f"given-{hashlib.sha256(model).hexdigest()[:16]}"
        made = self._make(model)
        with self._opening:
            self._keep(name, made)
        return name

    def look(self, painting: bytes, *, job: Job) -> str:
        """Take a painting, an image file; returns the name by which its style is asked for.

        The last PAINTINGS are kept.

        Raises:
            InputError: not a picture, or the network that looks at paintings is not here.
            BusyError, GoneError: as `paint`.
        """
        with self._turn(job):
            vector = self._any.look(io.BytesIO(painting))
        name = f"given-{hashlib.sha256(vector.tobytes()).hexdigest()[:16]}"
        with self._opening:
            self._seen[name] = vector
            while len(self._seen) > PAINTINGS:
                self._seen.popitem(last=False)
        return name

    def paint(self, photo: bytes, *, style: str, size: int | None, job: Job) -> RGB:
        """The picture that `impasto stylize --model STYLE --size SIZE` makes of a photograph.

        Args:
            photo: an image file.
            style: a name.
            size: short side of the picture in pixels, None for the photograph's.
            job: who waits.

        Returns:
            H×W×3 float32 RGB in [0,1].

        Raises:
            InputError: not a picture, not a style, or not enough memory.
            BusyError: too many wait.
            GoneError: nobody waits any more.
        """
        with self._turn(job):
            stylizer = self.stylizer(style)
            began = time.perf_counter()
            image = load_image(io.BytesIO(photo), short_side=size)
            stylized: RGB = stylizer(image, watch=job.watch)
            job.seconds = time.perf_counter() - began
            return stylized

    def photo(
        self, photo: bytes, *, size: int | None, job: Job
    ) -> tuple[Image.Image, tuple[int, int]]:
        """What `paint` sees of a photograph, and the width and height that it has itself.

        Raises:
            InputError, BusyError, GoneError: as `paint`.
        """
        with self._turn(job):
            whole = open_rgb(io.BytesIO(photo))
            if size is None:
                return whole, whole.size
            return to_pil(load_image(io.BytesIO(photo), short_side=size)), whole.size

    def place(self, name: str) -> dict[str, int]:
        """How many pictures come before one, and how many of its tiles are done."""
        with self._changed:
            for before, job in enumerate(self._queue):
                if name and job.name == name:
                    return {"before": before, "done": job.done, "tiles": job.tiles}
        return {"before": 0, "done": 0, "tiles": 1}

    def close(self) -> None:
        """End the picture in work after its tile, and wait for that."""
        with self._changed:
            self._closed = True
            while self._queue:
                self._changed.wait(POLL)

    @contextmanager
    def _turn(self, job: Job) -> Iterator[None]:
        left = job.gone
        job.gone = lambda: self._closed or left()
        with self._changed:
            if len(self._queue) >= WAITING:
                raise BusyError
            self._queue.append(job)
        try:
            with self._changed:
                while self._queue[0] is not job and not job.gone():
                    self._changed.wait(POLL)
            job.watch(0, 1)
            yield
        finally:
            with self._changed:
                self._queue.remove(job)
                self._changed.notify_all()

    @cached_property
    def _any(self) -> AnyStyle:
        return AnyStyle(threads=self._threads)

    def _keep(self, name: str, made: Stylizer) -> Stylizer:
        self._given[name] = made
        while len(self._given) > GIVEN:
            self._given.popitem(last=False)
        return made

    def _make(self, model: str | bytes) -> Stylizer:
        return Stylizer(model, threads=self._threads, backend=self._backend)
