"""Networks from strangers: what is looked at before they run, and what they may do when they do."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from bad_files import MODELS, good, graph, plain
from graphs import save_graph, save_mirror, save_negative
from onnx import helper

from impasto.cli import pictures, stylize
from impasto.errors import InputError
from impasto.images.io import RGB, load_image
from impasto.inference import protobuf as survey
from impasto.inference.model_check import OPERATORS, read_model
from impasto.inference.stylizer import Stylizer


def picture(height: int, width: int) -> RGB:
    return np.random.default_rng(height * width).random((height, width, 3), np.float32)


def of_255(path: Path, *nodes: onnx.NodeProto, **constants: object) -> Path:
    """A network of `input` and `output` as in pytorch/examples, by default 255 - input."""
    if not nodes:
        nodes = (helper.make_node("Sub", ["white", "input"], ["output"]),)
        constants = {"white": np.float32(255)}
    ends = {"inputs": ["input"], "outputs": ["output"], "metadata": {}}
    return save_graph(path, nodes, constants=constants, **ends)  # type: ignore[arg-type]


def test_the_survey_goes_wherever_operators_and_tensors_can_be() -> None:
    """Against the descriptors of the onnx package, so that no message that matters is missed."""
    holds = {}  # {message: {field: message}}
    todo = [onnx.ModelProto.DESCRIPTOR]
    while todo:
        message = todo.pop()
        if message.name in holds:
            continue
        inner = {f.number: f.message_type for f in message.fields if f.message_type is not None}
        holds[message.name] = {number: kind.name for number, kind in inner.items()}
        todo += inner.values()
    reach = {"NodeProto", "TensorProto"}  # what matters, and whatever leads there
    while more := {name for name, inner in holds.items() if reach & set(inner.values())} - reach:
        reach |= more
    expected = {
        name.removesuffix("Proto"): {
            number: kind.removesuffix("Proto") for number, kind in inner.items() if kind in reach
        }
        for name, inner in holds.items()
        if name in reach
    }
    assert expected == survey.PARTS
    fields = onnx.NodeProto.DESCRIPTOR.fields_by_name, onnx.TensorProto.DESCRIPTOR.fields_by_name
    assert fields[0]["op_type"].number == survey.OP_TYPE
    assert fields[0]["domain"].number == survey.DOMAIN
    assert fields[1]["external_data"].number == survey.EXTERNAL_DATA
    assert fields[1]["data_location"].number == survey.DATA_LOCATION


def test_the_survey_sees_what_the_onnx_package_sees(tmp_path: Path) -> None:
    path = save_mirror(tmp_path / "a.onnx")
    graphs, operators, external = survey.survey(path.read_bytes())
    assert (graphs, external) == (1, False)
    assert operators == {node.op_type for node in onnx.load(path).graph.node}


def test_the_survey_looks_into_branches_and_functions(tmp_path: Path) -> None:
    inner = helper.make_graph([helper.make_node("Secret", [], ["a"])], "inner", [], [])
    outer = helper.make_node("If", ["c"], ["a"], then_branch=inner, else_branch=inner)
    function = helper.make_function(
        "mine", "Twice", ["x"], ["y"], [helper.make_node("Hidden", ["x"], ["y"])], []
    )
    model = helper.make_model(helper.make_graph([outer], "g", [], []), functions=[function])
    graphs, operators, _ = survey.survey(model.SerializeToString())
    assert graphs == 3
    assert operators == {"If", "Secret", "Hidden"}


def test_every_operator_that_is_allowed_exists_in_the_standard() -> None:
    assert {schema.name for schema in onnx.defs.get_all_schemas()} >= OPERATORS - {"Upsample"}
    assert onnx.defs.has("Upsample")  # of old exports, deprecated since
    assert not OPERATORS & {"Loop", "If", "Scan", "RandomNormal", "RandomUniform", "Multinomial"}


@pytest.mark.parametrize("seed", range(4))
def test_damage_of_any_kind_is_a_sentence(seed: int, tmp_path: Path) -> None:
    whole = save_mirror(tmp_path / "a.onnx").read_bytes()
    random = np.random.default_rng(seed)
    sentences = []
    for _ in range(250):
        length = random.choice([len(whole), random.integers(1, len(whole))])
        data = bytearray(whole[:length])
        for place in random.integers(0, length, random.integers(0, 4)):
            data[place] = random.integers(0, 256)
        (tmp_path / "b.onnx").write_bytes(data)
        try:
            read_model(tmp_path / "b.onnx")
        except InputError as error:
            sentences.append(str(error))
    assert 100 < len(sentences) < 250
    assert all("b.onnx" in sentence and "\n" not in sentence for sentence in sentences)


@pytest.mark.long
def test_damage_of_any_kind_does_not_kill_onnx_runtime(tmp_path: Path) -> None:
    """In a process of its own, which a crash in native code would end."""
    code = """
import sys, numpy as np
from impasto.errors import InputError
from impasto.inference.stylizer import Stylizer
whole = open(sys.argv[1], "rb").read()
random, ran, refused = np.random.default_rng(0), 0, 0
for _ in range(500):
    data = bytearray(whole)
    for place in random.integers(0, len(data), 3):
        data[place] = random.integers(0, 256)
    open("b.onnx", "wb").write(data)
    try:
        Stylizer("b.onnx", range=1)(np.ones((20, 20, 3), np.float32))
        ran += 1
    except InputError:
        refused += 1
print(ran, refused)
"""
    path = save_mirror(tmp_path / "a.onnx")
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    ran, refused = map(int, done.stdout.splitlines()[-1].split())  # ONNX Runtime writes too
    print(f"500 damaged models: {ran} ran, {refused} were refused in a sentence, 0 crashed")
    assert ran + refused == 500


def test_what_was_checked_is_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_negative(tmp_path / "a.onnx")

    def swap(checked: Path) -> bytes:
        data = read_model(checked)
        MODELS["thief"][0](checked)
        return data

    monkeypatch.setattr("impasto.inference.stylizer.read_model", swap)
    image = picture(20, 30)
    np.testing.assert_array_equal(Stylizer(path)(image), 1 - image)


def test_no_onnx_package_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_negative(tmp_path / "a.onnx")
    for name in [name for name in sys.modules if name.split(".")[0] == "onnx"] + ["onnx"]:
        monkeypatch.setitem(sys.modules, name, None)
    image = picture(20, 30)
    np.testing.assert_array_equal(Stylizer(path)(image), 1 - image)


def test_pixels_of_255_in_and_out(tmp_path: Path) -> None:
    image = picture(17, 33)
    stylized = Stylizer(of_255(tmp_path / "a.onnx"), range=255)(image)
    np.testing.assert_allclose(stylized, 1 - image, atol=1e-6)


def test_the_command_takes_it_with_the_flag_and_proposes_the_flag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    of_255(Path("candy.onnx"))
    good(Path("photo.png"))
    words = ["--model", "candy.onnx", "photo.png"]
    assert stylize.main(words) == 2
    assert "add --range 255 if it takes" in capsys.readouterr().err
    assert stylize.main([*words, "--range", "255"]) == 0
    expected = 1 - load_image("photo.png")
    np.testing.assert_allclose(load_image("photo_candy.png"), expected, atol=0.51 / 255)
    Path("run.yaml").write_text("range: 255\n")
    assert stylize.main([*words, "--config", "run.yaml", "--overwrite"]) == 0


def test_a_declared_network_of_0_to_1(tmp_path: Path) -> None:
    plain()(tmp_path / "a.onnx")
    image = picture(20, 30)
    np.testing.assert_array_equal(Stylizer(tmp_path / "a.onnx", range=1)(image), image)


def test_values_beyond_white_are_clipped(tmp_path: Path) -> None:
    nodes = [helper.make_node("Mul", ["input", "gain"], ["output"])]
    path = of_255(tmp_path / "a.onnx", *nodes, gain=np.float32(2))
    image = picture(20, 30)
    expected = np.minimum(2 * image, 1)
    np.testing.assert_allclose(Stylizer(path, range=255)(image), expected, atol=1e-6)


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (18, 31)])
def test_sides_that_were_rounded_up_are_cut(tmp_path: Path, size: tuple[int, int]) -> None:
    """Two strides down and up again make 17 pixels 18, as nets of pytorch/examples do."""
    nodes = [
        helper.make_node(
            "MaxPool", ["input"], ["half"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1
        ),
        helper.make_node("Resize", ["half", "", "scales"], ["output"], mode="nearest"),
    ]
    path = of_255(tmp_path / "a.onnx", *nodes, scales=np.array([1, 1, 2, 2], np.float32))
    image = np.repeat(np.repeat(picture(9, 17), 2, axis=0), 2, axis=1)[: size[0], : size[1]]
    np.testing.assert_allclose(Stylizer(path, range=255)(image), image, atol=1e-6)


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (
            helper.make_node("MaxPool", ["input"], ["output"], kernel_shape=[2, 2]),
            r"returns shape \(1, 3, 19, 29",
        ),
        (helper.make_node("Log", ["zero"], ["output"]), "not finite"),
        (helper.make_node("Conv", ["input", "kernel"], ["output"]), "cannot stylize 30x20 pixels"),
    ],
    ids=["smaller", "not finite", "does not run"],
)
def test_a_network_that_makes_no_picture_is_refused_when_it_does(
    tmp_path: Path, node: onnx.NodeProto, said: str
) -> None:
    constants: dict[str, object] = {
        "zero": np.full((1, 3, 20, 30), -1, np.float32),
        "kernel": np.ones((3, 3, 50, 50), np.float32),
    }
    path = of_255(tmp_path / "a.onnx", node, **constants)
    with pytest.raises(InputError, match=said) as caught:
        Stylizer(path, range=255)(picture(20, 30))
    assert "\n" not in str(caught.value)


def test_a_picture_too_large_for_the_memory_does_not_stop_the_others(tmp_path: Path) -> None:
    nodes = [  # 512 numbers a pixel in between
        helper.make_node("Conv", ["content", "up"], ["many"]),
        helper.make_node("Conv", ["many", "down"], ["stylized"]),
    ]
    constants = {
        "up": np.ones((512, 3, 1, 1), np.float32),
        "down": np.zeros((3, 512, 1, 1), np.float32),
    }
    save_graph(tmp_path / "wide.onnx", nodes, constants=constants)
    for name, size in {"a": (32, 32), "b": (500, 500), "c": (32, 32)}.items():
        good(tmp_path / f"in/{name}.png", size=size)
    code = """
import resource, sys
from impasto.cli import stylize
words = ["--model", "wide.onnx", "--threads", "1", "--backend", "onnxruntime"]
stylize.main([*words, "in/a.png", "-o", "first.png"])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20), -1))
sys.exit(stylize.main([*words, "in", "-o", "out"]))
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "impasto stylize: in/b.png: 500x500 pixels do not fit in memory: choose a smaller --size",
        "impasto stylize: 1 of 3 pictures were not made",
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a_wide.png",
        "c_wide.png",
    ]


def test_other_failures_of_memory_are_sentences_too() -> None:
    torch_says = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")
    for error in (MemoryError(), torch_says):
        said = pictures.explain(error, Path("a.png"))
        assert said == "a.png does not fit in memory: --size makes it smaller"
    with pytest.raises(RuntimeError, match="ours"):
        pictures.explain(RuntimeError("a fault of ours"), Path("a.png"))


def test_a_model_may_have_any_names_but_one_picture(tmp_path: Path) -> None:
    plain(start="x.1", end="y:0")(tmp_path / "a.onnx")
    assert Stylizer(tmp_path / "a.onnx", range=1)(picture(16, 16)).shape == (16, 16, 3)
    graph(outputs=["stylized"], inputs=["content"], shape=(1, 3, "h", "w"))(tmp_path / "b.onnx")
    assert Stylizer(tmp_path / "b.onnx")(picture(16, 16)).shape == (16, 16, 3)
