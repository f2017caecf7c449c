"""The command impasto itself."""

import importlib
import sys
from pathlib import Path

import pytest
import yaml

from impasto import __version__
from impasto.cli import main


@pytest.fixture(autouse=True)
def streams_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "prepare", lambda: None)  # it would take over pytest's


@pytest.mark.parametrize("name", main.COMMANDS)
def test_command_has_a_module_of_its_name(name: str) -> None:
    assert callable(importlib.import_module(main.module_of(name)).main)


def test_version_is_said_in_one_voice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out == f"impasto {__version__}\n"
    citation = yaml.safe_load((Path(__file__).parents[2] / "CITATION.cff").read_text())
    assert citation["version"] == __version__


def test_unknown_command_is_one_sentence_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["stylise"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("impasto: there is no command 'stylise': stylize, ")


def test_words_of_the_process_stay_for_launchers_that_start_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/impasto", "styles"])
    assert main.main() == 0
    assert sys.argv == ["/bin/impasto", "styles"]
    assert "starry" in capsys.readouterr().out
