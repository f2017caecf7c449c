"""Every command in the documents parses; what they name exists: flags, files, links, targets."""

import importlib
import logging
import re
import shlex
from dataclasses import fields
from typing import Any

import pytest
import yaml
from documents import CARDS, DOCS, PAGES, ROOT, commands, prose, runs_of_ours, text

from impasto.cli.distill import DistillSettings
from impasto.cli.main import COMMANDS, module_of
from impasto.cli.serve import ServeSettings
from impasto.cli.stylize import with_models_joined
from impasto.config.analysis import SETTINGS as STUDIES
from impasto.config.parser import parse
from impasto.config.settings import GatysSettings, StylizeSettings, TrainAnySettings, TrainSettings

EACH = pytest.mark.parametrize("name", PAGES)
SETTINGS: dict[str, type[Any]] = {
    "stylize": StylizeSettings,
    "gatys": GatysSettings,
    "train": TrainSettings,
    "train-any": TrainAnySettings,
    "distill": DistillSettings,
    "serve": ServeSettings,
}
WITHOUT_SETTINGS = {"styles"}
FLAGS = {
    "--" + item.name.replace("_", "-")
    for settings in [*SETTINGS.values(), *STUDIES.values()]
    for item in fields(settings)
} | {
    "--no-browser",
    "--help",
    "--help-all",
    "--preset",
    "--config",
    "--logdir",
}  # the last one is TensorBoard's
OF_SCRIPTS = re.compile(r'"(--[a-z-]+)"|^    (\w+): .* = setting\(', re.MULTILINE)


def settings_of(command: str, words: list[str]) -> tuple[type[Any], list[str]]:
    if command == "analyze":
        return STUDIES[words[0]], words[1:]
    return SETTINGS["gatys" if "--style" in words and command == "stylize" else command], words


def test_readme_is_short() -> None:
    assert text("README.md").count("\n") <= 150


def test_readme_shows_the_four_everyday_commands() -> None:
    shown = {command for command, _ in runs_of_ours("README.md")}
    assert shown >= {"stylize", "styles", "train", "gatys"}


@EACH
def test_every_command_parses_under_the_names_of_today(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="impasto")
    for command, words in runs_of_ours(name):
        assert command in COMMANDS, f"impasto {command}"
        if command in WITHOUT_SETTINGS or not words or {"-h", "--help", "--help-all"} & set(words):
            importlib.import_module(module_of(command))
            continue
        settings, flags = settings_of(command, words)
        flags = with_models_joined(flags) if settings is StylizeSettings else flags
        assert isinstance(parse(settings, flags, description=""), settings), shlex.join(words)
    assert caplog.messages == []  # an old name of a flag is told


@EACH
def test_every_flag_in_the_prose_exists(name: str) -> None:
    named = set(re.findall(r"`(?:[^`\n]*\s)?(--[a-z][a-z0-9-]*)", prose(name)))
    scripts = [path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py")]
    theirs = OF_SCRIPTS.findall("\n".join(scripts))
    allowed = FLAGS | {flag or "--" + field.replace("_", "-") for flag, field in theirs}
    assert named - allowed == set()


@EACH
def test_every_make_target_exists(name: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", text("Makefile"), re.MULTILINE))
    named = [words[1:] for words in commands(name) if words[0] == "make"]
    named += [words.split() for words in re.findall(r"`make ([^`]+)`", prose(name))]
    wanted = {word for words in named for word in words if "=" not in word and word[0] != "-"}
    assert wanted - targets == set()


@EACH
def test_every_relative_link_leads_somewhere(name: str) -> None:
    written = re.sub(r"`[^`\n]*`", "", prose(name))
    links = re.findall(r"\]\(\s*<?([^)\s>]+)", written)
    links += re.findall(r"^\s*\[[^\]]+\]:\s*(\S+)", written, re.MULTILINE)
    links += re.findall(r"""\b(?:src|href|srcset)=["']([^"']+)""", written)
    here = [link for link in links if not re.match(r"[a-z][a-z0-9+.-]*:|#|//", link)]
    paths = {link: (ROOT / name).parent / link.split("#")[0].split("?")[0] for link in here}
    assert {link for link, path in paths.items() if not path.exists()} == set()
    assert {link for link, path in paths.items() if ROOT not in path.resolve().parents} == set()


@EACH
def test_every_file_of_the_project_that_is_named_exists(name: str) -> None:
    named = re.findall(r"`((?:benchmarks|src|tests|docs|data)/[\w./-]*\w)/?`", prose(name))
    fetched = {"docs/site", "data/coco/train2014"}
    assert {path for path in named if not (ROOT / path).exists()} - fetched == set()


@EACH
def test_nothing_is_left_to_be_filled_in(name: str) -> None:
    assert re.findall(r"@@\w*@@|\bTBD\b|\bTODO\b|\bFIXME\b", text(name)) == []


def test_site_has_every_page_in_its_navigation() -> None:
    site = yaml.safe_load(text("mkdocs.yml"))
    assert {f"docs/{path}" for entry in site["nav"] for path in entry.values()} == set(DOCS)


def test_every_shipped_style_is_in_the_readme() -> None:
    shown = re.findall(r"checkpoints/\w+/CARD\.md", text("README.md"))
    no_styles = [f"checkpoints/{name}/CARD.md" for name in ("any", "base")]
    assert sorted(shown) == [card for card in CARDS if card not in no_styles]
    assert set(no_styles) <= set(CARDS)
