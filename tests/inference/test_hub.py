"""What `--model` may say: a file, a name with any dots, a folder as the shell completes it."""

from pathlib import Path

import pytest

from impasto.errors import InputError
from impasto.inference import hub
from impasto.inference.hub import find_model, find_styles

DOTS = "Van_Gogh_-_ca._1889"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def style(path: str) -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(b"")
    return Path(path)


@pytest.mark.parametrize("name", ["mine", DOTS, "v1.5", "a.onnx", ".hidden", "1889."])
def test_a_name_is_found_whatever_its_dots(name: str) -> None:
    stem = name.removesuffix(".onnx")
    found = style(f"checkpoints/{stem}/{stem}.onnx")
    assert find_model(name) == found
    assert find_model(f"{stem}.onnx") == found


@pytest.mark.parametrize("spelled", [f"checkpoints/{DOTS}/", f"checkpoints/{DOTS}", f"./{DOTS}/"])
def test_a_runs_folder_is_its_style(spelled: str) -> None:
    found = style(f"checkpoints/{DOTS}/{DOTS}.onnx")
    style(f"checkpoints/{DOTS}/{DOTS}.previous.onnx")
    style(f"checkpoints/{DOTS}/another.onnx")
    assert find_model(spelled) == found


def test_a_folder_of_another_name_has_one_style_or_none_is_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = style("out/starry.onnx")
    style("out/starry.previous.onnx")
    assert find_model("out/") == found
    with monkeypatch.context() as inside:
        inside.chdir("out")
        assert find_model(".") == Path("starry.onnx")
    style("out/another.onnx")
    with pytest.raises(InputError, match=r"no style 'out/': give an \.onnx file"):
        find_model("out/")


def test_a_name_in_checkpoints_is_not_hidden_by_a_folder_of_that_name() -> None:
    style("mine/mine.onnx")
    assert find_model("mine/") == Path("mine/mine.onnx")
    found = style("checkpoints/mine/mine.onnx")
    assert find_model("mine") == found
    assert find_model("./mine/mine.onnx") == Path("mine/mine.onnx")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "", "no/where", "checkpoints"])
def test_what_is_none_is_one_sentence(name: str) -> None:
    style(f"checkpoints/{DOTS}/{DOTS}.onnx")
    with pytest.raises(InputError, match=rf"no style .*the styles here are .*{DOTS}"):
        find_model(name)


def test_styles_have_a_line_from_their_card_and_a_preview() -> None:
    found = style("checkpoints/mine/mine.onnx")
    style("checkpoints/starry/starry.onnx")  # hides the shipped one
    found.with_name("CARD.md").write_text("# Mine\n\n![a picture](sample.jpg)\n\nI, 2026; MIT.\n")
    preview = style("checkpoints/mine/sample.jpg")
    styles = {each.name: each for each in find_styles()}
    assert list(styles) == sorted(styles)
    assert styles["mine"] == ("mine", found, preview, "Mine: I, 2026; MIT.")
    assert styles["starry"] == ("starry", Path("checkpoints/starry/starry.onnx"), None, "")
    shipped = styles["the_scream"]
    assert "Edvard Munch" in shipped.painting
    assert shipped.preview == shipped.file.with_name("sample.jpg")


def test_a_name_is_looked_up_here_then_in_the_package_then_in_its_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setattr(hub, "__file__", str(home / "src/impasto/inference/hub.py"))
    places = [Path("checkpoints"), home / "src/impasto/styles", home / "checkpoints"]
    found = [style(str(place / "mine/mine.onnx")) for place in places]
    for file in found:
        assert find_model("mine") == file
        file.unlink()
    with pytest.raises(InputError, match="`impasto train` makes one"):
        find_model("mine")
