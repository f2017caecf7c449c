"""Pictures of any size in bounded memory: strip by strip, normalized as if in one piece.

A network is cut at its normalizations (see `passes`). Each pass goes over the picture in strips of
its full width, which overlap by as much as they need of each other, and adds up the statistics of
the whole picture for the next. What later passes need is kept in float16, unless it is unusually
large, such as features at full size: those are computed again, and their statistics are those of
every second row and third column.

Several strips are computed at once, with a thread each: one thread alone copies what is kept.
"""

import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from impasto.inference.graph import read_graph
from impasto.inference.kept import Copy, Moments, Pages, Rows
from impasto.inference.layout import Array, Layout, Open, Span, feeds
from impasto.inference.passes import KEPT, cut, frontier, norms_of
from impasto.inference.tiling import Watch

LARGE = 1.5  # times what is usual between two normalizations, that much is not kept
LEAST = 64  # rows of a strip
HEAP = 3  # times its largest tensor is what a pass takes

Given = Callable[[Array], Array]
Taken = Callable[[Array], Array]


class StripError(RuntimeError):
    """A strip could not be computed."""


class Strips:
    """A network that is applied in strips."""

    def __init__(self, data: bytes, *, open: Open) -> None:
        """Cut a network.

        Args:
            data: of an ONNX file that was checked and takes pictures of any size.
            open: makes of such a file, and how many threads, what has the methods of an ONNX
                Runtime session.

        Raises:
            UncutError: it is not made of local operators and instance normalizations.
        """
        self.open = open
        graph = read_graph(data)
        self.layout = layout = Layout(data, graph, open=open)
        sizes = [layout.size(frontier(graph, norm)) for norm in norms_of(graph)]
        self.passes = cut(
            graph,
            keeps=lambda names: layout.size(names) <= LARGE * median(sizes),
            channels=lambda name: layout.shapes[name][1],
        )
        sessions = [open(each.model, 1) for each in self.passes]
        self.step, self.depths = layout.depths(self.passes, sessions)

    @property
    def bytes_kept(self) -> float:
        """What is kept between passes at the most, for each pixel of a picture."""
        return max(map(self.layout.size, map(self.alive, range(len(self.passes)))))

    @property
    def bytes_computed(self) -> float:
        """What the network takes for each pixel that it computes at a time."""
        return HEAP * max(map(self.layout.largest, self.passes))

    def least(self, width: int) -> float:
        """Bytes that the smallest strips of a picture of a width take."""
        return LEAST * width * self.bytes_computed

    def __call__(
        self,
        image: Array,
        *,
        room: float,
        at_once: int,
        threads: int,
        given: Given,
        taken: Taken,
        watch: Watch,
    ) -> Array:
        """Apply the network.

        Args:
            image: H×W×3 of any kind.
            room: bytes that a strip may take for what it is computed with.
            at_once: strips.
            threads: of each of them.
            given: makes of rows of `image` what the network takes, (1, 3, h, W).
            taken: makes of what the network returns, (1, 3, h, W), rows of the result.
            watch: called before each strip with how many are done, of how many; it may raise.

        Returns:
            The shape and kind of `image`.
        """
        plans = self._plans(*image.shape[:2], room=room)
        work = _Work(self, image, given=given, taken=taken)
        done, total = count(), sum(map(len, plans))
        with ThreadPoolExecutor(at_once) as pool:
            for index, spans in enumerate(plans):
                session = work.begin(index, threads=threads)
                pending: deque[Future[_Found]] = deque()
                for before, span in zip([None, *spans[:-1]], spans, strict=True):
                    work.add(pending, fewer_than=at_once)
                    watch(next(done), total)
                    pending.append(pool.submit(work.compute, before, span, session))
                work.add(pending, fewer_than=1)
                work.end()
        return work.result

    def alive(self, index: int) -> set[str]:
        """What passes from `index` on need of those before."""
        later = self.passes[index:]
        made = {name for part in later for name in part.kept}
        return {name for part in later for name in part.inputs} - made

    def _plans(self, height: int, width: int, *, room: float) -> list[list[Span]]:
        """The strips of all passes."""
        return [self._spans(index, height, width, room=room) for index in range(len(self.passes))]

    def _spans(self, index: int, height: int, width: int, *, room: float) -> list[Span]:
        """The strips of a pass."""
        part, step = self.passes[index], self.step
        overlap = max(
            math.ceil((depth.top + depth.bottom - extra) / scale / step) * step
            for name, depth in self.depths[index].items()
            for _, scale, extra in [self.layout.extents[name]]
        )
        fits = int(room / (width * HEAP * self.layout.largest(part)))
        tall = max(LEAST, 2 * overlap, fits) // step * step
        count = 1 + math.ceil((height - tall) / (tall - overlap - step)) if tall < height else 1
        tops = [(height - tall) * each // max(1, count - 1) // step * step for each in range(count)]
        return (
            [(top, top + tall) for top in tops[:-1]] + [(tops[-1], height)]
            if count > 1
            else [(0, height)]
        )


class _Found(NamedTuple):
    """What a strip leaves."""

    span: Span
    kept: dict[str, Copy]
    moments: Moments


class _Work:
    """A picture in work."""

    def __init__(self, strips: Strips, image: Array, *, given: Given, taken: Taken) -> None:
        self.strips, self.image, self.given, self.taken = strips, image, given, taken
        self.result = np.empty_like(image)
        height, width = image.shape[:2]
        self.pages = Pages(strips.bytes_kept * height * width)
        self.kept: dict[str, Rows] = {}
        self.statistics: dict[str, tuple[Array, Array]] = {}

    def begin(self, index: int, *, threads: int) -> Any:
        """A pass; returns what computes its strips."""
        self.part, self.depths = self.strips.passes[index], self.strips.depths[index]
        self.done_with = set(self.kept) - self.strips.alive(index + 1)
        self.kept |= {name: Rows(self.pages) for name in self.part.kept}
        self.moments = Moments()
        return self.strips.open(self.part.model, threads)

    def compute(self, before: Span | None, span: Span, session: Any) -> "_Found":
        """A strip that follows another; in any thread."""
        part, names = self.part, [*self.part.outputs, *(name + KEPT for name in self.part.kept)]
        feeds_of_span = self._feeds(span)
        try:
            found = dict(zip(names, session.run(names, feeds_of_span), strict=True))
        except Exception as error:  # ONNX Runtime has no common base class for its errors
            raise StripError(str(error)) from error
        kept, moments = {}, Moments()
        for name in part.outputs:
            start, stop = self._new(name, before, span, rows=found[name].shape[2])
            if name in part.kept:
                kept[name] = self.pages.copy(found[name + KEPT][0, :, start:stop])
            if name == part.source and part.norm:
                moments.add(found[name][0, :, start:stop])
            elif name == part.source:
                rows = self.taken(found[name][:, :, start:stop, : self.image.shape[1]])
                top = self._rows(name, span)[0] + start
                self.result[top : top + len(rows)] = rows[: len(self.image) - top]
        return _Found(span, kept, moments)

    def add(self, pending: "deque[Future[_Found]]", *, fewer_than: int) -> None:
        """Take over strips, from top to bottom, until fewer are pending."""
        while len(pending) >= fewer_than:
            found = pending.popleft().result()
            for name, rows in found.kept.items():
                self.kept[name].append(rows)
            self.moments.add_all(found.moments)
            for name in self.done_with & set(self.part.inputs):
                self.kept[name].forget(self._rows(name, found.span)[0])

    def end(self) -> None:
        for name in self.done_with:
            rows = self.kept.pop(name)
            rows.forget(rows.count)
        if norm := self.part.norm:
            channels = self.strips.layout.shapes[norm][1]
            self.statistics[norm] = self.moments.over(channels)

    def _feeds(self, span: Span) -> dict[str, Array]:
        part, content = self.part, None
        height, width = self.image.shape[:2]
        if part.content:
            rows = slice(max(0, span[0] - part.margin), span[1] + part.margin)
            content = self.given(self.image[rows])
        tensors = {}
        for name in part.inputs:
            start, stop = self._rows(name, span)
            tensors[name] = self.kept[name].take(start, stop)
        return feeds(
            part,
            span,
            (height, width),
            content=content,
            tensors=tensors,
            statistics=self.statistics,
        )

    def _new(self, name: str, before: Span | None, span: Span, *, rows: int) -> Span:
        """From where to where a strip has rows that the one above does not have, and are right."""
        stop = rows if span[1] == len(self.image) else rows - self.depths[name].bottom
        if before is None:
            return 0, stop
        covered = self._rows(name, before)[1]
        assert covered is not None  # only the last strip reaches to the end
        return covered - self.depths[name].bottom - self._rows(name, span)[0], stop

    def _rows(self, name: str, span: Span) -> tuple[int, int | None]:
        return self.strips.layout.extents[name].rows(span, height=len(self.image))
