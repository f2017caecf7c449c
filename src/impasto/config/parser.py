"""Flags and YAML from dataclasses: a field is a flag, its metadata the help text and the bounds."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from inspect import get_annotations
from math import inf
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

import jsonargparse
import yaml

from impasto.config import plain_yaml
from impasto.config.presets import find_config, find_preset, preset_names
from impasto.config.renamed import NEW_NAMES, flag, with_new_flags, with_new_names
from impasto.errors import InputError

logger = logging.getLogger(__name__)
S = TypeVar("S", bound="Settings")
KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
METAVARS = {int: "N", float: "X"}
# What jsonargparse says of a value of the wrong type.
REFUSED = re.compile(r'Parser key "(\w+)": .*(?:Got|Given) value: (.*)')


def setting(default: Any, help_text: str, **more: Any) -> Any:
    """A field with what its flag needs.

    Args:
        default: the value that nobody has to give.
        help_text: a line.
        more: `group`, a heading until the next one; `least` and `most`; `short`, more flags;
            `repeated`, a flag for every item of a list.
    """
    return field(default=default, metadata={"help": help_text, **more})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every command's settings have in common: numbers are within their bounds."""

    everyday: ClassVar[tuple[str, ...]] = ()  # what `--help` shows of this class, () for all
    presets: ClassVar[str | None] = None  # the command whose presets `--preset` takes

    def __post_init__(self) -> None:
        """Raise InputError for a number out of range, or for nothing where there must be one."""
        for item in fields(self):
            value = getattr(self, item.name)
            least, most = item.metadata.get("least", -inf), item.metadata.get("most", inf)
            if value is None and item.default is not None:
                raise InputError(f"{flag(item.name)} is empty: give a value")
            if isinstance(value, int | float) and not least <= value <= most:
                bound = f"most {most}" if value > most else f"least {least}"
                raise InputError(f"{flag(item.name)} is {value}: give at {bound}")


def parse(
    settings: type[S],
    argv: Sequence[str] | None = None,
    *,
    description: str,
    program: str | None = None,
) -> S:
    """Read flags, `--preset` and `--config` files; flags win, then the last file.

    Args:
        settings: what to read.
        argv: the words of the command line, by default those of this process.
        description: what `--help` begins with.
        program: what `--help` calls the command.

    Raises:
        InputError: an unknown key, a wrong type, a number out of range; names file and key.
        SystemExit: after `--help` or `--help-all`.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    words = with_new_flags(words, known=[item.name for item in fields(settings)])
    everything = "--help-all" in words
    parser = make_parser(settings, description=description, program=program, everything=everything)
    try:
        flags = vars(parser.parse_args(words, defaults=False))
    except jsonargparse.ArgumentError as error:
        raise InputError(_why_refused(error, settings)) from error
    given: dict[str, Any] = {}
    if settings.presets and (name := flags.pop("preset", None)):
        given |= read_yaml(find_preset(settings.presets, name), settings, parser)
    for path in flags.pop("config", None) or []:
        file = find_config(settings.presets, os.path.expanduser(path))
        given |= read_yaml(file, settings, parser)
    given |= {key: value for key, value in flags.items() if value != []}
    return settings(**{key: _at_home(value) for key, value in given.items()})


def make_parser(
    settings: type[Settings],
    *,
    description: str,
    program: str | None = None,
    everything: bool = True,
) -> jsonargparse.ArgumentParser:
    """A parser with a kebab-case flag a field.

    Args:
        settings: the fields.
        description: what `--help` begins with.
        program: what `--help` calls the command.
        everything: `--help` shows all flags, under their headings, own before inherited ones;
            otherwise those in `settings.everyday`, in that order.
    """
    parser = jsonargparse.ArgumentParser(
        prog=program,
        usage="%(prog)s [flags]",
        description=description,
        exit_on_error=False,
        formatter_class=_Wide,
    )
    hints = get_type_hints(settings)
    items = sorted(fields(settings), key=lambda item: _distance(settings, item.name))
    everyday: tuple[str, ...] = settings.__dict__.get("everyday", ())  # not what is inherited
    short = () if everything else everyday
    for name in short:
        _add(parser, next(item for item in items if item.name == name), hints[name])
    _add_files(parser, settings.presets)
    more = "show every flag" if everyday else argparse.SUPPRESS
    parser.add_argument("--help-all", action="help", help=more)
    group: Any = parser
    for item in items:
        if (heading := item.metadata.get("group")) and not short:
            group = parser.add_argument_group(heading)
        if item.name not in short:
            _add(group, item, hints[item.name], hidden=bool(short))
    return parser


def read_yaml(
    path: Path, settings: type[Settings], parser: jsonargparse.ArgumentParser
) -> dict[str, Any]:
    """What a YAML file sets, under today's names and checked for its types.

    Raises:
        InputError: it cannot be read, or holds anything but settings of this kind.
    """
    try:
        found = plain_yaml.read(path) or {}
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"cannot read --config {path} ({why}): give a YAML file") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no settings: write lines like `steps: 500`")
    if old := [key for key in found if key in NEW_NAMES]:
        names = ", ".join(f"{key} is now called {NEW_NAMES[key]}" for key in old)
        logger.info(f"{path}: {names}")
    hints = get_type_hints(settings)
    known = {item.name for item in fields(settings)}
    checked = {}
    for key, value in with_new_names(found).items():
        if key not in known:
            raise InputError(f"{path}: there is no setting {key!r}, --help-all lists them")
        try:
            checked[key] = parser.parse_object({key: value}, defaults=False)[key]
        except (jsonargparse.ArgumentError, argparse.ArgumentTypeError) as error:
            must = expected(hints[key])
            raise InputError(f"{path}: {key} must be {must} (got {value!r})") from error
    return checked


def expected(hint: Any) -> str:
    """A type in plain words: 'relative, mean or gatys', 'a whole number'."""
    hint = _without_none(hint)
    if get_origin(hint) is Literal:
        *most, last = map(str, get_args(hint))
        return f"{', '.join(most)} or {last}" if most else last
    if get_origin(hint) is list:
        return "a list of numbers" if get_args(hint) == (float,) else "a list of words"
    return KINDS[hint]


def to_yaml(settings: Any) -> str:
    """Settings as YAML that `--config` reads back."""
    return yaml.safe_dump(asdict(settings), sort_keys=False)


def _why_refused(error: Exception, settings: type[Settings]) -> str:
    text = " ".join(str(error).split())
    if found := REFUSED.search(text):
        key, value = found.groups()
        must = expected(get_type_hints(settings)[key])
        return f"{flag(key)} must be {must} (got {value!r})"
    return f"{text} (see --help)"


def _distance(settings: type[Settings], name: str) -> int:
    """Of the class that first has a field: 0 for its own, more for what it inherits or changes."""
    declared = (name in get_annotations(kind) for kind in settings.__mro__)
    return max(place for place, here in enumerate(declared) if here)


def _add_files(parser: jsonargparse.ArgumentParser, presets: str | None) -> None:
    if presets:
        names = ", ".join(preset_names(presets))
        parser.add_argument("--preset", help=f"settings that come with impasto: {names}")
    parser.add_argument("--config", action="append", help="YAML of settings; flags win over it")


def _add(group: Any, item: Field[Any], hint: Any, *, hidden: bool = False) -> None:
    meta: dict[str, Any] = {"help": argparse.SUPPRESS if hidden else _help(item, hint)}
    if item.metadata.get("positional"):
        group.add_argument(item.name, nargs="*", type=str, default=[], **meta)
        return
    meta["default"] = item.default
    inner = _without_none(hint)
    if hint is not bool:
        meta["metavar"] = METAVARS.get(inner, item.name.split("_")[-1].upper())
    if hint is bool:
        meta["action"] = jsonargparse.ActionYesNo(no_prefix="no-")
    elif get_origin(inner) is list:
        each = _number if get_args(inner) == (float,) else str
        several = {"action": "append"} if item.metadata.get("repeated") else {"nargs": "+"}
        meta |= {"type": each, **several}
    else:
        meta["type"] = hint
    group.add_argument(*item.metadata.get("short", ()), flag(item.name), **meta)


def _help(item: Field[Any], hint: Any) -> str:
    text = str(item.metadata["help"])
    if get_origin(hint) is Literal:
        text += f": {', '.join(map(str, get_args(hint)))}"
    shown = item.default is not None and hint is not bool and not item.metadata.get("positional")
    return f"{text} [{item.default}]" if shown else text


def _without_none(hint: Any) -> Any:
    """int for int | None."""
    return get_args(hint)[0] if NoneType in get_args(hint) else hint


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        message = f"{text} is not a number: put spaces between numbers"
        raise argparse.ArgumentTypeError(message) from error


def _at_home(value: Any) -> Any:
    """With the home for a leading `~`, which shells do not see in YAML or in `--output=~/x`."""
    if isinstance(value, list):
        return [_at_home(item) for item in value]
    return os.path.expanduser(value) if isinstance(value, str) else value


class _Wide(argparse.RawDescriptionHelpFormatter):
    """A description as it stands, and lines of 100 columns whatever the terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=100)
