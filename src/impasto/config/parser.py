"""Flags and YAML from dataclasses: a field is a flag, its metadata the help text and the bounds."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import jsonargparse
import yaml

from impasto.config import plain_yaml
from impasto.errors import InputError

S = TypeVar("S")


def setting(default: Any, help_text: str, **more: Any) -> Any:
    """A field with what its flag needs: help, `group` (heading until the next), `least`, `most`."""
    return field(default=default, metadata={"help": help_text, **more})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every command's settings have in common: numbers are within their bounds."""

    def __post_init__(self) -> None:
        """Raise InputError for a number out of range, or for nothing where there must be one."""
        for item in fields(self):
            value, flag = getattr(self, item.name), _flag(item)
            least, most = item.metadata.get("least", -inf), item.metadata.get("most", inf)
            if value is None and item.default is not None:
                raise InputError(f"{flag} is empty: give a value")
            if isinstance(value, int | float) and not least <= value <= most:
                bound = f"most {most}" if value > most else f"least {least}"
                raise InputError(f"{flag} is {value}: give at {bound}")


def parse(settings: type[S], argv: Sequence[str] | None = None, *, description: str) -> S:
    """Read flags and `--config` files; flags win, then the last file.

    Raises:
        InputError: an unknown key, a wrong type, a number out of range; names file and key.
        SystemExit: after `--help`.
    """
    parser = make_parser(settings, description=description)
    try:
        for path in map(_at_home, parser.parse_args(argv).config or []):
            _apply_config(path, parser, get_type_hints(settings))
        values = parser.parse_args(argv)
    except jsonargparse.ArgumentError as error:
        raise InputError(f"{' '.join(str(error).split())} (see --help)") from error
    return settings(**{key: _at_home(value) for key, value in values.items() if key != "config"})


def make_parser(settings: type[Any], *, description: str) -> jsonargparse.ArgumentParser:
    """A parser with a kebab-case flag a field, under its heading; what is inherited comes last."""
    parser = jsonargparse.ArgumentParser(
        description=description, exit_on_error=False, formatter_class=_Compact
    )
    help_text = "YAML of settings; flags win, --no-FLAG too"
    parser.add_argument("--config", action="append", help=help_text)
    hints = get_type_hints(settings)
    group: Any = parser
    own = settings.__annotations__
    for item in sorted(fields(settings), key=lambda item: item.name not in own):
        if heading := item.metadata.get("group"):
            group = parser.add_argument_group(heading)
        _add_flag(group, item, hints[item.name])
    return parser


def to_yaml(settings: Any) -> str:
    """Settings as YAML that `--config` reads back."""
    return yaml.safe_dump(asdict(settings), sort_keys=False)


def _add_flag(group: Any, item: Field[Any], hint: Any) -> None:
    meta: dict[str, Any] = {"help": item.metadata["help"], "default": item.default}
    if item.metadata.get("positional"):
        group.add_argument(item.name, nargs="*", type=str, default=[], help=meta["help"])
        return
    if hint is bool:
        group.add_argument(_flag(item), action=jsonargparse.ActionYesNo(no_prefix="no-"), **meta)
        return
    if get_origin(hint) is Literal:
        meta["help"] += f": {', '.join(get_args(hint))}"
    if item.default is not None:
        meta["help"] += f" [{item.default}]"
    if "list" in str(hint):
        meta |= {"nargs": "+", "type": _number if "float" in str(hint) else str}
    else:
        meta["type"] = hint
    names = ["-o", _flag(item)] if item.name == "output" else [_flag(item)]
    group.add_argument(*names, **meta)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        message = f"{text} is no number: put spaces between numbers"
        raise argparse.ArgumentTypeError(message) from error


def _at_home(value: Any) -> Any:
    """With the home for a leading `~`, which shells do not see in YAML or in `--output=~/x`."""
    if isinstance(value, list):
        return [_at_home(item) for item in value]
    return os.path.expanduser(value) if isinstance(value, str) else value


def _flag(item: Field[Any]) -> str:
    return "--" + item.name.replace("_", "-")


def _apply_config(path: str, parser: jsonargparse.ArgumentParser, hints: dict[str, Any]) -> None:
    try:
        given = plain_yaml.read(Path(path)) or {}
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"cannot read --config {path} ({why}): give a YAML file") from error
    if not isinstance(given, dict):
        raise InputError(f"{path} holds no settings: write lines like `steps: 500`")
    for key, value in given.items():
        if key not in hints:
            raise InputError(f"{path}: there is no setting {key!r}, --help lists them")
        try:
            parser.set_defaults({key: parser.parse_object({key: value}, defaults=False)[key]})
        except (jsonargparse.ArgumentError, argparse.ArgumentTypeError) as error:
            kind = hints[key].__name__ if isinstance(hints[key], type) else hints[key]
            raise InputError(f"{path}: {key} is {value!r}: give {kind}") from error


class _Compact(argparse.RawDescriptionHelpFormatter):
    """One line a flag: the help texts already tell type and default."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=100)

    def _format_usage(self, *args: Any, **kwargs: Any) -> str:
        return f"usage: {self._prog} [flags]\n\n"

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if isinstance(action, jsonargparse.ActionYesNo):
            return action.option_strings[0]
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{', '.join(action.option_strings)} {action.dest.split('.')[-1].upper()}"
