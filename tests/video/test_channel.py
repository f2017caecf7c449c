"""Three threads and the queues between them: bounded, in order, and ended by any of the three."""

import threading

import pytest

from impasto.video.channel import Channel, newest, overlap


def test_everything_comes_through_in_order() -> None:
    got: list[int] = []
    overlap(range(100), lambda item: item * item, got.append, depth=2)
    assert got == [item * item for item in range(100)]


def test_no_more_wait_than_the_depth() -> None:
    made: list[int] = []
    done: list[int] = []
    ahead: list[int] = []

    def source():
        for item in range(60):
            made.append(item)
            yield item

    def work(item: int) -> int:
        ahead.append(len(made) - len(done))
        return item

    overlap(source(), work, done.append, depth=3)
    assert done == [*range(60)]
    assert max(ahead) <= 3 + 3 + 3  # both queues, and what each thread has in hand


def test_the_three_run_at_the_same_time() -> None:
    threads: set[int] = set()
    meeting = threading.Barrier(3, timeout=30)

    def meet() -> None:
        threads.add(threading.get_ident())
        meeting.wait()

    def source():
        yield from (0, 1)
        meet()

    def work(item: int) -> int:
        if item == 1:
            meet()
        return item

    overlap(source(), work, lambda item: meet() if item == 0 else None, depth=1)
    assert len(threads) == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_was_finished_is_still_written(error: type[BaseException]) -> None:
    got: list[int] = []

    def work(item: int) -> int:
        if item == 7:
            raise error
        return item

    with pytest.raises(error):
        overlap(range(100), work, got.append, depth=3)
    assert got == [*range(7)]


def test_an_error_of_the_source_comes_after_its_items() -> None:
    def source():
        yield from (1, 2, 3)
        raise OSError("damaged")

    got: list[int] = []
    with pytest.raises(OSError, match="damaged"):
        overlap(source(), lambda item: item, got.append, depth=1)
    assert got == [1, 2, 3]


def test_an_error_of_the_sink_ends_all() -> None:
    def sink(item: int) -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        overlap(iter(int, 1), lambda item: item, sink, depth=2)


def test_the_newest_replaces_what_waits() -> None:
    channel: Channel[int] = Channel(1, newest=True)
    assert all(channel.put(item) for item in range(5))
    channel.end()
    assert list(channel) == [4]


def test_a_camera_is_left_when_nobody_looks() -> None:
    left = threading.Event()

    def camera():
        try:
            while True:
                yield 0
        finally:
            left.set()

    frames = newest(camera())
    assert next(frames) == 0
    frames.close()
    assert left.is_set()
