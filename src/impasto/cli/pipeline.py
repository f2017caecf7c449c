"""Reading the next photograph and packing the last picture while the network is at work."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby

import numpy as np

from impasto.cli.outputs import Job
from impasto.cli.pictures import Finish
from impasto.images.encoding import Pixels, quantize
from impasto.images.photo import Photo
from impasto.inference.stylizer import Picture
from impasto.inference.tiling import Watch

IN_FLIGHT = 3  # one picture is read, one painted, one packed


class HaltedError(Exception):
    """Nobody waits for this picture any more."""


class Pipeline:
    """Threads for the steps of a picture before it is put into place."""

    def __init__(
        self,
        *,
        read: Callable[[Job], Photo],
        paint: Callable[[Picture, Job, Watch], Picture],
        pack: Callable[[Photo, Pixels, Job], bytes],
        place: Callable[[Job, bytes], object],
        depth: int = 8,
    ) -> None:
        """Take the steps.

        Args:
            read: once for each photograph.
            paint: the work of the network, from bytes to bytes or to floats in [0,1]. It calls its
                last argument now and then.
            pack: to the bytes of a file.
            place: puts them where they belong.
            depth: bits that a painted picture is kept in until it is packed.
        """
        self.read, self.paint, self.pack, self.place = read, paint, pack, place
        self.depth = depth
        self._halt = threading.Event()

    def run(self, jobs: Sequence[Job]) -> Generator[tuple[Job, Finish]]:
        """Make pictures, in order; jobs of one photograph follow each other.

        `place` runs in this thread, where Ctrl-C is raised: it comes between two pictures or ends
        the writing of one, so that those are there that are counted.

        Yields:
            Each job, and what waits for its picture and puts it into place. That raises what was
            raised anywhere on the way.
        """
        pools = [ThreadPoolExecutor(1, thread_name_prefix="picture") for _ in range(3)]
        going = deque[tuple[Job, Finish]]()
        try:
            for job, finish in self._started(jobs, *pools):
                going.append((job, finish))
                if len(going) == IN_FLIGHT:
                    yield going.popleft()
            while going:
                yield going.popleft()
        finally:
            self._halt.set()
            for pool in pools:
                pool.shutdown(cancel_futures=True)

    def _started(
        self,
        jobs: Sequence[Job],
        reader: ThreadPoolExecutor,
        painter: ThreadPoolExecutor,
        packer: ThreadPoolExecutor,
    ) -> Iterator[tuple[Job, Finish]]:
        for _, group in groupby(jobs, key=lambda job: (id(job.source), job.kind == "JPEG")):
            *others, last = group
            photo = reader.submit(self.read, last)
            for job in (*others, last):
                painted = painter.submit(self._paint, photo, job, last=job is last)
                packed = packer.submit(self._pack, photo, painted, job)
                yield job, self._finish(job, painted, packed)

    def _paint(self, photo: Future[Photo], job: Job, *, last: bool) -> Pixels:
        content = photo.result()
        # Bytes take a quarter of the memory of floats, and are enough but for 16 bits.
        pixels = np.array(content.image) if content.fine is None else content.fine
        if last:
            content.image.close()  # a quarter more memory, for as long as the network runs
        picture = self.paint(pixels, job, self._watch)
        return quantize(picture, depth=self.depth)

    def _pack(self, photo: Future[Photo], painted: Future[Pixels], job: Job) -> bytes:
        return self.pack(photo.result(), painted.result(), job)

    def _finish(self, job: Job, painted: Future[Pixels], packed: Future[bytes]) -> Finish:
        def finish() -> tuple[int, int]:
            data = packed.result()
            height, width = painted.result().shape[:2]
            self.place(job, data)
            return height, width

        return finish

    def _watch(self, _done: int, _tiles: int) -> None:
        if self._halt.is_set():
            raise HaltedError
