"""Settings that are refused: by file and key, by flag and bound, always in one line."""

from pathlib import Path
from typing import Any

import pytest

from impasto.config.parser import parse
from impasto.config.settings import StylizeSettings, TrainSettings
from impasto.errors import InputError


def refusal(settings: type[Any], *argv: str) -> str:
    """The message for what cannot be parsed, which is one line."""
    with pytest.raises(InputError) as caught:
        parse(settings, argv, description="")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "run.yaml"
    path.write_text("# a run\nlr: 0.5\nsteps: 7\n")
    return str(path)


REFUSED_YAML = {
    "stepps: 7": ": there is no setting 'stepps'",
    "batch-size: 7": ": there is no setting 'batch-size'",
    "config: other.yaml": ": there is no setting 'config'",
    "width: many": ": width must be a whole number (got 'many')",
    "width: 1.5": ": width must be a whole number (got 1.5)",
    "width: true": ": width must be a whole number (got True)",
    "steps: many": ": steps must be a whole number (got 'many')",
    "minutes: soon": ": minutes must be a number (got 'soon')",
    "lr: fast": ": lr must be a number (got 'fast')",
    "style: 5": ": style must be text (got 5)",
    "loss_scale: max": ": loss_scale must be relative, mean, johnson or gatys (got 'max')",
    "normalization: max": ": loss_scale must be relative, mean, johnson or gatys (got 'max')",
    "style_layers: relu1_1": ": style_layers must be a list of words (got 'relu1_1')",
    "style_layer_weights: [x]": ": style_layer_weights must be a list of numbers (got ['x'])",
    "- a\n- b": " holds no settings",
    "hello": " holds no settings",
}


@pytest.mark.parametrize("text", REFUSED_YAML)
def test_a_config_is_refused_by_file_and_key(text: str, tmp_path: Path, config: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(f"seed: 1\n{text}\n" if ": " in text else text)
    for argv in (["--config", config, "--config", str(path)], [f"--config={path}"]):
        assert refusal(TrainSettings, *argv).startswith(f"{path}{REFUSED_YAML[text]}")


@pytest.mark.parametrize("content", [b"a: [b\n", bytes(range(256)), None])
def test_a_config_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.yaml"
    if content is not None:
        path.write_bytes(content)
    assert refusal(TrainSettings, "--config", str(path)).startswith(f"cannot read --config {path} ")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("--steps 0", "--steps is 0: give at least 1"),
        ("--minutes 0", "--minutes is 0.0: give at least 0.01"),
        ("--lr -1", "--lr is -1.0: give at least 0"),
        ("--batch-size 0", "--batch-size is 0: give at least 1"),
        ("--image-size 31", "--image-size is 31: give at least 32"),
        ("--style-size 0", "--style-size is 0: give at least 32"),
        ("--workers -1", "--workers is -1: give at least 0"),
    ],
)
def test_a_number_out_of_range_names_its_flag(argv: str, message: str, tmp_path: Path) -> None:
    assert refusal(TrainSettings, *argv.split()) == message
    key, value = argv.removeprefix("--").split()
    (tmp_path / "x.yaml").write_text(f"{key.replace('-', '_')}: {value}\n")
    in_file = refusal(TrainSettings, "--config", str(tmp_path / "x.yaml"))
    assert in_file.replace(".0", "") == message.replace(".0", "")
    number = float(value) if key in ("lr", "minutes") else int(value)
    with pytest.raises(InputError, match=message):
        TrainSettings(**{key.replace("-", "_"): number})


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("--quality 0", "--quality is 0: give at least 1"),
        ("--quality 101", "--quality is 101: give at most 100"),
        ("--size 15", "--size is 15: give at least 16"),
        ("--threads 0", "--threads is 0: give at least 1"),
    ],
)
def test_stylize_has_bounds_too(argv: str, message: str) -> None:
    assert refusal(StylizeSettings, *argv.split()) == message


def test_bounds_themselves_are_fine() -> None:
    edge = TrainSettings(steps=1, lr=0, image_size=32, style_size=32, workers=0, random_shift=0)
    assert (edge.steps, edge.style_size) == (1, 32)
    assert StylizeSettings(quality=100, size=16).quality == 100


def test_nothing_is_refused_where_a_value_is_needed(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("random_shift: null\n")
    message = "--random-shift is empty: give a value"
    assert refusal(TrainSettings, "--config", str(tmp_path / "x.yaml")) == message
    (tmp_path / "x.yaml").write_text("workers: null\n")
    argv = ["--config", str(tmp_path / "x.yaml")]
    assert parse(TrainSettings, argv, description="") == TrainSettings()


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["--stepps", "7"], "unrecognized arguments: --stepps 7 (see --help)"),
        (["--steps", "many"], "--steps must be a whole number (got 'many')"),
        (["--steps"], "argument --steps: expected one argument (see --help)"),
        (
            ["--loss-scale", "max"],
            "--loss-scale must be relative, mean, johnson or gatys (got 'max')",
        ),
        (["--style-layer-weights", "x"], "--style-layer-weights"),
        (["--style-layer-weights", "1,2"], "1,2 is not a number: put spaces between numbers"),
        (["photo.jpg"], "photo.jpg"),
        (["--lr", "fast"], "--lr must be a number (got 'fast')"),
        (["--lr", "nan"], "--lr must be a number (got 'nan')"),
    ],
)
def test_wrong_flags_are_named_in_one_line(argv: list[str], part: str) -> None:
    message = refusal(TrainSettings, *argv)
    assert part in message


def test_a_switch_in_yaml_is_true_or_false(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("overwrite: true\n")
    given = ["--config", str(path)]
    assert parse(StylizeSettings, given, description="").overwrite is True
    assert parse(StylizeSettings, [*given, "--no-overwrite"], description="").overwrite is False
    path.write_text("overwrite: maybe\n")
    message = refusal(StylizeSettings, "--config", str(path))
    assert message == f"{path}: overwrite must be true or false (got 'maybe')"
