"""Decode, stylize and encode at the same time, with no more than a few frames between them."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
AWAKE = 0.5  # s: a wait without limit would not hear Ctrl-C on Windows


class Channel(Generic[T]):
    """A queue of at most `depth` items between two threads, either of which may stop."""

    def __init__(self, depth: int, *, newest: bool = False) -> None:
        """With `newest` a full queue loses its oldest item and nobody waits to put one in."""
        self.depth = depth
        self.newest = newest
        self.most = 0  # items that were ever in it
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = self._closed = False

    def put(self, item: T) -> bool:
        """Add an item once there is room; returns False where nobody wants any more."""
        with self._changed:
            while len(self._items) >= self.depth and not self._closed and not self.newest:
                self._changed.wait(AWAKE)
            if self._closed:
                return False
            if len(self._items) >= self.depth:
                self._items.popleft()
            self._items.append(item)
            self.most = max(self.most, len(self._items))
            self._changed.notify_all()
        return True

    def end(self) -> None:
        """Nothing more comes: who reads gets what is still in it, then stops."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more is wanted: who writes stops, and what is still in it is dropped."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Take items until the end."""
        while True:
            with self._changed:
                while not self._items and not self._ended and not self._closed:
                    self._changed.wait(AWAKE)
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item


class _Thread(threading.Thread):
    """A thread that keeps its error for whoever joins it."""

    def __init__(self, work: Callable[[], None], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # raised where it is joined
            self.error = error


def overlap(
    source: Iterable[A],
    work: Callable[[A], B],
    sink: Callable[[B], object],
    *,
    depth: int,
) -> None:
    """`sink(work(item))` for every item, in order: the three run at the same time.

    `source` and `sink` have a thread each, `work` stays in the calling one. At most `depth` items
    wait on either side of it. Where anything raises, or Ctrl-C comes, `sink` still gets all that
    `work` has finished.

    Raises:
        Whatever the three raise, the sink's first.
    """
    incoming: Channel[A] = Channel(depth)
    outgoing: Channel[B] = Channel(depth)
    reader = _Thread(lambda: _pump(source, incoming), "decode")
    writer = _Thread(lambda: _drain(outgoing, sink), "encode")
    reader.start()
    writer.start()
    try:
        for item in incoming:
            if not outgoing.put(work(item)):
                break
    finally:
        incoming.close()
        outgoing.end()
        for thread in (reader, writer):
            _join(thread)
        if writer.error is not None:
            raise writer.error
    if reader.error is not None:
        raise reader.error


def newest(source: Iterable[T]) -> Iterator[T]:
    """The items of a source that does not wait, such as a camera: those that come in between two
    calls are dropped, but for the last."""
    waiting: Channel[T] = Channel(1, newest=True)
    reader = _Thread(lambda: _pump(source, waiting), "camera")
    reader.start()
    try:
        yield from waiting
    finally:
        waiting.close()
        _join(reader)
    if reader.error is not None:
        raise reader.error


def _pump(source: Iterable[T], channel: Channel[T]) -> None:
    try:
        for item in source:
            if not channel.put(item):
                break
    finally:
        channel.end()
        if isinstance(source, Generator):
            source.close()


def _drain(channel: Channel[T], sink: Callable[[T], object]) -> None:
    try:
        for item in channel:
            sink(item)
    finally:
        channel.close()


def _join(thread: threading.Thread) -> None:
    while thread.is_alive():
        thread.join(AWAKE)
