"""What an optimization leaves beside its picture, also where there is no place for it."""

import errno
import os
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from impasto.errors import InputError
from impasto.gatys.history import History
from impasto.gatys.optimize import Progress


def step(iteration: int) -> Progress:
    image = torch.zeros(1, 3, 4, 4)
    return Progress(iteration=iteration, iterations=9, content=1, style=2, tv=0, image=image)


def test_nothing_is_written_where_nothing_is_asked(tmp_path: Path) -> None:
    with History(log=None, plot=None, overwrite=False) as record:
        record.add(step(0))
    assert record.curves["total"] == [3]
    assert list(tmp_path.iterdir()) == []


def test_the_plot_is_drawn_however_the_end_comes(tmp_path: Path) -> None:
    plot = tmp_path / "new" / "plot.png"
    record = History(log=None, plot=plot, overwrite=False)
    record.add(step(0))
    record.add(step(1))
    record.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert Image.open(plot).format == "PNG"
    assert [path.name for path in plot.parent.iterdir()] == ["plot.png"]


def test_a_run_without_an_iteration_leaves_no_plot(tmp_path: Path) -> None:
    with History(log=None, plot=tmp_path / "plot.png", overwrite=False):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_went_away_is_one_sentence_and_no_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plot = tmp_path / "plot.png"
    with History(log=None, plot=plot, overwrite=False) as record:
        record.add(step(0))
        plot.mkdir()
    assert caplog.messages == [f"--plot {plot} is not written (Is a directory)"]


def test_a_log_that_takes_no_more_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with History(log=tmp_path, plot=None, overwrite=False) as record:
        record.board.add_scalar = full
        record.add(step(0))
        record.add(step(1))
    assert caplog.messages == ["--log is not written (No space left on device)"]
    assert record.curves["total"] == [3, 3]


def test_a_plot_that_cannot_be_drawn_or_written_is_known_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*file.*choose another place"):
        History(log=None, plot=tmp_path / "file/p.png", overwrite=False)
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    with pytest.raises(InputError, match=r"^--plot needs matplotlib, which does not load: [^;]+$"):
        History(log=None, plot=tmp_path / "p.png", overwrite=False)
