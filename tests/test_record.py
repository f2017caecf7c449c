"""What an optimisation leaves beside its picture, also where there is no place for it."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from impasto.errors import InputError
from impasto.gatys import Progress
from impasto.record import Record


def step(iteration: int) -> Progress:
    image = torch.zeros(1, 3, 4, 4)
    return Progress(iteration=iteration, iterations=9, content=1, style=2, tv=0, image=image)


def test_nothing_is_written_where_nothing_is_asked(tmp_path: Path) -> None:
    with Record(log=None, plot=None, overwrite=False) as record:
        record.add(step(0))
    assert record.curves["total"] == [3]
    assert list(tmp_path.iterdir()) == []


def test_the_plot_is_drawn_however_the_end_comes(tmp_path: Path) -> None:
    plot = tmp_path / "new" / "plot.png"
    record = Record(log=None, plot=plot, overwrite=False)
    record.add(step(0))
    record.add(step(1))
    record.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert Image.open(plot).format == "PNG"
    assert [path.name for path in plot.parent.iterdir()] == ["plot.png"]


def test_a_run_without_an_iteration_leaves_no_plot(tmp_path: Path) -> None:
    with Record(log=None, plot=tmp_path / "plot.png", overwrite=False):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_went_away_is_one_sentence(tmp_path: Path) -> None:
    plot = tmp_path / "plot.png"
    record = Record(log=None, plot=plot, overwrite=False)
    record.add(step(0))
    plot.mkdir()
    with pytest.raises(InputError, match=r"cannot write .*plot\.png \(Is a directory\): --plot"):
        record.__exit__(None, None, None)
