"""Make the network that every style starts from: python -m impasto.base --styles DIR

Learns many paintings in turn, so that `train.py --init FILE` needs minutes for the next one. Ctrl-C
ends it early with a valid file.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from impasto import __version__
from impasto.errors import InputError, train_extra
from impasto.flags import parse, setting
from impasto.memory import keep_freed_memory
from impasto.settings import LossSettings

if TYPE_CHECKING:
    from torch import Tensor

    from impasto.base.turns import Plan
    from impasto.net import TransformNet
    from impasto.vgg import EncoderWeights

PROGRAM = "python -m impasto.base"
SAVE_EVERY = 200  # turns


@dataclass(frozen=True, kw_only=True)
class BaseSettings(LossSettings):
    """What `python -m impasto.base` takes."""

    styles: list[str] | None = setting(
        None, "folders of paintings, taken from in turn [data/styles]", group="what to learn"
    )
    photos: str = setting("data/coco/train2014", "folder of photographs")
    output: str = setting("checkpoints/base/base.onnx", "the network's file")
    init: str | None = setting(None, "start from this .ckpt, .onnx or style")

    turns: int = setting(2500, "styles, one after the other", group="how", least=1)
    steps_a_turn: int = setting(8, "optimizer steps towards each", least=1)
    batch_size: int = setting(4, "photographs a step", least=1)
    image_size: int = setting(128, "side of the crops, pixels", least=32)
    style_size: int = setting(256, "side of the paintings' crops, pixels", least=32)
    shift: int = setting(8, "random shift before the encoder, pixels, against grids", least=0)
    width: int = setting(32, "channels of the network at full resolution", least=1)
    lr: float = setting(1e-3, "learning rate of Adam, it falls along a cosine", least=0)
    seed: int = setting(0, "of weights, order, crops", least=0)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    try:
        settings = parse(BaseSettings, argv, description=__doc__)
        with train_extra():
            run(settings)
    except InputError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    return 0


def run(settings: BaseSettings) -> None:
    """Learn, and write the file now and then and at the end."""
    import torch
    from tqdm import tqdm

    from impasto.base.turns import learn_in_turns, recolour
    from impasto.export import export_onnx
    from impasto.losses import LossTerms
    from impasto.sources import build_loss, resolve_encoder

    keep_freed_memory()
    settings, weights = resolve_encoder(settings, say=print)
    net = _net(settings)
    photos = _batches(settings.photos, settings.image_size, settings.batch_size, settings.seed)
    folders = settings.styles or ["data/styles"]
    sources = [_batches(path, settings.style_size, 1, settings.seed + 1) for path in folders]
    styles = (recolour(next(source), seed=turn) for turn, source in enumerate(cycle(sources)))
    output = Path(settings.output)
    output.parent.mkdir(parents=True, exist_ok=True)

    def export(turns: int) -> float:
        about = _about(settings, weights, name=output.stem)
        about["steps"] = str(turns * settings.steps_a_turn)
        return export_onnx(net, output, metadata=about)

    with tqdm(total=settings.turns, dynamic_ncols=True, mininterval=1) as bar:

        def tick(turn: int, terms: LossTerms) -> None:
            bar.set_postfix({name: f"{float(term):.3f}" for name, term in terms._asdict().items()})
            bar.update()
            if bar.n % SAVE_EVERY == 0:
                export(bar.n)

        loss = build_loss(settings, weights).to(memory_format=torch.channels_last)
        with suppress(KeyboardInterrupt):
            learn_in_turns(net, loss, plan=_plan(settings), styles=styles, photos=photos, tick=tick)
    print(f"{output} after {bar.n} turns is within {export(bar.n):.1e} of the network")


def _net(settings: BaseSettings) -> "TransformNet":
    import torch

    from impasto.net import TransformNet
    from impasto.parameters import initialise

    torch.manual_seed(settings.seed)
    net = TransformNet(width=settings.width).to(memory_format=torch.channels_last)
    if settings.init:
        initialise(net, settings.init)
    return net


def _plan(settings: BaseSettings) -> "Plan":
    from impasto.base.turns import Plan

    return Plan(
        turns=settings.turns,
        steps_a_turn=settings.steps_a_turn,
        lr=settings.lr,
        shift=settings.shift,
    )


def _about(settings: BaseSettings, weights: "EncoderWeights", *, name: str) -> dict[str, str]:
    from impasto.hardware import processor_name

    return {
        "name": name,
        "settings": json.dumps(asdict(settings)),
        "encoder": weights.name,
        "encoder_sha256": weights.sha256,
        "hardware": processor_name(),
        "impasto": __version__,
    }


def _batches(folder: str, size: int, batch_size: int, seed: int) -> "Iterator[Tensor]":
    from torch.utils.data import DataLoader

    from impasto.images import find_images
    from impasto.photos import Draws, PhotoFolder

    paths = find_images(folder)
    if not paths:
        raise InputError(f"no pictures in {folder}: name a folder that has some")
    crops = PhotoFolder(paths=paths, size=size, seed=seed)
    loader = DataLoader(crops, batch_size=batch_size, sampler=Draws(), num_workers=1)
    for batch in loader:
        crops.check()
        yield batch.float() / 255


if __name__ == "__main__":
    sys.argv[0] = PROGRAM  # what --help calls it
    sys.exit(main())
