"""What the page says of styles, and which it offers."""

import io
from pathlib import Path

import pytest
from graphs import save_negative
from PIL import Image

from impasto.errors import InputError
from impasto.inference.stylizer import Stylizer
from impasto.web import catalog


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(catalog, "style_folders", lambda: [tmp_path])
    return tmp_path


def test_the_shipped_styles_have_titles_and_painters() -> None:
    found = {style.name: style for style in catalog.find_styles()}
    assert "base" not in found
    assert found["the_scream"].title == "The Scream"
    assert found["the_scream"].credit.startswith("Edvard Munch, 1893")
    assert all(style.credit for style in found.values() if (style.path.parent / "CARD.md").exists())


def test_metadata_is_read_without_loading_the_network() -> None:
    for style in catalog.find_styles():
        entry = catalog.describe(style)
        assert entry["metadata"] == Stylizer(style.path, threads=1).metadata
        assert entry["bytes"] == style.path.stat().st_size


def test_a_style_of_ones_own_needs_no_card(folder: Path) -> None:
    save_negative(folder / "my_style" / "my_style.onnx")
    save_negative(folder / "my_style" / "my_style.previous.onnx")
    save_negative(folder / "base" / "base.onnx")
    save_negative(folder / "bad name" / "bad name.onnx")
    [style] = catalog.find_styles()
    assert (style.name, style.title, style.credit) == ("my_style", "My style", "")
    size = Image.open(io.BytesIO(catalog.preview(style.path))).size
    assert size == (catalog.PREVIEW, catalog.PREVIEW)


def test_the_first_folder_wins_and_titles_are_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, name in (("a", "zebra"), ("b", "zebra"), ("b", "ant")):
        save_negative(tmp_path / place / name / f"{name}.onnx")
    monkeypatch.setattr(catalog, "style_folders", lambda: [tmp_path / "a", tmp_path / "b"])
    found = catalog.find_styles()
    assert [style.name for style in found] == ["ant", "zebra"]
    assert found[1].path.parts[-3] == "a"


def test_a_card_that_cannot_be_read_is_no_trouble(folder: Path) -> None:
    save_negative(folder / "odd" / "odd.onnx")
    (folder / "odd" / "CARD.md").write_bytes(b"# \xff\xfe")
    assert catalog.find_styles()[0].title == "Odd"


def test_a_file_that_is_no_style_is_refused(folder: Path) -> None:
    (folder / "fake").mkdir()
    (folder / "fake" / "fake.onnx").write_text("hello")
    [style] = catalog.find_styles()
    with pytest.raises(InputError, match="text"):
        catalog.describe(style)
