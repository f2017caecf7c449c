"""stylize --painting as a user meets it: any painting, mixtures, saved styles, strips."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from any_styles import ExportedAny

from impasto.cli import styles, stylize
from impasto.cli.paintings import Paintings
from impasto.config.settings import StylizeSettings
from impasto.images.io import RGB, load_image, save_image
from impasto.inference.any_style import load_style, mixed

RED, BLUE = "red.png", "blue.png"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, painter: ExportedAny) -> Path:
    """A folder with a network for any painting, two paintings and a photograph."""
    shutil.copytree(painter.path.parent, tmp_path / "checkpoints/any")
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name, color in ((RED, [1, 0.1, 0.1]), (BLUE, [0.1, 0.2, 1])):
        save_image((random.random((40, 50, 3)) * color).astype(np.float32), name)
    save_image(random.random((24, 36, 3)).astype(np.float32), "sea.png")
    return tmp_path


def run(*words: object) -> int:
    return stylize.main(["sea.png", *map(str, words)])


def picture(*words: object) -> RGB:
    assert run("-o", "made.png", "--overwrite", *words) == 0
    return load_image("made.png")


def test_a_painting_gives_the_picture_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--painting", RED) == 0
    assert load_image("sea_red.png").shape == (24, 36, 3)
    out, err = capsys.readouterr()
    assert out.startswith("[1/1] sea_red.png  36x24  ")
    assert err == ""


def test_paintings_differ_and_a_mixture_lies_between() -> None:
    red, blue = picture("--painting", RED), picture("--painting", BLUE)
    assert np.abs(red - blue).max() > 2 / 255
    words = ["--painting", RED, "--painting", BLUE, "--mix", "1", "0"]
    np.testing.assert_array_equal(picture(*words), red)
    both = picture(*words[:4])
    assert np.abs(both - red).max() > 1 / 255
    assert run("--painting", RED, "--painting", BLUE) == 0
    assert Path("sea_red+blue.png").is_file()


def test_a_saved_style_is_the_paintings(capsys: pytest.CaptureFixture[str]) -> None:
    red = picture("--painting", RED, "--save-style", "warm")
    saved = Path("checkpoints/warm/warm.safetensors")
    assert saved.is_file()
    assert saved.stat().st_size < 10_000
    Path(RED).unlink()
    np.testing.assert_array_equal(picture("--painting", "warm"), red)
    np.testing.assert_array_equal(picture("--painting", saved), red)
    capsys.readouterr()
    assert styles.main([]) == 0
    assert "for --painting:\nwarm  checkpoints/warm/warm.safetensors" in capsys.readouterr().out


def test_a_mixture_is_saved_as_one_style() -> None:
    picture("--painting", RED, "--save-style", "a.safetensors")
    picture("--painting", BLUE, "--save-style", "b.safetensors")
    words = ["--painting", "a.safetensors", "--painting", "b.safetensors", "--mix", 3, 1]
    picture(*words, "--save-style", "c.safetensors")
    a, b, c = (load_style(Path(f"{name}.safetensors")) for name in "abc")
    np.testing.assert_allclose(c, mixed([a, b], [3, 1]))


def test_steps_go_from_the_first_painting_to_the_last() -> None:
    words = ["--painting", RED, "--painting", BLUE]
    assert run(*words, "--steps", 3, "--contact-sheet", "strip.png") == 0
    made = [load_image(f"sea_red+blue-{step}.png") for step in (1, 2, 3)]
    wanted = picture(*words[:2]), picture(*words), picture(*words[2:])
    for one, other in zip(made, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    assert Path("strip.png").is_file()


def test_strength_lies_between_the_photographs_own_style_and_the_paintings() -> None:
    red, own = picture("--painting", RED), picture("--painting", "sea.png")
    np.testing.assert_array_equal(picture("--painting", RED, "--strength", 1), red)
    np.testing.assert_array_equal(picture("--painting", RED, "--strength", 0), own)
    half = picture("--painting", RED, "--painting", "sea.png")
    between = picture("--painting", RED, "--strength", 0.5)
    np.testing.assert_allclose(between, half, atol=1.1 / 255)


def test_one_network_draws_a_film_below_full_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av", reason="films need the video extra")
    pytest.importorskip("cv2", reason="films need the video extra")
    from films import make_film, pictures

    opened: list[object] = []
    network = stylize.Stylizer
    monkeypatch.setattr(stylize, "Stylizer", lambda *a, **k: opened.append(a) or network(*a, **k))
    make_film(Path("a.mp4"), frames=3)
    words = ["--painting", RED, "--strength", "0.5", "--steady", "0"]
    assert stylize.main(["a.mp4", *words]) == 0
    assert len(opened) == 1
    settings = StylizeSettings(painting=[RED], strength=0.5, precision="32")
    draw, paintings = stylize.open_styles(settings)["red"].on_floats, Paintings(settings)
    for frame in pictures(Path("a.mp4"))[::2]:
        photo = frame.astype(np.float32) / 255
        model = paintings.any.model(paintings.style(photo, strength=0.5))
        np.testing.assert_allclose(draw(photo), network(model, precision="32")(photo), atol=1e-4)
    assert len(opened) == 2


def test_controls_go_around_paintings_too() -> None:
    red = picture("--painting", RED)
    kept = picture("--painting", RED, "--keep-color")
    assert np.abs(red - kept).max() > 8 / 255


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--painting", "none.jpg"], "no painting 'none.jpg'"),
        (["--painting", RED, "--mix", "1", "2"], "--mix has 2 numbers for 1 paintings"),
        (["--painting", RED, "--mix", "0"], "--mix has shares below 0, or none above"),
        (["--painting", RED, "--mix", "nan"], "--mix has shares below 0, or none above"),
        (["--painting", RED, "--steps", "3"], "--steps go from one painting to another"),
        (["--painting", RED, "--save-style", "a/b"], "--save-style 'a/b' is no name"),
        (["--painting", RED, "--save-style", ".."], "--save-style '..' is no name"),
        (["--mix", "1"], "--mix is about paintings"),
        (["--save-style", "a"], "--save-style is about paintings"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert run(*words) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"impasto stylize: {sentence}")
    assert err.count("\n") == 1
    assert not list(Path().glob("sea_*"))
