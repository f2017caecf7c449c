"""What `--model` may say: a file, a name with any dots, a folder as the shell completes it."""

from pathlib import Path

import pytest

from impasto.errors import InputError
from impasto.inference.hub import find_model

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
