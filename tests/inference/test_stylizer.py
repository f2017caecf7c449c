"""The runtime, with graphs whose every value is known: pixels, names, refusals."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from graphs import FREE, save_graph, save_mirror, save_negative
from onnx import TensorProto, helper

import impasto
from impasto.errors import InputError
from impasto.images.io import RGB, sample_photos
from impasto.inference import hub as styles
from impasto.inference.stylizer import Stylizer


def picture(height: int, width: int) -> RGB:
    return np.random.default_rng(height * width).random((height, width, 3), np.float32)


@pytest.fixture
def negative(tmp_path: Path) -> Stylizer:
    return Stylizer(save_negative(tmp_path / "negative.onnx"))


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (101, 64), (16, 255)])
def test_any_size_comes_back_as_the_graph_makes_it(
    negative: Stylizer, size: tuple[int, int]
) -> None:
    image = picture(*size)
    stylized = negative(image)
    assert stylized.dtype == np.float32
    assert stylized.flags.c_contiguous
    np.testing.assert_array_equal(stylized, 1 - image)


def test_rows_columns_and_colours_keep_their_places(tmp_path: Path) -> None:
    image = picture(18, 31)
    expected = image[:, ::-1] * np.array([1, 0.5, 0], np.float32)
    np.testing.assert_array_equal(Stylizer(save_mirror(tmp_path / "m.onnx"))(image), expected)


def test_a_view_is_taken_and_left_alone(negative: Stylizer) -> None:
    image = picture(20, 30).astype(np.float64)[::-1, ::-1]
    before = image.copy()
    np.testing.assert_array_equal(negative(image), 1 - before.astype(np.float32))
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("count", [1, 3])
def test_run_takes_a_batch(negative: Stylizer, count: int) -> None:
    batch = np.random.default_rng(0).random((count, 3, 21, 34), np.float32)
    np.testing.assert_array_equal(negative.run(batch), 1 - batch)


@pytest.mark.parametrize(
    "shape", [(15, 20, 3), (20, 15, 3), (20, 20), (20, 20, 1), (20, 20, 4), (1, 3, 20, 20)]
)
def test_a_shape_that_is_no_picture_is_refused(negative: Stylizer, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError) as caught:
        negative(np.zeros(shape, np.float32))
    assert str(shape) in str(caught.value)
    assert "at least 16 pixels" in str(caught.value)


def test_name_and_metadata_are_those_of_the_file(tmp_path: Path) -> None:
    named = Stylizer(save_negative(tmp_path / "last.onnx", name="starry"))
    assert (named.name, named.metadata) == ("starry", {"name": "starry", "steps": "7"})
    node = helper.make_node("Identity", ["content"], ["stylized"])
    save_graph(tmp_path / "file.v2.onnx", [node], constants={}, metadata={})
    nameless = Stylizer(tmp_path / "file.v2.onnx", range=1)
    assert (nameless.name, nameless.metadata) == ("file.v2", {})


def test_threads_are_those_asked_for(tmp_path: Path) -> None:
    stylizer = Stylizer(save_negative(tmp_path / "x.onnx"), threads=3)
    assert stylizer.session.get_session_options().intra_op_num_threads == 3


@pytest.mark.parametrize("model", ["negative", "negative.onnx", Path("negative")])
def test_a_name_is_looked_up_in_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str | Path
) -> None:
    save_negative(tmp_path / "checkpoints/negative/negative.onnx")
    monkeypatch.chdir(tmp_path)
    assert Stylizer(model).path == Path("checkpoints/negative/negative.onnx")


def test_a_file_here_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_negative(tmp_path / "checkpoints/negative/negative.onnx")
    save_negative(tmp_path / "negative.onnx")
    monkeypatch.chdir(tmp_path)
    assert Stylizer("negative.onnx").path == Path("negative.onnx")


def test_styles_beside_the_source_are_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Path(__file__).parents[2] / "checkpoints" in styles.style_folders()


@pytest.mark.parametrize("model", ["nope", "nope.onnx", "checkpoints/zebu", "zebra.jpg", "a/zebra"])
def test_a_missing_style_lists_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    for file in ("zebra/zebra.onnx", "adobe/adobe.onnx", "adobe/.adobe-x1.onnx", "old/other.onnx"):
        save_negative(tmp_path / "checkpoints" / file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(styles, "style_folders", lambda: [Path("checkpoints"), Path("none")])
    with pytest.raises(InputError) as caught:
        Stylizer(model)
    assert str(caught.value).startswith(f"no style {model!r}:")
    assert str(caught.value).endswith("the styles here are adobe, zebra")


def test_where_there_is_no_style_train_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(styles, "style_folders", lambda: [tmp_path])
    with pytest.raises(InputError, match=r"no style 'starry'.*`impasto train` makes one$"):
        Stylizer("starry")


def _truncated(path: Path) -> None:
    data = save_mirror(path).read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _graph(**changes: object) -> Callable[[Path], object]:
    end = changes.get("outputs", ["stylized"])[0]  # type: ignore[index]
    start = changes.get("inputs", ["content"])[0]  # type: ignore[index]
    node = helper.make_node("Identity", [start], [end])
    return lambda path: save_graph(path, [node], constants={}, **changes)  # type: ignore[arg-type]


NO_STYLE = "is not an impasto style: "
TEXT, IMAGE, DAMAGED = (
    f"is not an ONNX file, it is {kind}: "
    for kind in ("text", "a JPEG image", "damaged, or of another kind")
)
WRONG_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_text("not a model\nat all\n"), TEXT),
    "image": (lambda path: path.write_bytes(sample_photos()[0].read_bytes()), IMAGE),
    "truncated": (_truncated, DAMAGED),
    "another input": (_graph(inputs=["input"]), NO_STYLE),
    "another output": (_graph(outputs=["output"]), NO_STYLE),
    "two inputs": (_graph(inputs=["content", "style"]), NO_STYLE),
    "bytes": (_graph(kind=TensorProto.UINT8), NO_STYLE),
    "no picture": (_graph(shape=FREE[:2]), NO_STYLE),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_wrong_file_is_named_in_one_line(tmp_path: Path, case: str) -> None:
    write, why = WRONG_FILES[case]
    path = tmp_path / "wrong.onnx"
    write(path)
    with pytest.raises(InputError) as caught:
        Stylizer(path)
    assert str(caught.value).startswith(f"{path} {why}")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 300


def test_the_package_offers_the_stylizer_and_nothing_else() -> None:
    assert impasto.Stylizer is Stylizer
    with pytest.raises(AttributeError, match="has no attribute 'Stylist'"):
        impasto.Stylist  # noqa: B018
