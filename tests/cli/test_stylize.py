"""stylize.py as a user meets it: what it writes where, what it refuses, what it says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import save_negative
from PIL import Image, JpegImagePlugin

from impasto.cli import stylize
from impasto.images.io import load_image, sample_photos, save_image

COLOUR = np.array([0.8, 0.4, 0.2], np.float32)


def photo(path: Path | str, *, height: int = 24, width: int = 36) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), tuple(round(255 * c) for c in COLOUR)).save(path)
    return path


def run(*words: object, model: str = "negative") -> int:
    return stylize.main(["--model", model, *map(str, words)])


def files(folder: Path | str = ".") -> set[str]:
    """What lies below a folder, apart from the styles."""
    found = {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.*")}
    return {name for name in found if not name.startswith("checkpoints")}


def assert_negative(path: Path | str, *, height: int = 24, width: int = 36) -> None:
    stylized = load_image(path)
    assert stylized.shape == (height, width, 3)
    np.testing.assert_allclose(stylized, np.broadcast_to(1 - COLOUR, stylized.shape), atol=2 / 255)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with one style in it."""
    save_negative(tmp_path / "checkpoints/negative/negative.onnx", name="negative")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_picture_lies_beside_the_photo(capsys: pytest.CaptureFixture[str]) -> None:
    photo("trip/sea.jpg")
    assert run("trip/sea.jpg") == 0
    assert files() == {"trip/sea.jpg", "trip/sea_negative.jpg"}
    assert_negative("trip/sea_negative.jpg")
    out, err = capsys.readouterr()
    assert out.startswith("[1/1] trip/sea_negative.jpg  36x24  ")
    assert (out.count("\n"), err) == (1, "")


def test_every_pixel_is_the_graphs() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (17, 33, 3), np.uint8)
    Image.fromarray(pixels).save("noise.png")
    assert run("noise.png") == 0
    np.testing.assert_array_equal(np.asarray(Image.open("noise_negative.png")), 255 - pixels)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("a.JPG", "a_negative.JPG"),
        ("a.b.jpeg", "a.b_negative.jpeg"),
        ("a.webp", "a_negative.webp"),
        ("a.bmp", "a_negative.png"),
        ("a.gif", "a_negative.png"),
    ],
)
def test_the_format_is_the_photos_or_png(name: str, made: str) -> None:
    photo(name)
    assert run(name) == 0
    assert files() == {name, made}


def test_the_name_is_the_styles_not_its_files() -> None:
    save_negative(Path("last.onnx"), name="starry")
    photo("a.png")
    assert run("a.png", model="last.onnx") == 0
    assert_negative("a_starry.png")


@pytest.mark.parametrize("flag", ["-o", "--output"])
def test_an_output_file_names_its_place_and_format(flag: str) -> None:
    photo("a.jpg")
    assert run("a.jpg", flag, "new/folder/b.png") == 0
    assert files() == {"a.jpg", "new/folder/b.png"}
    assert_negative("new/folder/b.png")


def test_an_output_folder_takes_several() -> None:
    assert run(photo("a.jpg"), photo("sub/b.png"), "-o", "out") == 0
    assert files() == {"a.jpg", "sub/b.png", "out/a_negative.jpg", "out/b_negative.png"}


def test_a_folder_that_is_there_may_have_a_dot() -> None:
    Path("out.d").mkdir()
    assert run(photo("a.jpg"), "-o", "out.d") == 0
    assert_negative("out.d/a_negative.jpg")


def test_so_may_one_that_is_yet_to_be_made() -> None:
    assert run(photo("a.jpg"), photo("b.jpg"), "-o", "new/v1.0/") == 0
    assert_negative("new/v1.0/a_negative.jpg")
    assert_negative("new/v1.0/b_negative.jpg")


def test_a_folder_is_walked_and_its_structure_kept() -> None:
    for name in ("in/a.jpg", "in/x/b.png", "in/x/y/b.png"):
        photo(name)
    Path("in/notes.txt").write_text("no photo")
    before = files()
    assert run("in", "-o", "out") == 0
    made = {"a_negative.jpg", "x/b_negative.png", "x/y/b_negative.png"}
    assert files() - before == {f"out/{name}" for name in made}
    assert run("in") == 0
    assert files("in") == {"a.jpg", "x/b.png", "x/y/b.png", "notes.txt"} | made


def test_progress_tells_how_many_and_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*(photo(f"{name}.png") for name in "abc")) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith("[1/3] a_negative.png")
    assert second.startswith("[2/3] b_negative.png")
    assert first.endswith(" s left")
    assert third.startswith("[3/3] c_negative.png")
    assert "left" not in third


def test_without_a_photo_a_sample_is_taken_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    samples = sample_photos()
    assert run() == 0
    assert files() == {"astronaut_negative.jpg"}
    expected = 1 - load_image(samples[0])
    assert np.abs(load_image("astronaut_negative.jpg") - expected).mean() < 0.01
    assert capsys.readouterr().out.startswith("no photo given: taking the sample astronaut.jpg\n")
    assert sample_photos() == samples
    assert run("-o", "out/sample.png") == run("-o", "out") == 0
    assert files("out") == {"sample.png", "astronaut_negative.jpg"}


@pytest.mark.parametrize(
    ("size", "height", "width"), [(18, 18, 27), (48, 48, 72), (16, 16, 24), (25, 25, 38)]
)
def test_size_is_the_short_side(size: int, height: int, width: int) -> None:
    assert run(photo("a.png"), "--size", size) == 0
    assert_negative("a_negative.png", height=height, width=width)


def test_a_photo_too_small_for_a_style_goes_through_with_size(
    capsys: pytest.CaptureFixture[str],
) -> None:
    photo("a.png", height=8, width=12)
    assert run("a.png") == 2
    assert "at least 16 pixels" in capsys.readouterr().err
    assert run("a.png", "--size", 16) == 0
    assert_negative("a_negative.png", height=16, width=24)


def test_jpeg_keeps_full_colour_and_obeys_quality() -> None:
    save_image(np.random.default_rng(0).random((64, 64, 3), np.float32), "noise.png")
    sizes = []
    for quality in (95, 40):
        assert run("noise.png", "-o", f"{quality}.jpg", "--quality", quality) == 0
        sizes.append(Path(f"{quality}.jpg").stat().st_size)
        assert JpegImagePlugin.get_sampling(Image.open(f"{quality}.jpg")) == 0  # 4:4:4
    assert sizes[1] < sizes[0] / 2
    assert run("noise.png", "-o", "default.jpg") == 0
    assert Path("default.jpg").read_bytes() == Path("95.jpg").read_bytes()


def test_threads_reach_onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int | None] = []

    class Recorder(stylize.Stylizer):
        def __init__(self, model: str, *, threads: int | None, **more: Any) -> None:
            asked.append(threads)
            super().__init__(model, threads=threads, **more)

    monkeypatch.setattr(stylize, "Stylizer", Recorder)
    photo("a.png")
    assert run("a.png", "--threads", 2) == run("a.png", "--overwrite") == 0
    assert asked == [2, None]
