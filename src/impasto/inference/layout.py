"""How the tensors of a network lie over a picture, and how far edges reach: seen on small pictures.

Kernels, strides and padding need not be known for that: whatever the operators are, noise goes
through them.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from impasto.inference.graph import Graph, with_outputs
from impasto.inference.passes import (
    FEW,
    KEPT,
    MARGIN,
    MEAN,
    THIN,
    VARIANCE,
    Pass,
    frontier,
    norms_of,
    tensors_of,
)

SIDES = 96, 160  # pixels; of pictures that show how large everything is
DEPTHS = 128, 512  # pixels; heights of pictures that show how far edges reach
NARROW = 48  # pixels; their width
STEPS = 4, 8, 16  # rows by which strips may be moved, which depends on what strides multiply to
SAME = 2e-5  # of the largest value: that much depends on how a convolution is divided up

Open = Callable[[bytes, int], Any]
Array = npt.NDArray[Any]
Span = tuple[int, int]  # rows of a picture


class UncutError(ValueError):
    """The network is not made of local operators and instance normalizations."""


class Extent(NamedTuple):
    """Where a tensor is: it has height * scale + extra rows, and columns likewise."""

    channels: int
    scale: Fraction
    extra: int

    def rows(self, span: Span, *, height: int) -> tuple[int, int | None]:
        """Those that belong to rows of a picture of a height; to the end if they reach its end."""
        start = int(span[0] * self.scale)
        return start, None if span[1] == height else int(span[1] * self.scale) + self.extra

    def thin(self) -> "Extent":
        """With fewer rows."""
        return Extent(self.channels, self.scale / FEW[0], -(-self.extra // FEW[0]))


class Depth(NamedTuple):
    """Rows at the edges of a strip that would be others if the picture went on."""

    top: int
    bottom: int


class Layout:
    """Of all tensors of a network."""

    def __init__(self, data: bytes, graph: Graph, *, open: Open) -> None:
        """Look at two small pictures.

        Args:
            data: an ONNX file's.
            graph: the same.
            open: makes of a file, and how many threads, what has the `run` of an ONNX Runtime
                session.

        Raises:
            UncutError: tensors are not as large as the picture, or a fixed part of it.
        """
        names = [graph.stylized, *sorted(tensors_of(graph) - {graph.content, graph.stylized})]
        session = open(with_outputs(data, names[1:]), 1)
        self.bytes = session.get_inputs()[0].type == "tensor(uint8)"
        small, large = (
            {
                name: found.shape
                for name, found in zip(
                    names, session.run(names, {graph.content: self.noise(side, side)}), strict=True
                )
            }
            for side in SIDES
        )
        self.shapes: Mapping[str, tuple[int, ...]] = large
        tops = {name for norm in norms_of(graph) for name in frontier(graph, norm)}
        self.extents = {n: _extent(small[n], large[n]) for n in {graph.stylized, *tops}}
        self.extents |= {f"{name}{THIN}": each.thin() for name, each in self.extents.items()}
        if self.extents[graph.stylized] != (3, Fraction(1), 0):
            raise UncutError

    def noise(self, height: int, width: int) -> Array:
        """A picture."""
        noise = np.random.default_rng(0).random((1, 3, height, width), np.float32)
        return (noise * 255).astype(np.uint8) if self.bytes else noise

    def size(self, names: Iterable[str]) -> float:
        """Bytes for each pixel of a picture that tensors take in float16."""
        found = [self.extents[name] for name in names]
        return float(sum(2 * each.channels * each.scale**2 for each in found))

    def largest(self, part: Pass) -> float:
        """Bytes for each pixel of a picture that the largest tensor of a pass takes in float32."""
        names = {name for each in part.nodes for name in each.outputs} & self.shapes.keys()
        return max(4 * math.prod(self.shapes[name]) for name in names) / SIDES[1] ** 2

    def depths(
        self, parts: Sequence[Pass], sessions: Sequence[Any]
    ) -> tuple[int, list[dict[str, Depth]]]:
        """By how many rows strips may be moved, and how far their edges reach into the outputs.

        Raises:
            UncutError: through all of a picture.
        """
        for step, height in product(STEPS, DEPTHS):
            cuts = (step * (16 // step + 1), height - step * (16 // step + 1))
            found = [
                self._depths(part, session, cuts, height)
                for part, session in zip(parts, sessions, strict=True)
            ]
            if None not in found:
                return step, [each for each in found if each is not None]
        raise UncutError

    def _depths(self, part: Pass, session: Any, cuts: Span, height: int) -> dict[str, Depth] | None:
        scales = [self.extents[name].scale for name in (*part.inputs, *part.outputs)]
        if any((scale * cuts[0]).denominator > 1 for scale in scales):
            return None
        picture = self.noise(height, NARROW)
        tensors = {name: self._random(name, height, NARROW) for name in part.inputs}
        whole, middle = (
            session.run(part.outputs, self._feeds_of(part, span, picture, tensors))
            for span in ((0, height), cuts)
        )
        found = {}
        for name, large, small in zip(part.outputs, whole, middle, strict=True):
            first = int(cuts[0] * self.extents[name].scale)
            depth = _depth(large[:, :, first : first + small.shape[2]], small)
            if depth is None:
                return None
            found[name] = depth
        return found

    def _feeds_of(
        self, part: Pass, span: Span, picture: Array, tensors: Mapping[str, Array]
    ) -> dict[str, Array]:
        height = picture.shape[2]
        plain = {
            norm: (np.zeros(count, np.float32), np.ones(count, np.float32))
            for norm in part.norms
            for count in [self.shapes[norm][1]]
        }
        inside = {
            name: tensor[:, :, slice(*self.extents[name].rows(span, height=height))]
            for name, tensor in tensors.items()
        }
        rows = slice(max(0, span[0] - part.margin), span[1] + part.margin)
        content = picture[:, :, rows] if part.content else None
        size = (height, NARROW)
        return feeds(part, span, size, content=content, tensors=inside, statistics=plain)

    def _random(self, name: str, height: int, width: int) -> Array:
        channels, scale, extra = self.extents[name]
        shape = (1, channels, *(int(side * scale) + extra for side in (height, width)))
        return np.random.default_rng(1).standard_normal(shape, np.float32).astype(np.float16)


def feeds(
    part: Pass,
    span: Span,
    size: tuple[int, int],
    *,
    content: Array | None,
    tensors: Mapping[str, Array],
    statistics: Mapping[str, tuple[Array, Array]],
) -> dict[str, Array]:
    """What goes into a pass for a strip.

    Args:
        part: the pass.
        span: rows of the picture.
        size: height and width of the picture.
        content: (1, 3, h, W), its rows, with `margin` more on either side where they are there.
        tensors: what was kept, in the strip, by name.
        statistics: mean and scale of normalizations, by name.
    """
    height, width = size
    shape = [1, 3, span[1] - span[0], width]
    fed = {name: np.array(shape[start:end], np.int64) for name, start, end in part.sizes}
    fed |= {name + KEPT: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    for norm in part.norms:
        fed[norm + MEAN], fed[norm + VARIANCE] = statistics[norm]
    if content is not None:
        fed[part.content] = np.ascontiguousarray(content)
    if part.margin:
        above, below = (min(part.margin, room) for room in (span[0], height - span[1]))
        sides = [0, 0, part.margin - above, part.margin, 0, 0, part.margin - below, part.margin]
        fed[MARGIN] = np.array(sides, np.int64)
    return fed


def _extent(small: tuple[int, ...], large: tuple[int, ...]) -> Extent:
    if len(small) != 4 or small[0] != 1 or small[1] != large[1]:
        raise UncutError
    scales = {
        Fraction(b - a, SIDES[1] - SIDES[0]) for a, b in zip(small[2:], large[2:], strict=True)
    }
    extras = {side - SIDES[1] * scale for side in large[2:] for scale in scales}
    if len(scales) > 1 or len(extras) > 1 or (extra := extras.pop()).denominator > 1:
        raise UncutError
    return Extent(small[1], scales.pop(), int(extra))


def _depth(whole: Array, part: Array) -> Depth | None:
    """None where there is no row in the middle that no edge reaches."""
    difference = np.abs(whole.astype(np.float32) - part.astype(np.float32)).max((0, 1, 3))
    rounding = 1 if part.dtype.kind == "u" else SAME * np.abs(whole).max()
    others = np.flatnonzero(~(difference <= rounding))
    middle = len(difference) // 2
    if {middle - 1, middle} & set(others.tolist()):
        return None
    top, bottom = others[others < middle], others[others > middle]
    return Depth(
        int(top[-1]) + 1 if len(top) else 0,
        len(difference) - int(bottom[0]) if len(bottom) else 0,
    )
