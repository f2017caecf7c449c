"""Where a painting that is called by its name is looked up."""

from pathlib import Path

import pytest
from PIL import Image

from impasto.data import locate
from impasto.data.locate import find_style
from impasto.errors import InputError


@pytest.mark.parametrize("name", ["night", "night.png"])
def test_a_name_is_looked_up_here_then_in_the_package_then_in_its_checkout(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(locate, "__file__", str(home / "src/impasto/data/locate.py"))
    places = [Path("data/styles"), home / "src/impasto/paintings", home / "data/styles"]
    for place in places:
        place.mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(place / "night.png")
    for place in places:
        assert find_style(name) == place / "night.png"
        (place / "night.png").unlink()
    with pytest.raises(InputError, match=f"no painting '{name}': "):
        find_style(name)


def test_a_file_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("starry.jpg")
    assert find_style("starry.jpg") == Path("starry.jpg")
    assert find_style("starry").parent.name == "styles"
