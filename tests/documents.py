"""What the documents say: their commands, snippets, links and flags."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
DOCS = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
CARDS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "checkpoints").glob("*/CARD.md"))
PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "data/README.md", "checkpoints/README.md"]
PAGES += [*DOCS, *CARDS]
SCRIPTS = {"train.py": "train", "stylize.py": "stylize"}


def text(name: str) -> str:
    """A document, by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def prose(name: str) -> str:
    """The document without its fenced blocks."""
    return FENCE.sub("", text(name))


def blocks(name: str, *languages: str) -> list[str]:
    """The fenced blocks in these languages."""
    return [body for language, body in FENCE.findall(text(name)) if language in languages]


def commands(name: str) -> Iterator[list[str]]:
    """Words of every shell command, comments and variables gone, continued lines joined."""
    for block in blocks(name, "bash", "sh", "shell", "console"):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            words = shlex.split(line.strip().removeprefix("$ "), comments=True)
            start = 0
            for end, word in enumerate([*words, ";"]):
                if word in (";", "&&", "||", "|", "&"):
                    if command := _without_redirection(words[start:end]):
                        yield command
                    start = end + 1


def _without_redirection(words: list[str]) -> list[str]:
    return words[: words.index(">")] if ">" in words else words


def runs_of_ours(name: str) -> list[tuple[str, list[str]]]:
    """(command, its words) for every `impasto COMMAND`, train.py and stylize.py, also in cards."""
    found = []
    inline = [shlex.split(code) for code in re.findall(r"`(impasto [a-z]+ [^`]*)`", prose(name))]
    for words in [*commands(name), *inline]:
        for place, word in enumerate(words):
            if word == "impasto" and words[place + 1 : place + 2]:
                found.append((words[place + 1], words[place + 2 :]))
                break
            if Path(word).name in SCRIPTS:
                found.append((SCRIPTS[Path(word).name], words[place + 1 :]))
                break
    return found
