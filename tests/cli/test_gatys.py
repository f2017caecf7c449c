"""impasto gatys as a user meets it: what it writes where, what it keeps when it is stopped."""

import io
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from impasto.cli import gatys
from impasto.data.tensors import to_rgb
from impasto.gatys.optimize import Progress
from impasto.images.io import fit_short_side, load_image, open_rgb, save_image, to_array
from impasto.inference.controls import Controls
from impasto.losses.perceptual import TERMS, PerceptualLoss
from impasto.models.vgg import EncoderWeights

Steps = list[Progress]


def photo(path: str, *, height: int = 40, width: int = 56, seed: int = 0) -> str:
    pixels = np.random.default_rng(seed).random((height, width, 3), np.float32)
    save_image(pixels, path)
    return path


def run(*words: object, iterations: int = 4) -> int:
    given = ["--style", "painting.png", "--encoder", "tiny.safetensors"]
    given += ["--content-layers", "relu2_1", "--style-layers", "relu1_1", "relu3_1"]
    return gatys.main(["--size", "32", *map(str, words), *given, "--iterations", str(iterations)])


def files(folder: str = ".") -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.*")}
    return found - {"painting.png", "tiny.safetensors"}


def assert_is(path: str, step: Progress) -> None:
    """The file holds the picture of that iteration."""
    expected = step.image[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(load_image(path), expected, atol=0.51 / 255)


def error(capsys: pytest.CaptureFixture[str]) -> str:
    """The only line on stderr."""
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("impasto gatys: ")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: EncoderWeights) -> None:
    """A folder with an encoder, a painting, a photo."""
    monkeypatch.chdir(tmp_path)
    save_file(dict(tiny.parameters), "tiny.safetensors", {"padding_mode": "reflect"})
    photo("painting.png", height=48, width=40, seed=1)
    photo("a.png")


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Have SIGINT arrive while an iteration is looked at."""
    # a shell that runs the tests in the background has them ignore it
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def at(iteration: int) -> None:
        describe = gatys.describe

        def interrupted(now: Progress) -> str:
            if now.iteration == iteration:
                signal.raise_signal(signal.SIGINT)
            return describe(now)

        monkeypatch.setattr(gatys, "describe", interrupted)

    yield at
    signal.signal(signal.SIGINT, before)


def test_the_best_picture_lies_beside_the_photo(
    steps: Steps, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("a.png", "--print-every", 2) == 0
    assert files() == {"a.png", "a_painting.png"}
    assert load_image("a_painting.png").shape == (32, 45, 3)
    best = min(steps, key=lambda step: step.total)
    assert best.total < 0.9 * steps[0].total
    assert_is("a_painting.png", best)
    first, middle, last, done = capsys.readouterr().out.splitlines()
    assert first == f"iteration 0: {gatys.describe(steps[0])}"
    assert (middle[:13], last[:13]) == ("iteration 2: ", "iteration 4: ")
    assert all(f"{name} " in last for name in TERMS)
    assert done.startswith("[1/1] a_painting.png  45x32  ")


def test_folders_go_the_way_they_go_with_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("in/b.jpg", "in/x/c.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        photo(name)
    Path("in/bad.jpg").write_text("no picture")
    assert run("in", "-o", "out", iterations=1) == 1
    assert files("out") == {"b_painting.jpg", "x/c_painting.png"}
    out, err = capsys.readouterr()
    assert "[3/3] out/x/c_painting.png" in out
    assert "cannot read in/bad.jpg" in err
    assert err.endswith("1 of 3 pictures were not made\n")
    assert run("in/b.jpg", "in/x/c.png", "-o", "one.png", iterations=1) == 2
    assert error(capsys) == "one.png is one file for 2 photos: name a folder"


def test_ctrl_c_keeps_the_best_picture_and_says_where(
    steps: Steps, interrupt: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    interrupt(3)
    assert run("a.png", "--plot", "curve.png", iterations=50) == 130
    assert [step.iteration for step in steps] == [0, 1, 2, 3]
    best = min(steps, key=lambda step: step.total)
    assert_is("a_painting.png", best)
    assert load_image("curve.png").ndim == 3
    assert error(capsys) == (
        f"interrupted; a_painting.png is the best picture so far, of iteration {best.iteration}"
    )


def test_ctrl_c_ends_a_row_of_photos(
    interrupt: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    interrupt(0)
    assert run("a.png", photo("b.png")) == 130
    assert files() == {"a.png", "b.png", "a_painting.png"}
    assert "a_painting.png is the best picture so far, of iteration 0" in error(capsys)


def test_a_loss_that_explodes_for_good_leaves_the_best_picture(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forward = PerceptualLoss.forward
    monkeypatch.setattr(
        PerceptualLoss,
        "forward",
        lambda self, *given: (
            terms := forward(self, *given),
            terms if len(steps) < 4 else terms._replace(style=terms.style * torch.nan),
        )[1],
    )
    assert run("a.png", iterations=50) == 2
    assert len(steps) == 4
    best = min(steps, key=lambda step: step.total)
    assert_is("a_painting.png", best)
    line = error(capsys)
    assert line.startswith("the loss explodes at iteration 4, at a learning rate of ")
    assert line.endswith(
        f"; a_painting.png is the best picture so far, of iteration {best.iteration}"
    )


def test_controls_combine_as_for_networks(steps: Steps) -> None:
    save_image(np.tile(np.linspace(0, 1, 56), (40, 1))[..., None].repeat(3, 2), "mask.png")
    words = ["--strength", 0.9, "--keep-color", "--stroke-size", 0.8, "--mask", "mask.png"]
    assert run("a.png", *words, "--feather", 0, iterations=2) == 0
    best = min(steps, key=lambda step: step.total)
    assert best.image.shape == (1, 3, 40, 56)
    controls = Controls(strength=0.9, keep_color=True, stroke_size=0.8, mask="mask.png", feather=0)
    content = to_array(fit_short_side(open_rgb("a.png"), 32))
    expected = controls.apply(content, lambda _: to_rgb(best.image))
    np.testing.assert_allclose(load_image("a_painting.png"), expected, atol=0.51 / 255 + 1e-5)


def test_strokes_grow_against_the_picture_and_not_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = []
    set_style = PerceptualLoss.set_style
    monkeypatch.setattr(
        PerceptualLoss,
        "set_style",
        lambda self, style: (sizes.append(tuple(style.shape[-2:])), set_style(self, style))[1],
    )
    for factor in (1, 2):
        words = ["--stroke-size", factor, "--size", 64, "--overwrite", "-o", f"{factor}.png"]
        assert run("a.png", *words, iterations=1) == 0
        assert load_image(f"{factor}.png").shape == (64, 90, 3)
    assert sizes == [(77, 64)] * 2  # the painting of 48x40, as large as for the whole picture


def test_strokes_too_large_for_the_picture_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("a.png", "--stroke-size", 2) == 2
    assert error(capsys) == (
        "strokes of size 2 make 45x32 pixels 22x16, and a side needs 32: give a smaller "
        "--stroke-size"
    )


def test_what_becomes_of_files_is_as_for_learned_styles(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image.open("a.png")
    image.putalpha(77)
    image.save("b.png", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    assert run("b.png", "-o", "c.png", "--depth", "16", "--json", "--contact-sheet", "s.jpg") == 0
    line = json.loads(capfdbinary.readouterr().out)
    assert (line["photo"], line["picture"], line["model"]) == ("b.png", "c.png", "painting")
    assert (line["size"], line["error"]) == ([45, 32], None)
    levels = imagecodecs.png_decode(Path("c.png").read_bytes())
    assert (levels.shape, levels.dtype) == ((32, 45, 4), np.uint16)
    assert set(np.unique(levels[..., 3])) == {77 * 257}
    assert Image.open("s.jpg").width == 2 * 320 + 8 + 2 * 24

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path("b.png").read_bytes())))
    assert run("-", "-o", "-", "--format", "jpg") == 0
    with Image.open(io.BytesIO(capfdbinary.readouterr().out)) as made:
        assert (made.format, made.size) == ("JPEG", (45, 32))
    assert run("a.png", "-o", "-", "--save-every", "2") == 2
    assert b"--save-every is for a picture in a file" in capfdbinary.readouterr().err
