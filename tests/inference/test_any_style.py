"""Style vectors: predicted from paintings of any shape, mixed, saved, given to a network."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from any_styles import ExportedAny
from networks import Exported
from safetensors.numpy import save_file

from impasto.errors import InputError
from impasto.inference.any_style import AnyStyle, StyleEncoder, load_style, mixed, save_style
from impasto.inference.openvino import installed
from impasto.inference.session import Backend
from impasto.inference.stylizer import Stylizer


@pytest.mark.parametrize(
    "shape", [(16, 16), (1, 1), (31, 700), (2000, 40), (300, 500)], ids=lambda s: f"{s[0]}x{s[1]}"
)
def test_a_painting_of_any_shape_has_a_style(painter: ExportedAny, shape: tuple[int, int]) -> None:
    painting = np.random.default_rng(0).random((*shape, 3), np.float32)
    vector = AnyStyle(painter.path).vector(painting)
    assert vector.shape == (painter.model.slots.size,)
    assert np.isfinite(vector).all()


def test_a_painting_of_one_color_has_a_style(painter: ExportedAny) -> None:
    vector = AnyStyle(painter.path).vector(np.full((64, 64, 3), 0.5, np.float32))
    assert np.isfinite(vector).all()


def test_what_is_no_painting_is_refused(painter: ExportedAny) -> None:
    with pytest.raises(InputError, match=r"shape \(4, 4\)"):
        AnyStyle(painter.path).vector(np.zeros((4, 4), np.float32))


def test_strokes_of_another_size_are_another_style(painter: ExportedAny) -> None:
    network = AnyStyle(painter.path)
    painting = np.random.default_rng(0).random((300, 300, 3), np.float32)
    one, two = (network.vector(painting, stroke_size=size) for size in (1, 2))
    assert np.abs(one - two).max() > 1e-3


def test_mixtures_are_weighted_means() -> None:
    vectors = [np.array([0, 2], np.float32), np.array([4, 6], np.float32)]
    np.testing.assert_array_equal(mixed(vectors, [3, 1]), [1, 3])
    assert mixed(vectors, [0.5, 0.5]).dtype == np.float32


def test_a_saved_style_is_read_back(tmp_path: Path) -> None:
    vector = np.arange(5, dtype=np.float32)
    save_style(vector, tmp_path / "a.safetensors", name="a")
    np.testing.assert_array_equal(load_style(tmp_path / "a.safetensors"), vector)


@pytest.mark.parametrize("content", [b"", b"no", b"\xff" * 40], ids=["empty", "short", "damaged"])
def test_what_is_no_saved_style_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no saved style: --save-style makes one"):
        load_style(path)


@pytest.mark.parametrize(
    "tensors",
    [
        {"other": np.zeros(3, np.float32)},
        {"style": np.zeros((3, 3), np.float32)},
        {"style": np.zeros(3, np.int32)},
        {"style": np.full(3, np.nan, np.float32)},
    ],
    ids=["name", "shape", "type", "nan"],
)
def test_other_tensors_are_no_style(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    path = tmp_path / "a.safetensors"
    save_file(tensors, path)
    with pytest.raises(InputError, match="is no saved style"):
        load_style(path)


def test_a_style_of_another_network_is_refused(painter: ExportedAny) -> None:
    with pytest.raises(InputError, match="does not draw with a style of 7 numbers"):
        AnyStyle(painter.path).model(np.zeros(7, np.float32))


def test_a_network_that_draws_makes_no_styles(painter: ExportedAny) -> None:
    with pytest.raises(InputError, match="makes no styles of paintings"):
        StyleEncoder(painter.path)


def test_a_network_of_one_style_takes_no_painting(exported: Exported) -> None:
    with pytest.raises(InputError, match="draws in one style only: leave --model out"):
        AnyStyle(exported.path).vector(np.zeros((64, 64, 3), np.float32))


def takes_styles_in_turn(path: Path, backend: Backend) -> None:
    """Compare a network that is given styles with one that is opened for each."""
    network, random = AnyStyle(path), np.random.default_rng(0)
    photo = random.random((64, 48, 3), np.float32)
    styles = [network.vector(random.random((40, 40, 3), np.float32) * tint) for tint in (0.4, 1)]
    stylizer = Stylizer(path, style=styles[0], backend=backend, precision="32")
    assert np.abs(styles[0] - styles[1]).max() > 0.01
    for vector in (*styles, styles[0]):
        stylizer.style = vector
        expected = Stylizer(network.model(vector), backend=backend, precision="32")
        np.testing.assert_allclose(stylizer(photo), expected(photo), atol=1e-4)
        in_strips = [
            each._in_strips(np.tile(photo, (4, 1, 1)), each.cut(), room=0, watch=lambda *_: None)
            for each in (stylizer, expected)
        ]
        np.testing.assert_array_equal(*in_strips)


def test_a_network_that_is_open_takes_another_style(painter: ExportedAny) -> None:
    takes_styles_in_turn(painter.path, "onnxruntime")


def test_with_openvino_too(painter: ExportedAny) -> None:
    """In a process of its own: one that forks after this was seen to crash (OpenVINO 2026.4)."""
    if not installed():
        pytest.skip("OpenVINO is not installed")
    code = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[2:];"
        "from test_any_style import takes_styles_in_turn as take;"
        "take(Path(sys.argv[1]), 'openvino'); print('the same')"
    )
    here = Path(__file__).parent
    words = [sys.executable, "-c", code, str(painter.path), str(here), str(here.parent)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "the same", done.stderr


def test_a_style_that_a_network_cannot_take_is_refused(painter: ExportedAny) -> None:
    vector = AnyStyle(painter.path).vector(np.full((64, 64, 3), 0.5, np.float32))
    stylizer = Stylizer(painter.path, style=vector)
    with pytest.raises(InputError, match="does not draw with a style of 3 numbers"):
        stylizer.style = vector[:3]
    with pytest.raises(InputError, match=r"does not draw with a style of \d+ numbers"):
        Stylizer(painter.path).style = vector
    with pytest.raises(InputError, match="cannot stylize"):
        Stylizer(painter.path, style=vector[:3])(np.zeros((32, 32, 3), np.float32))
