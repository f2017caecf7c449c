"""Every setting of a run: one frozen dataclass a command, from which flags and YAML are made."""

import argparse
from collections.abc import Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import jsonargparse
import yaml

from impasto.errors import InputError

S = TypeVar("S")


def _setting(default: Any, help_text: str, **more: Any) -> Any:
    """A field with what its flag needs: help, `group` (heading until the next), `least`, `most`."""
    return field(default=default, metadata={"help": help_text, **more})


@dataclass(frozen=True, kw_only=True)
class _Settings:
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


@dataclass(frozen=True, kw_only=True)
class TrainSettings(_Settings):
    """What `train.py` takes."""

    style: str = _setting(
        "starry.jpg", "painting: a file, or a name in data/styles", group="what to learn"
    )
    photos: str | None = _setting(
        None, "folder of photographs, or 'samples' [data/coco/train2014, else samples]"
    )
    name: str | None = _setting(None, "what to call the style [the painting's file name]")
    output_dir: str | None = _setting(None, "where everything goes [checkpoints/NAME]")
    init: str | None = _setting(None, "start from this .ckpt, or from checkpoints/INIT/last.ckpt")

    encoder: str | None = _setting(
        None,
        "vgg16, vgg16-features, vgg19, lite or FILE.safetensors [vgg16 if at hand, else lite]",
        group="by which measure",
    )
    content_layers: list[str] | None = _setting(None, "content taps [by encoder, see README]")
    style_layers: list[str] | None = _setting(None, "style taps [by encoder, see README]")
    content_layer_weights: list[float] | None = _setting(None, "one a content tap [1]")
    style_layer_weights: list[float] | None = _setting(None, "one a style tap [1]")
    content_weight: float = _setting(1.0, "weight of the content term", least=0)
    style_weight: float = _setting(1.5, "weight of the style term", least=0)
    tv_weight: float = _setting(10.0, "weight of total variation", least=0)
    normalization: Literal["relative", "mean", "johnson", "gatys"] = _setting(
        "relative", "scale of the weights, see impasto.losses"
    )

    steps: int = _setting(40_000, "optimizer steps, photographs are recycled", group="how", least=1)
    batch_size: int = _setting(4, "photographs a step and device", least=1)
    image_size: int = _setting(256, "side of the square crops, pixels", least=32)
    style_size: int | None = _setting(None, "the painting's short side [1.5x image size]", least=32)
    shift: int = _setting(8, "random shift before the encoder, pixels, against grids", least=0)
    width: int = _setting(32, "channels of the network at full resolution", least=1)
    upsampling: Literal["bilinear", "nearest"] = _setting("bilinear", "before the last layers")
    lr: float = _setting(1e-3, "learning rate of Adam", least=0)
    schedule: Literal["cosine", "constant"] = _setting("cosine", "of the learning rate")
    warmup: int = _setting(50, "steps over which the learning rate rises", least=0)
    clip: float = _setting(1.0, "largest norm of the gradient, 0 for any", least=0)
    seed: int = _setting(0, "of weights, order, crops", least=0)

    accelerator: str = _setting("auto", "cpu, gpu, mps, auto", group="on what")
    devices: int = _setting(1, "processes or GPUs on each node", least=1)
    nodes: int = _setting(1, "machines", least=1)
    precision: Literal["auto", "32", "bf16"] = _setting("auto", "auto asks the processor")
    workers: int | None = _setting(None, "processes that load photographs [by cores]", least=0)

    checkpoint_every: int = _setting(
        500, "steps between checkpoints, each with its .onnx", group="while it runs", least=1
    )
    preview_every: int = _setting(250, "steps between previews in TensorBoard", least=1)
    resume: Literal["auto", "none"] = _setting("auto", "go on where a run ended, or start anew")


@dataclass(frozen=True, kw_only=True)
class StylizeSettings(_Settings):
    """What `stylize.py` takes."""

    photos: list[str] = field(
        default_factory=list,
        metadata={"help": "photographs or folders of them [a sample]", "positional": True},
    )
    model: str = _setting("starry", "NAME in checkpoints/ or FILE.onnx")
    output: str | None = _setting(None, "file, or folder for several [beside each photo]")
    overwrite: bool = _setting(False, "replace pictures that exist")
    size: int | None = _setting(None, "short side of the result, pixels [the photo's]", least=16)
    quality: int = _setting(95, "of JPEG and WebP, 1..100", least=1, most=100)
    threads: int | None = _setting(None, "of ONNX Runtime [by cores]", least=1)


def parse(settings: type[S], argv: Sequence[str] | None = None, *, description: str) -> S:
    """Read flags and `--config` files; flags win, then the last file.

    Raises:
        InputError: an unknown key, a wrong type, a number out of range; names file and key.
        SystemExit: after `--help`.
    """
    parser = make_parser(settings, description=description)
    try:
        for path in parser.parse_args(argv).config or []:
            _apply_config(path, parser, get_type_hints(settings))
        values = parser.parse_args(argv)
    except jsonargparse.ArgumentError as error:
        raise InputError(f"{' '.join(str(error).split())} (see --help)") from error
    return settings(**{key: value for key, value in values.items() if key != "config"})


def make_parser(settings: type[Any], *, description: str) -> jsonargparse.ArgumentParser:
    """A parser with a kebab-case flag a field, under the headings of the dataclass."""
    parser = jsonargparse.ArgumentParser(
        description=description, exit_on_error=False, formatter_class=_Compact
    )
    parser.add_argument("--config", action="append", help="YAML file of settings; flags win")
    hints = get_type_hints(settings)
    group: Any = parser
    for item in fields(settings):
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
        group.add_argument(_flag(item), action=jsonargparse.ActionYesNo(no_prefix=None), **meta)  # type: ignore[arg-type]
        return
    if get_origin(hint) is Literal:
        meta["help"] += f": {', '.join(get_args(hint))}"
    if item.default is not None:
        meta["help"] += f" [{item.default}]"
    if "list" in str(hint):
        meta |= {"nargs": "+", "type": float if "float" in str(hint) else str}
    else:
        meta["type"] = hint
    names = ["-o", _flag(item)] if item.name == "output" else [_flag(item)]
    group.add_argument(*names, **meta)


def _flag(item: Field[Any]) -> str:
    return "--" + item.name.replace("_", "-")


def _apply_config(path: str, parser: jsonargparse.ArgumentParser, hints: dict[str, Any]) -> None:
    try:
        given = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"cannot read --config {path} ({why}): give a YAML file") from error
    if not isinstance(given, dict):
        raise InputError(f"{path} holds no settings: write lines like `steps: 500`")
    for key, value in given.items():
        if key not in hints:
            raise InputError(f"{path}: there is no setting {key!r}, --help lists them")
        try:
            parser.set_defaults({key: parser.parse_object({key: value}, defaults=False)[key]})
        except jsonargparse.ArgumentError as error:
            kind = hints[key].__name__ if isinstance(hints[key], type) else hints[key]
            raise InputError(f"{path}: {key} is {value!r}: give {kind}") from error


class _Compact(argparse.RawDescriptionHelpFormatter):
    """One line a flag: the help texts already tell type and default."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=100)

    def _format_usage(self, *args: Any, **kwargs: Any) -> str:
        return f"usage: {self._prog} [flags]\n\n"

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{', '.join(action.option_strings)} {action.dest.split('.')[-1].upper()}"
