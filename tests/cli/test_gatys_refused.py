"""impasto gatys: what lies beside the picture, and what is refused before any work."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import impasto.gatys.stylizer
from impasto.cli import gatys, stylize
from impasto.gatys.history import History
from impasto.gatys.optimize import Progress
from impasto.images.io import load_image, save_image
from impasto.models.vgg import EncoderWeights

GIVEN = ["--style", "painting.png", "--encoder", "tiny.safetensors", "--size", "32"]
LAYERS = ["--content-layers", "relu2_1", "--style-layers", "relu1_1", "relu3_1"]


def picture(path: str, *, height: int = 40, width: int = 56, seed: int = 0) -> str:
    save_image(np.random.default_rng(seed).random((height, width, 3), np.float32), path)
    return path


def run(*words: object, iterations: int = 4) -> int:
    return gatys.main([*GIVEN, *LAYERS, "--iterations", str(iterations), *map(str, words)])


def error(capsys: pytest.CaptureFixture[str]) -> str:
    """The only line on stderr."""
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("impasto gatys: ")
    return line.removeprefix("impasto gatys: ")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: EncoderWeights) -> None:
    """A folder with an encoder, a painting, a photo."""
    monkeypatch.chdir(tmp_path)
    save_file(dict(tiny.parameters), "tiny.safetensors", {"padding_mode": "reflect"})
    picture("painting.png", height=48, width=40, seed=1)
    picture("a.png")


def test_save_every_saves_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    save = impasto.gatys.stylizer.GatysStylizer._save

    def noted(
        self: impasto.gatys.stylizer.GatysStylizer,
        best: Progress,
        content: torch.Tensor,
        path: Path,
    ):
        saved.append(best.iteration)
        save(self, best, content, path)

    monkeypatch.setattr(impasto.gatys.stylizer.GatysStylizer, "_save", noted)
    words = ["--save-every", 2, "--optimizer", "adam", "--content-match", "features"]
    assert run("a.png", *words, "--style-weight", 0.8, "--tv-weight", 5, iterations=5) == 0
    assert saved == [2, 4, 5]


def test_log_has_every_term_of_every_iteration_and_pictures(steps: list[Progress]) -> None:
    assert run("a.png", "--log", "logs", "-o", "made.png") == 0
    events = EventAccumulator("logs/made.png").Reload()
    tags = events.Tags()
    assert set(tags["scalars"]) == {"content", "style", "tv", "total"}
    assert tags["images"] == ["image"]
    for name in tags["scalars"]:
        told = [(event.step, event.value) for event in events.Scalars(name)]
        assert told == [
            (step.iteration, pytest.approx(getattr(step, name), rel=1e-6)) for step in steps
        ]
    images = events.Images("image")
    assert [image.step for image in images] == [0, 4]
    assert (images[1].width, images[1].height) == (45, 32)


def test_plot_is_a_png_of_curves() -> None:
    assert run("a.png", "--plot", "new/curves.png", "--tv-weight", 5) == 0
    drawn = Image.open("new/curves.png")
    assert drawn.format == "PNG"
    colours = {colour for _, colour in drawn.convert("RGB").getcolors(1 << 20) or []}
    assert {(31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40)} <= colours  # four curves


def test_a_plot_that_fails_does_not_cost_the_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def draw(*_: object) -> None:
        assert Image.open("a_painting.png").size == (45, 32)  # it is there already
        raise ModuleNotFoundError("No module named 'matplotlib_inline'")

    monkeypatch.setattr(History, "_draw", draw)
    assert run("a.png", "--plot", "p.png") == 0
    told = "--plot p.png is not written (No module named 'matplotlib_inline')\n"
    assert told in capsys.readouterr().out


def test_whatever_breaks_it_off_the_best_picture_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    def add(self: History, now: Progress) -> None:
        if now.iteration == 3:
            raise ZeroDivisionError

    monkeypatch.setattr(History, "add", add)
    with pytest.raises(ZeroDivisionError):
        run("a.png")
    assert Image.open("a_painting.png").size == (45, 32)


def test_start_may_be_a_picture(steps: list[Progress]) -> None:
    picture("start.png", height=32, width=45, seed=5)
    assert run("a.png", "--start", "start.png", iterations=1) == 0
    first = steps[0].image[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(first, load_image("start.png"), atol=1e-6)


@pytest.mark.parametrize("start", ["noise", "style"])
def test_start_may_be_made(start: str, steps: list[Progress]) -> None:
    assert run("a.png", "--start", start, iterations=2) == 0
    assert steps[0].content > 0
    assert steps[-1].total < steps[0].total


def test_scales_begin_coarse(steps: list[Progress]) -> None:
    assert run("a.png", "--size", 64, "--scales", 2) == 0
    assert [min(step.image.shape[-2:]) for step in steps] == [32, 32, 32, 64, 64]
    assert load_image("a_painting.png").shape[:2] == (64, 90)


def test_without_size_a_small_photo_keeps_its_own(steps: list[Progress]) -> None:
    words = ["a.png", *GIVEN[:4], *LAYERS, "--iterations", "1"]
    assert gatys.main(words) == 0
    assert load_image("a_painting.png").shape[:2] == (40, 56)


@pytest.mark.parametrize(
    "words", [[], ["--plot", "plot.png", "-o", "b.png"]], ids=["picture", "plot"]
)
def test_what_exists_is_refused_before_any_work(
    words: list[str], steps: list[Progress], capsys: pytest.CaptureFixture[str]
) -> None:
    old = Path("plot.png" if words else "a_painting.png")
    old.write_bytes(b"precious")
    assert run("a.png", *words) == 2
    assert error(capsys).startswith(f"{old} exists: --overwrite replaces it, ")
    assert old.read_bytes() == b"precious"
    assert steps == []
    assert run("a.png", *words, "--overwrite") == 0
    assert Image.open(old).format == "PNG"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--model", "x.onnx"], "unrecognized arguments: --model x.onnx (see --help)"),
        (["--style", "none.png"], "no painting 'none.png': give an image file, or a name in"),
        (
            ["--start", "none.png"],
            "--start none.png is not a file: give one, or content, style, noise",
        ),
        (["--encoder", "none.safetensors"], "encoder none.safetensors was not found: give vgg16, "),
        (
            ["--style-layers", "relu1_1", "relu4_1"],
            "encoder tiny.safetensors has no layer 'relu4_1'",
        ),
        (
            ["--style-layer-weights", "1"],
            "1 weights for 2 layers (relu1_1, relu3_1): give one each",
        ),
        (
            ["--size", "16"],
            "a short side of 16 pixels is too little for a.png: give a --size of 32",
        ),
        (["--scales", "2"], "2 --scales begin at 16 pixels: give fewer, the least is 32"),
        (["--accelerator", "cuda:7"], "--accelerator cuda:7 is not here: give auto or cpu"),
        (["--plot", "plot.jpg"], "--plot plot.jpg is not a PNG file: its name must end in .png"),
        (["--log", "a.png"], "cannot write "),
        (["-o", "a.gif"], "cannot write a.gif: the file name must end in "),
        (["b.png", "--plot", "p.png"], "p.png is one plot for 2 photos: use --log"),
        (["--optimizer", "newton"], "--optimizer must be lbfgs, adam or sgd (got 'newton')"),
        (["--decay", "2"], "--decay is 2.0: give at most 1"),
        (["--style", "notes.txt"], "cannot read notes.txt: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_sentence_and_code_2(
    words: list[str], part: str, steps: list[Progress], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("notes.txt").write_text("no picture")
    assert run("a.png", *words) == 2
    assert part in error(capsys)
    assert steps == []
    assert not list(Path().glob("*_painting.png"))


def test_stylize_with_a_painting_hands_over_with_a_notice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(gatys, "main", lambda words: seen.append(words) or 7)
    for flag in (["--style", "painting.png"], ["--style=painting.png"]):
        assert stylize.main(["a.png", *flag]) == 7
        assert seen.pop() == ["a.png", *flag]
        told = "--style is Gatys' method, which is a command of its own now: impasto gatys\n"
        assert capsys.readouterr() == (told, "")


def test_flags_of_one_method_are_refused_with_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--model", "starry", "--iterations", "9"], ["--iterations", "9"]):
        assert stylize.main(["a.png", *words]) == 2
        told = "impasto stylize: unrecognized arguments: --iterations 9 (see --help)\n"
        assert capsys.readouterr().err == told
    assert stylize.main(["a.png", "--model", "starry", "--style", "painting.png"]) == 2
    told = "impasto stylize: --model and --style are two methods: give one\n"
    assert capsys.readouterr().err == told
