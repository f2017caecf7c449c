"""Bad input to either command: exit code 2, one line that names the file, and nothing is lost."""

from pathlib import Path

import pytest
from bad_files import (
    CHECKPOINTS,
    CONFIGS,
    ENCODERS,
    MODELS,
    PHOTOGRAPHS,
    READABLE,
    SMALL,
    TABLES,
    good,
    graph,
    plain,
)
from graphs import save_negative
from trained import save_encoder

from impasto.cli import gatys, stylize, train
from impasto.models.vgg import EncoderWeights

COMMANDS = {"impasto train": train.main, "impasto stylize": stylize.main}
COMMANDS |= {"impasto gatys": gatys.main}
MODEL = ["--model", "negative.onnx", "photo.png", "-o", "old.png", "--overwrite"]
TAPS = ["--content-layers", "relu2_1", "--style-layers", "relu1_1"]
GATYS = ["photo.png", "-o", "old.png", "--overwrite", "--encoder", "tiny.safetensors", *TAPS]
LEARN = ["--encoder", "tiny.safetensors", *TAPS, "--steps", "1", "--image-size", "32"]
LEARN += ["--style", "photo.png", "--photos", "folder", "--resume", "none", "--width", "4"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: EncoderWeights) -> None:
    """A folder with all that is needed, and with results of earlier runs."""
    monkeypatch.chdir(tmp_path)
    save_negative(Path("negative.onnx"), name="negative")
    save_encoder(tiny, Path("tiny.safetensors"))
    good(Path("photo.png"))
    good(Path("folder/photo.png"))
    Path("empty").mkdir()
    Path("old.png").write_bytes(b"precious")
    for name in ("photo.onnx", "last.ckpt", "config.yaml"):
        path = Path("checkpoints/photo", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"precious")


def everything() -> dict[str, bytes | None]:
    """What lies here, files with how they begin."""
    found: dict[str, bytes | None] = {}
    for path in sorted(Path().rglob("*")):
        found[str(path)] = None
        if path.is_file():
            with path.open("rb") as file:
                found[str(path)] = file.read(100_000)
    return found


def refuse(script: str, words: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Run a command that must fail well."""
    before = everything()
    assert COMMANDS[script](words) == 2
    error = capfd.readouterr().err
    assert said in error
    assert error.startswith(f"{script}: ")
    assert error.count("\n") == 1
    assert "Traceback" not in error
    assert len(error) < 600
    assert everything() == before


def test_there_are_at_least_thirty_kinds() -> None:
    kinds = sum(map(len, TABLES)) + len(READABLE)
    assert kinds >= 30
    print(kinds, "kinds of files")


@pytest.mark.parametrize("name", sorted(PHOTOGRAPHS.keys() - SMALL))
def test_a_bad_photograph_or_painting(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    write, said = PHOTOGRAPHS[name]
    write(Path(name))
    said = f"cannot read {name}: {said}"
    refuse(
        "impasto stylize", [name if word == "photo.png" else word for word in MODEL], said, capfd
    )
    if not name.startswith(("circle", "dangling")):  # these are no files at all to `find_style`
        refuse("impasto gatys", ["--style", name, *GATYS], said, capfd)
        refuse("impasto train", [*LEARN, "--style", name], said, capfd)


@pytest.mark.parametrize("name", ["circle.jpg", "dangling.jpg", "folder", "missing.jpg", "empty"])
def test_a_painting_that_is_no_file(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    if name in PHOTOGRAPHS:
        PHOTOGRAPHS[name][0](Path(name))
    refuse("impasto gatys", ["--style", name, *GATYS], name, capfd)
    refuse("impasto train", [*LEARN, "--style", name], name, capfd)


@pytest.mark.parametrize("name", MODELS)
def test_a_bad_model(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    write, said = MODELS[name]
    write(Path("bad.onnx"))
    words = ["bad.onnx" if word == "negative.onnx" else word for word in MODEL]
    refuse("impasto stylize", words, said, capfd)
    if not said.startswith(("is not an", "is no ONNX file that", "--range")):
        refuse("impasto train", [*LEARN, "--init", "bad.onnx"], "bad.onnx", capfd)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_bad_encoder(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    write, said = ENCODERS[name]
    write(Path("bad.safetensors"))
    said = f"bad.safetensors{':' if 'has' in said else ''} {said}"
    words = ["--encoder", "bad.safetensors"]
    refuse("impasto gatys", ["--style", "photo.png", *GATYS, *words], said, capfd)
    refuse("impasto train", [*LEARN, *words], said, capfd)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_bad_checkpoint(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    write, said = CHECKPOINTS[name]
    write(Path("bad.ckpt"))
    refuse("impasto train", [*LEARN, "--init", "bad.ckpt"], f"bad.ckpt {said}"[-20:], capfd)
    assert not Path("hacked").exists()


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("script", ["impasto train", "impasto stylize"])
def test_a_bad_config(name: str, script: str, capfd: pytest.CaptureFixture[str]) -> None:
    write, said = CONFIGS[name]
    write(Path("bad.yaml"))
    words = ["--config", "bad.yaml", *(MODEL if script == "impasto stylize" else LEARN)]
    if name == "wrong type":  # a key of the other command is a fault too
        said = "must be a whole number (got 'many')"
        Path("bad.yaml").write_text(
            f"{'workers' if script == 'impasto train' else 'threads'}: many\n"
        )
    refuse(script, words, said, capfd)
    assert not Path("hacked").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--size", "15"], "--size is 15"),
        (["--size", "huge"], "size"),
        (["--quality", "101"], "--quality is 101"),
        (["--threads", "0"], "--threads is 0"),
        (["--range", "100"], "range"),
        (["--range", "255"], "negative.onnx is an impasto style, its pixels are 0..1"),
        (["--iterations", "5"], "unrecognized arguments: --iterations 5"),
        (["-o", "old.gif"], "cannot write old.gif: the file name must end in"),
        (["-o", "photo.png/new.png"], "cannot write photo.png/new.png"),
        (["--photos", "folder"], "photos"),
        (["--style", "photo.png"], "--model and --style are two methods"),
        (["--bogus"], "bogus"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_setting_of_stylize(
    words: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    refuse("impasto stylize", [*MODEL, *words], said, capfd)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--photos", "missing"], "missing"),
        (["--photos", "photo.png"], "photo.png"),
        (["--photos", "empty"], "no photographs in empty"),
        (["--steps", "0"], "--steps is 0"),
        (["--lr", "nan"], "lr"),
        (["--style-layers", "relu7_1"], "relu7_1"),
        (["--style-layer-weights", "1", "2"], "2 weights for 1 layers"),
        (["--init", "nowhere"], "nowhere"),
        (["--verify-photos", "maybe"], "maybe"),
        (["--bogus"], "bogus"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_setting_of_train(
    words: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    refuse("impasto train", [*LEARN, *words], said, capfd)


def test_range_belongs_to_a_network(capfd: pytest.CaptureFixture[str]) -> None:
    words = ["--style", "photo.png", *GATYS, "--range", "255"]
    refuse("impasto gatys", words, "unrecognized arguments: --range 255", capfd)


def test_a_declared_network_must_have_one_picture_in_and_out(
    capfd: pytest.CaptureFixture[str],
) -> None:
    plain()(Path("plain.onnx"))
    graph(inputs=["content", "style"], metadata={})(Path("two.onnx"))
    words = [*MODEL[2:], "--range", "255", "--model"]
    assert stylize.main([*words, "plain.onnx"]) == 0
    Path("old.png").write_bytes(b"precious")
    capfd.readouterr()
    refuse("impasto stylize", [*words, "two.onnx"], "two.onnx is not an impasto style", capfd)
