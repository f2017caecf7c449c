"""Weights in a file beside the .onnx: put inside where it is called like it, else a remedy."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import save_graph
from onnx import TensorProto, helper, numpy_helper

from impasto.errors import InputError
from impasto.inference.external_data import joined
from impasto.inference.model_check import LARGEST, read_model
from impasto.inference.stylizer import Stylizer

GAIN = np.random.default_rng(0).random((1, 3, 1, 1), np.float32) / 2
SHIFT = np.random.default_rng(1).random((1, 3, 1, 1), np.float32) / 2
IMAGE = np.random.default_rng(2).random((20, 24, 3), np.float32)
EXPECTED = IMAGE * GAIN.reshape(3) + SHIFT.reshape(3)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plain(path: Path) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Mul", ["content", "gain"], ["more"]),
        helper.make_node("Add", ["more", "shift"], ["stylized"]),
    ]
    return onnx.load(save_graph(path, nodes, constants={"gain": GAIN, "shift": SHIFT}))


def apart(*, location: str, path: str = "a.onnx") -> Path:
    """As onnx and torch.onnx.export write it."""
    model = plain(Path(path))
    onnx.save_model(model, path, save_as_external_data=True, location=location, size_threshold=0)
    return Path(path)


def point(path: Path, **entries: str) -> None:
    """Change what the first tensor says of its place."""
    model = onnx.load(path, load_external_data=False)
    tensor = model.graph.initializer[0]
    said = {item.key: item.value for item in tensor.external_data} | entries
    del tensor.external_data[:]
    for key, value in said.items():
        if value:
            tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize("location", ["a.onnx.data", "a.onnx_data"])
def test_weights_beside_the_model_are_read(location: str) -> None:
    path = apart(location=location)
    assert len(list(Path().iterdir())) == 2
    np.testing.assert_allclose(Stylizer(path)(IMAGE), EXPECTED, atol=1e-6)


def test_the_model_is_the_same_as_if_it_had_never_been_apart() -> None:
    model = plain(Path("whole/a.onnx"))
    data = joined(path := apart(location="a.onnx.data"), path.read_bytes(), most=LARGEST)
    again = onnx.load_model_from_string(data)
    assert [numpy_helper.to_array(t).tolist() for t in again.graph.initializer] == [
        GAIN.tolist(),
        SHIFT.tolist(),
    ]
    for tensor in (*model.graph.initializer, *again.graph.initializer):
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
    assert again == model
    whole = Path("whole/a.onnx").read_bytes()
    assert joined(Path("whole/a.onnx"), whole, most=LARGEST) == whole


@pytest.mark.parametrize("length", ["12", ""])
def test_length_may_be_left_out_of_the_last(length: str) -> None:
    path = apart(location="a.onnx.data")
    raw = GAIN.tobytes()
    Path("a.onnx.data").write_bytes(b"x" * 4096 + SHIFT.tobytes() + raw)
    model = onnx.load(path, load_external_data=False)
    for tensor, offset in zip(model.graph.initializer, ("4108", "4096"), strict=True):
        del tensor.external_data[:]
        last = tensor.name == "gain"
        entries = {"location": "a.onnx.data", "offset": offset, "length": length if last else "12"}
        for key, value in entries.items():
            if value:
                tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    np.testing.assert_allclose(Stylizer(path)(IMAGE), EXPECTED, atol=1e-6)


@pytest.mark.parametrize(
    "location",
    [
        "/etc/passwd",
        "../a.onnx.data",
        "./a.onnx.data",
        "b.onnx.data",
        "folder/a.onnx.data",
        "",
        ".",
    ],
)
def test_no_other_file_may_be_named(location: str) -> None:
    path = apart(location="a.onnx.data")
    for name in ("b.onnx.data", "folder/a.onnx.data"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(bytes(1000))
    point(path, location=location or " ")
    with pytest.raises(
        InputError, match=r"a\.onnx keeps its weights in .*only a\.onnx\.data"
    ) as no:
        Stylizer(path)
    assert "\n" not in str(no.value)


def test_the_remedy_does_what_it_says() -> None:
    path = apart(location="weights.bin")
    with pytest.raises(InputError, match="join them with python -c") as caught:
        Stylizer(path)
    code = str(caught.value).split('python -c "')[1].removesuffix('"')
    subprocess.run([sys.executable, "-c", code], check=True)
    np.testing.assert_allclose(Stylizer("joined.onnx")(IMAGE), EXPECTED, atol=1e-6)


WRONG = {
    "behind the end": ({"offset": "1000000"}, "does not fit a.onnx.data beside it: download both"),
    "before the start": ({"offset": "-1"}, "does not fit a.onnx.data beside it: download both"),
    "too long": ({"length": "1000000"}, "does not fit a.onnx.data beside it: download both"),
    "negative": ({"length": "-5"}, "does not fit a.onnx.data beside it: download both"),
    "no number": ({"offset": "here"}, "does not say where its weights are: download it"),
    "wrong length": ({"length": "8"}, "is not an ONNX file that can be run"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_place_is_a_sentence(name: str) -> None:
    entries, said = WRONG[name]
    point(path := apart(location="a.onnx.data"), **entries)
    with pytest.raises(InputError, match=said):
        Stylizer(path)


def test_what_is_missing_a_pipe_or_too_large_is_a_sentence() -> None:
    path = apart(location="a.onnx.data")
    Path("a.onnx.data").unlink()
    for make in (lambda: None, lambda: os.mkfifo("a.onnx.data")):
        make()
        with pytest.raises(
            InputError, match=r"in a\.onnx\.data, which is missing: download it too"
        ):
            Stylizer(path)
    Path("a.onnx.data").unlink()
    with Path("a.onnx.data").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(
        InputError, match=r"a\.onnx\.data has 268,435,457 bytes: a style has at most"
    ):
        Stylizer(path)


def test_all_weights_together_have_a_bound() -> None:
    """One place many times over would be as much memory as there are tensors."""
    path = apart(location="a.onnx.data")
    size = Path("a.onnx.data").stat().st_size
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        del tensor.external_data[:]
        tensor.external_data.add(key="location", value="a.onnx.data")
    data = model.SerializeToString()
    assert joined(path, data, most=2 * size)
    with pytest.raises(InputError, match="does not fit"):
        joined(path, data, most=2 * size - 1)


def test_constants_elsewhere_than_among_the_weights_stay_refused() -> None:
    tensor = helper.make_tensor("c", TensorProto.FLOAT, [1], [0.0])
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="a.onnx.data")
    nodes = [
        helper.make_node("Constant", [], ["c"], value=tensor),
        helper.make_node("Add", ["content", "c"], ["stylized"]),
    ]
    save_graph(Path("a.onnx"), nodes, constants={})
    Path("a.onnx.data").write_bytes(bytes(4))
    with pytest.raises(InputError, match="keeps constants in other files: save it as one file"):
        read_model(Path("a.onnx"))
