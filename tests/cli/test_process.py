"""What a command does to its own process: where messages of the library go."""

import logging
import sys

import pytest
from tqdm import tqdm

from impasto.cli.process import show_messages

LOGGER = logging.getLogger("impasto.somewhere")


def test_messages_are_bare_lines_on_stdout_and_come_once(capsys: pytest.CaptureFixture) -> None:
    show_messages()
    show_messages()
    LOGGER.info("learning %s", "starry")
    LOGGER.warning("two steps were skipped")
    LOGGER.debug("not for readers")
    assert capsys.readouterr() == ("learning starry\ntwo steps were skipped\n", "")


def test_messages_leave_a_progress_bar_whole(capsys: pytest.CaptureFixture) -> None:
    show_messages()
    with tqdm(total=2, file=sys.stderr, ascii=True, mininterval=0) as bar:
        bar.update()
        LOGGER.info("a line")
    captured = capsys.readouterr()
    assert captured.out == "a line\n"
    assert captured.err.count("1/2") == 3  # as it moved, below the line, as it closed
