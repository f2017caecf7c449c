"""Flags and YAML: who wins, what comes back, what --help says."""

import json
import re
import subprocess
import sys
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from impasto.cli import main
from impasto.config.parser import make_parser, parse, to_yaml
from impasto.config.settings import GatysSettings, LossSettings, StylizeSettings, TrainSettings

ROOT = Path(__file__).parents[2]
COMMANDS: dict[str, type[Any]] = {
    "train": TrainSettings,
    "stylize": StylizeSettings,
    "gatys": GatysSettings,
}
EACH = pytest.mark.parametrize("settings", COMMANDS.values(), ids=COMMANDS)


def train(*argv: str) -> TrainSettings:
    return parse(TrainSettings, argv, description="")


def stylize(*argv: str) -> StylizeSettings:
    return parse(StylizeSettings, argv, description="")


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "run.yaml"
    path.write_text("# a run\nlr: 0.5\nsteps: 7\n")
    return str(path)


@EACH
def test_no_flags_give_the_defaults(settings: type[Any]) -> None:
    assert parse(settings, [], description="") == settings()


@pytest.mark.parametrize("order", ["before", "after", "between", "joined"])
def test_flags_win_over_a_config_wherever_they_stand(config: str, order: str) -> None:
    argv = {
        "before": ["--lr", "0.1", "--config", config],
        "after": ["--config", config, "--lr", "0.1"],
        "between": ["--config", config, "--lr", "0.1", "--config", config],
        "joined": ["--lr=0.1", f"--config={config}"],
    }[order]
    assert train(*argv) == TrainSettings(lr=0.1, steps=7)


def test_a_flag_wins_even_if_it_says_the_default(config: str) -> None:
    default = TrainSettings()
    assert train("--lr", str(default.lr), "--config", config) == TrainSettings(steps=7)


def test_of_two_configs_the_last_wins(config: str, tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("lr: 1e-5\nseed: 3\n")
    more = str(tmp_path / "more.yaml")
    assert train("--config", config, "--config", more) == TrainSettings(lr=1e-5, steps=7, seed=3)
    assert train("--config", more, "--config", config) == TrainSettings(lr=0.5, steps=7, seed=3)


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n"])
def test_a_config_without_settings_changes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.yaml").write_text(text)
    assert train("--config", str(tmp_path / "empty.yaml")) == TrainSettings()


CHANGED = TrainSettings(
    style="5",
    name="yes",
    content_layers=["relu2_2"],
    style_layers=["relu1_1", "relu2_1"],
    style_layer_weights=[1.0, 0.25],
    lr=3e-5,
    style_weight=1e10,
    loss_scale="mean",
    precision="32",
    workers=0,
)


@pytest.mark.parametrize(
    "settings",
    [
        TrainSettings(),
        CHANGED,
        StylizeSettings(),
        StylizeSettings(photos=["a.jpg", "b"], output="out", overwrite=True, size=20, threads=2),
        GatysSettings(style="a.jpg", lr=1e-3, beta1=0.99, start="noise", scales=2, plot="a.png"),
    ],
)
def test_yaml_comes_back_as_it_went(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(settings))
    assert list(yaml.safe_load(path.read_text())) == list(asdict(settings))
    assert parse(type(settings), ["--config", str(path)], description="") == settings


def test_lists_are_words_after_one_flag() -> None:
    given = train("--style-layers", "relu1_1", "5", "--style-layer-weights", "1", "2.5")
    assert given == TrainSettings(style_layers=["relu1_1", "5"], style_layer_weights=[1.0, 2.5])


def test_photos_are_the_words_without_a_flag(tmp_path: Path) -> None:
    given = stylize("a.jpg", "b", "-o", "out", "--overwrite")
    assert given == StylizeSettings(photos=["a.jpg", "b"], output="out", overwrite=True)
    (tmp_path / "x.yaml").write_text("photos: [c.jpg]\nquality: 80\n")
    config = f"--config={tmp_path / 'x.yaml'}"
    assert stylize(config) == StylizeSettings(photos=["c.jpg"], quality=80)
    assert stylize(config, "a.jpg") == StylizeSettings(photos=["a.jpg"], quality=80)


@EACH
def test_every_setting_has_a_default_a_help_text_and_a_kebab_case_flag(settings: type[Any]) -> None:
    parser = make_parser(settings, description="")
    actions = {action.dest: action for action in parser._actions}
    for item in fields(settings):
        action = actions[item.name]
        assert item.default is not MISSING or item.default_factory is not MISSING
        assert len(item.metadata["help"]) >= 8
        assert action.help.startswith(item.metadata["help"])
        if not item.metadata.get("positional"):
            flag = item.name.replace("_", "-")
            switch = [f"--no-{flag}"] if item.type is bool else []
            assert action.option_strings[-1 - len(switch) :] == [f"--{flag}", *switch]
    others = {"help_all"} | ({"preset"} if settings.presets else set())
    assert set(actions) - {item.name for item in fields(settings)} == {"help", "config"} | others


@pytest.fixture(scope="module")
def helps() -> dict[str, list[str]]:
    """What `--help` and `--help-all` print, without loading anything heavy."""
    code = """
import io, json, sys
from contextlib import redirect_stdout, suppress
from impasto.cli.main import main
told = {}
for words in (["--help"], *([c, f] for c in "CMD".split() for f in ("--help", "--help-all"))):
    with redirect_stdout(io.StringIO()) as out, suppress(SystemExit):
        main(words)
    told[" ".join(words)] = out.getvalue().splitlines()
told["heavy"] = sorted({"torch", "pytorch_lightning", "torchvision", "onnx"} & set(sys.modules))
print(json.dumps(told))
""".replace("CMD", " ".join(COMMANDS))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return dict(json.loads(done.stdout))


def flags_in(lines: list[str]) -> list[str]:
    """The flags that have a line of their own."""
    found = [re.match(r"  (?:-\w(?: \w+)?, )?--([\w-]+)", line) for line in lines]
    return [flag.group(1).replace("-", "_") for flag in found if flag]


def test_help_loads_nothing_heavy_and_fits_a_screen(helps: dict[str, list[str]]) -> None:
    assert helps.pop("heavy") == []
    for words, lines in helps.items():
        assert len(lines) <= (90 if words.endswith("-all") else 32), words
        assert max(map(len, lines)) <= 100, words


def test_the_command_lists_its_commands(helps: dict[str, list[str]]) -> None:
    listed = {line.split()[0] for line in helps["--help"] if line.startswith("  ")}
    assert {*COMMANDS, "styles", "analyze", "distill"} <= listed == set(main.COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_all_shows_every_setting_and_help_those_of_every_day(
    command: str, helps: dict[str, list[str]]
) -> None:
    settings = COMMANDS[command]
    names = {item.name for item in fields(settings) if not item.metadata.get("positional")}
    files = {"help", "config"} | ({"preset"} if settings.presets else set())
    files |= {"help_all"} if settings.everyday else set()
    assert set(flags_in(helps[f"{command} --help-all"])) == names | files
    shown = flags_in(helps[f"{command} --help"])
    everyday = [name for name in settings.everyday or names if name in names]
    assert set(shown) == set(everyday) | files
    assert 8 <= len(shown) <= 18


def test_help_all_comes_to_the_point_first_and_then_to_what_commands_share() -> None:
    for settings in (TrainSettings, GatysSettings):
        shown = flags_in(make_parser(settings, description="").format_help().splitlines())
        shared = [shown.index(item.name) for item in fields(LossSettings)]
        own = {item.name for item in fields(settings)} & set(settings.__annotations__)
        assert max(map(shown.index, own)) < min(shared)


def test_a_tilde_is_the_home_wherever_no_shell_has_seen_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.yaml").write_text("output: ~/out\nlog: ~\nphotos: [~/a, b]\n")
    given = parse(GatysSettings, ["--config=~/mine.yaml", "--plot=~/p.png"], description="")
    assert given.output == f"{tmp_path}/out"
    assert given.plot == f"{tmp_path}/p.png"
    assert given.photos == [f"{tmp_path}/a", "b"]
    assert given.log is None  # YAML's null
    assert parse(TrainSettings, ["--photos", "~/"], description="").photos == f"{tmp_path}/"
    assert parse(TrainSettings, ["--name", "a~"], description="").name == "a~"
