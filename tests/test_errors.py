"""Where the light installation ends, a sentence says what brings the rest."""

import sys
from pathlib import Path

import pytest
from PIL import Image

from impasto.cli import stylize
from impasto.errors import train_extra


def test_without_torch_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)  # importing it now fails
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    assert stylize.main(["--style", str(tmp_path / "a.png"), str(tmp_path / "a.png")]) == 2
    error = capsys.readouterr().err
    assert "needs tqdm" in error
    assert "pip install '.[train]'" in error


def test_a_missing_module_of_ours_is_a_bug_and_stays_one() -> None:
    with pytest.raises(ModuleNotFoundError), train_extra():
        import impasto.nowhere  # noqa: F401
