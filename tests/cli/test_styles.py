"""impasto styles: a line and a preview a style."""

from pathlib import Path

import pytest

from impasto.cli import main


def test_every_style_has_its_painting_and_a_preview_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(main, "prepare", lambda: None)  # it would take over pytest's streams
    assert main.main(["styles"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines[::2]]
    assert {"starry", "the_great_wave"} <= set(names)
    assert "base" not in names
    assert "Hokusai, 1831" in lines[2 * names.index("the_great_wave")]
    for line in lines[1::2]:
        assert Path(line.strip()).name == "sample.jpg"
        assert Path(line.strip()).is_file()


def test_nothing_is_said_to_be_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("impasto.cli.styles.find_styles", list)
    monkeypatch.setattr(main, "prepare", lambda: None)
    assert main.main(["styles"]) == 0
    assert capsys.readouterr().out.startswith("there are none yet: `impasto train --style ")
