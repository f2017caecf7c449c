"""Networks of one size: pictures of any size go through them in overlapping pieces."""

import math
from pathlib import Path

import numpy as np
import pytest
from graphs import save_graph, save_mirror, save_negative
from onnx import helper

from impasto.cli import stylize
from impasto.errors import InputError
from impasto.images.io import load_image, save_image
from impasto.inference.stylizer import SHARE_FIXED, Stylizer
from impasto.inference.tiling import in_tiles


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).random((height, width, 3), np.float32)


def in_pieces(image: np.ndarray, size: tuple[int, int], run) -> np.ndarray:
    return in_tiles(image, run, tile=size, share=SHARE_FIXED, exact=True)


def fixed(path: Path, *shape: int | str, **about: object) -> Path:
    node = helper.make_node("Sub", ["one", "content"], ["stylized"])
    return save_graph(path, [node], constants={"one": np.float32(1)}, shape=shape, **about)


SIZES = [(24, 32), (16, 16), (24, 33), (25, 32), (100, 37), (301, 200), (16, 301)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(1, 3, 24, 32), ("batch", 3, 24, 32), (1, 3, "height", 32)])
def test_any_size_goes_through(size: tuple[int, int], shape, tmp_path: Path) -> None:
    image = picture(*size)
    stylized = Stylizer(fixed(tmp_path / "a.onnx", *shape))(image)
    np.testing.assert_allclose(stylized, 1 - image, atol=1e-6)


def test_of_the_size_itself_it_is_one_piece(tmp_path: Path) -> None:
    """A mirror would show where pieces are."""
    path = save_mirror(tmp_path / "a.onnx")
    whole = Stylizer(path)(picture(24, 32))
    pieces = in_pieces(picture(24, 32), (24, 32), Stylizer(path))
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


@pytest.mark.parametrize(
    ("length", "count"), [(16, 1), (17, 2), (28, 2), (29, 3), (40, 3), (41, 4)]
)
def test_pieces_are_as_few_as_overlap_by_a_quarter(length: int, count: int) -> None:
    seen = []

    def run(piece: np.ndarray) -> np.ndarray:
        seen.append(piece.shape)
        return piece

    image = picture(length, 16)
    np.testing.assert_allclose(in_pieces(image, (16, 16), run), image, atol=1e-6)
    assert seen == [(16, 16, 3)] * count
    assert count == max(1, math.ceil((length - 4) / 12))


def test_pieces_of_different_tone_are_blended() -> None:
    """Of two pieces, black and white, the middle between has a ramp."""
    tones = iter([0.0, 1.0])
    blended = in_pieces(picture(16, 28), (16, 16), lambda piece: piece * 0 + next(tones))
    row = blended[5, :, 0]
    np.testing.assert_allclose(row[:12], 0, atol=1e-6)
    np.testing.assert_allclose(row[16:], 1, atol=1e-6)
    assert (np.diff(row[11:17]) > 0).all()


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((2, 3, 24, 32), "takes 2 images at once; export it for one"),
        ((1, 4, 24, 32), "not N×3×H×W"),
    ],
)
def test_other_fixed_shapes_are_refused(shape, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        Stylizer(fixed(tmp_path / "a.onnx", *shape))


def test_the_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fixed(Path("candy.onnx"), 1, 3, 24, 32, metadata={})
    save_image(image := picture(40, 50), "a.png")
    assert stylize.main(["--model", "candy.onnx", "--range", "1", "a.png"]) == 0
    line = "candy takes 32x24 pixels only: pictures are made of overlapping pieces"
    assert capsys.readouterr().out.splitlines()[0] == line
    np.testing.assert_allclose(load_image("a_candy.png"), 1 - image, atol=1.01 / 255)


HOSTILE = {
    "../../out": ".._.._out",
    "/etc/cron.d/x": "_etc_cron.d_x",
    "a\x1b[2Jb": "a_2Jb",
    "a\nb": "a_b",
    "x" * 5000: "x" * 100,
    "": "a",
    "Café-1.2": "Café-1.2",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_strangers_name_names_no_other_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "deep/work"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    save_negative(Path("a.onnx"), name=name or None)
    if not name:
        fixed(Path("a.onnx"), "n", 3, "h", "w", metadata={"name": "", "steps": "7"})
    save_image(picture(20, 20), "photo.png")
    assert stylize.main(["--model", "a.onnx", "photo.png"]) == 0
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")}
    assert made == {"deep/work/photo.png", f"deep/work/photo_{HOSTILE[name]}.png"}


def test_what_a_terminal_would_act_on_is_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_image(picture(20, 20), "photo.png")
    odd = helper.make_node("Draw\x1b]0;owned\x07", ["content"], ["stylized"])
    save_graph(Path("a.onnx"), [odd], constants={})
    same = helper.make_node("Identity", ["x\x1b[2J"], ["y\x9b"])
    save_graph(
        Path("b.onnx"), [same], constants={}, inputs=["x\x1b[2J"], outputs=["y\x9b"], metadata={}
    )
    for model in ("a.onnx", "b.onnx"):
        assert stylize.main(["--model", model, "photo.png"]) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        assert line[:-1].isprintable()
        assert "\\x1b" in line
