"""README.md and CONTRIBUTING.md: every command parses, every file and target that they name is."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from impasto.config.parser import make_parser, parse
from impasto.config.settings import StylizeSettings, TrainSettings
from impasto.images.io import load_image

ROOT = Path(__file__).parents[2]
NAMES = ["README.md", "CONTRIBUTING.md"]
PAGES = pytest.mark.parametrize("name", NAMES)
SETTINGS: dict[str, type[Any]] = {"train.py": TrainSettings, "stylize.py": StylizeSettings}
FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def text(name: str) -> str:
    path = ROOT / name
    assert path.is_file(), f"{name} is missing"
    return path.read_text(encoding="utf-8")


def blocks(name: str, *languages: str) -> list[str]:
    return [body for language, body in FENCE.findall(text(name)) if language in languages]


def commands(name: str) -> Iterator[list[str]]:
    """Words of every shell command, comments and prompts gone, continued lines joined."""
    for block in blocks(name, "bash", "sh", "shell", "console"):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            words = shlex.split(line.strip().removeprefix("$ "), comments=True)
            start = 0
            for end, word in enumerate([*words, ";"]):
                if word in (";", "&&", "||", "|", "&"):
                    if words[start:end]:
                        yield words[start:end]
                    start = end + 1


def runs_of_ours(name: str) -> list[tuple[str, list[str]]]:
    """(script, its words) for every run of train.py or stylize.py, whichever python runs it."""
    found = []
    for words in commands(name):
        script = next((i for i, word in enumerate(words[:8]) if Path(word).name in SETTINGS), None)
        if script and Path(words[script - 1]).name in ("python", "python3"):
            found.append((words[script], words[script + 1 :]))
    return found


def test_the_readme_shows_both_scripts_at_work() -> None:
    assert {script for script, _ in runs_of_ours("README.md")} == {"train.py", "stylize.py"}


@PAGES
def test_every_run_parses(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # --config names files from here
    for script, words in runs_of_ours(name):
        if {"-h", "--help"} & set(words):
            continue
        settings = SETTINGS[script]
        for config in make_parser(settings, description="").parse_args(words).config or []:
            assert (ROOT / config).is_file(), f"{script} {shlex.join(words)}"
        assert isinstance(parse(settings, words, description=""), settings)


@PAGES
def test_every_config_that_is_named_is_there(name: str) -> None:
    named = set(re.findall(r"configs/[\w./-]+\.ya?ml", text(name)))
    assert {path for path in named if not (ROOT / path).is_file()} == set()
    assert named or name != "README.md"


@PAGES
def test_every_make_target_exists(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    prose = re.findall(r"`make ([^`]+)`", FENCE.sub("", text(name)))
    named = [words[1:] for words in commands(name) if words[0] == "make"]
    named += [words.split() for words in prose]
    wanted = {word for words in named for word in words if "=" not in word and word[0] != "-"}
    assert wanted - targets == set()
    assert wanted, "tell the reader what make can do"


@PAGES
def test_every_relative_link_leads_somewhere(name: str) -> None:
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text(name)))
    links = re.findall(r"\]\(\s*<?([^)\s>]+)", prose)
    links += re.findall(r"^\s*\[[^\]]+\]:\s*(\S+)", prose, re.MULTILINE)
    links += re.findall(r"""\b(?:src|href|srcset)=["']([^"']+)""", prose)
    here = [link for link in links if not re.match(r"[a-z][a-z0-9+.-]*:|#|//", link)]
    paths = {link: (ROOT / name).parent / link.split("#")[0].split("?")[0] for link in here}
    assert {link for link, path in paths.items() if not path.exists()} == set()
    assert {link for link, path in paths.items() if ROOT not in [path, *path.parents]} == set()


@PAGES
def test_nothing_is_left_to_be_filled_in(name: str) -> None:
    assert re.findall(r"@@\w*@@|\bTBD\b|\bTODO\b|\bFIXME\b", text(name)) == []


def test_readme_snippets_run_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    snippets = blocks("README.md", "python", "py")
    for snippet in snippets:
        exec(compile(snippet, "README.md", "exec"), {})
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
    assert load_image(tmp_path / "picture.png").std() > 0.1
