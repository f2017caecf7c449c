"""The controls after training as flags: what they make, how they combine, what they refuse."""

from pathlib import Path

import numpy as np
import pytest
from graphs import save_negative
from pictures import smooth
from PIL import Image

from impasto.cli import stylize
from impasto.images.io import load_image, save_image
from impasto.inference.controls import Controls


def run(*words: object) -> int:
    return stylize.main(["a.png", "-o", "out.png", "--overwrite", *map(str, words)])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a style, a photograph, and a mask whose right half is white."""
    save_negative(tmp_path / "checkpoints/starry/starry.onnx", name="negative")
    monkeypatch.chdir(tmp_path)
    save_image(smooth(48, 64), "a.png")
    Image.fromarray(np.uint8([[0, 255]])).resize((64, 48), 0).save("mask.png")


def test_strength_0_is_the_photograph_to_the_bit() -> None:
    assert run("--strength", 0) == 0
    np.testing.assert_array_equal(load_image("out.png"), load_image("a.png"))


def test_strength_1_is_the_default() -> None:
    assert run() == run("--strength", 1, "-o", "one.png") == 0
    assert Path("out.png").read_bytes() == Path("one.png").read_bytes()


def test_all_controls_together_are_those_of_python() -> None:
    words = ["--strength", 0.8, "--keep-color", "--stroke-size", 2, "--mask", "mask.png"]
    assert run(*words, "--feather", 5) == 0
    controls = Controls(strength=0.8, keep_color=True, stroke_size=2, mask="mask.png", feather=5)
    made, photo = (to_bytes(load_image(name)) for name in ("out.png", "a.png"))
    np.testing.assert_array_equal(made, controls.apply(photo, lambda image: 255 - image))


def to_bytes(image: np.ndarray) -> np.ndarray:
    return np.rint(image * 255).astype(np.uint8)


def test_size_comes_first() -> None:
    assert run("--size", 96, "--mask", "mask.png", "--feather", 0, "--stroke-size", 2) == 0
    made, photo = load_image("out.png"), load_image("a.png", short_side=96)
    assert made.shape == (96, 128, 3)
    np.testing.assert_array_equal(made[:, :63], photo[:, :63])
    np.testing.assert_allclose(made[:, 65:], 1 - photo[:, 65:], atol=0.06)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--strength 1.5", "--strength is 1.5: give at most 1"),
        ("--strength=-1", "--strength is -1.0: give at least 0"),
        ("--strength much", "--strength must be a number (got 'much')"),
        ("--stroke-size 0", "--stroke-size is 0.0: give at least 0.25"),
        ("--stroke-size 17", "--stroke-size is 17.0: give at most 16"),
        ("--feather=-1", "--feather is -1.0: give at least 0"),
        ("--mask none.png", "cannot read the mask none.png: there is no such file, check the name"),
        (
            "--stroke-size 4",
            "a.png: strokes of size 4 make 64x48 pixels 16x12, and a side needs 16: give a smaller "
            "--stroke-size",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    words: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words.split()) == 2
    assert capsys.readouterr().err == f"impasto stylize: {sentence}\n"
    assert not Path("out.png").exists()
