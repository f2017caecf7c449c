"""How close to the limit? Operations and bytes counted, rates measured, the two floors.

    python benchmarks/floors.py

Operations are those of torch.utils.flop_counter (a multiplication and an addition are two). Bytes
are what eager operators read and write, views left out: an upper bound, fused code moves less.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from textbook import VGG_BLOCKS
from timing import interleaved, machine, table
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from impasto.config.parser import Settings, parse, setting
from impasto.models.pretrained import load_weights, random_weights
from impasto.models.transform_net import TransformNet
from impasto.models.vgg import EncoderWeights, VGGEncoder
from impasto.system import has_fast_bf16

SIDE = 2048  # of the matrices that are multiplied


@dataclass(frozen=True, kw_only=True)
class FloorSettings(Settings):
    """What this benchmark takes."""

    size: int = setting(256, "side of the picture, pixels", least=32)


class Traffic(TorchDispatchMode):
    """Counts the bytes of the tensors that operators take and give."""

    def __init__(self) -> None:
        """Nothing yet."""
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run it and count."""
        made = func(*args, **(kwargs or {}))
        tensors = {id(t): t for t in tree_leaves((args, kwargs, made)) if isinstance(t, Tensor)}
        if not func.is_view:
            self.bytes += sum(t.nbytes for t in tensors.values())
        return made


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    settings = parse(FloorSettings, argv, description=str(__doc__))
    rates = measure_rates()
    rows = []
    for name, work in parts(settings.size).items():
        flops, moved = count(work)
        cells = [f"{flops / 1e9:.1f}", f"{moved / 1e6:.0f}"]
        floors = [flops / rate for key, rate in rates.items() if key != "copy"]
        floors.append(moved / rates["copy"])
        rows.append([name, *cells, *(f"{1000 * floor:.0f}" for floor in floors)])
    kinds = [f"ms at {rate / 1e9:.0f} GFLOP/s ({k})" for k, rate in rates.items() if k != "copy"]
    head = [f"an image of {settings.size}²", "GFLOP", "MB, float32", *kinds]
    print(f"{machine()}\n")
    print(table([*head, f"ms at {rates['copy'] / 1e9:.0f} GB/s (copy)"], rows))
    return 0


def parts(size: int) -> dict[str, Callable[[], object]]:
    """What a step and a picture are made of."""
    image = torch.rand(1, 3, size, size)
    work: dict[str, Callable[[], object]] = {}
    for width in (32, 16):
        net = TransformNet(width=width)
        work[f"net, width {width}, forward"] = _without_gradient(net, image)
        work[f"net, width {width}, forward and backward"] = lambda net=net: (
            net(image).sum().backward()
        )
    vgg = random_weights(name="VGG-16", blocks=VGG_BLOCKS, padding_mode="zeros")
    for name, weights in (("VGG-16", vgg), ("lite", load_weights("lite"))):
        work |= _encoder_parts(name, weights, image)
    return work


def _encoder_parts(
    name: str, weights: EncoderWeights, image: Tensor
) -> dict[str, Callable[[], object]]:
    content, style = weights.default_layers
    raw = [
        layer if layer.endswith(":raw") or layer not in weights.projections else layer + ":raw"
        for layer in style
    ]
    encoder = VGGEncoder(weights=weights, layers=[*content, *raw])
    pixels = image.clone().requires_grad_()

    def learn() -> None:
        features = encoder(pixels, [*content, *raw])
        torch.stack([feature.sum() for feature in features.values()]).sum().backward()

    return {
        f"{name}, content batch to its layer": _without_gradient(
            lambda x: encoder(x, content), image
        ),
        f"{name}, stylized batch, forward": _without_gradient(lambda x: encoder(x, raw), image),
        f"{name}, stylized batch, forward and back to the pixels": learn,
    }


def _without_gradient(run: Callable[[Tensor], object], image: Tensor) -> Callable[[], object]:
    def call() -> object:
        with torch.no_grad():
            return run(image)

    return call


def count(work: Callable[[], object]) -> tuple[int, int]:
    """Operations and bytes."""
    with FlopCounterMode(display=False) as flops:
        work()
    with Traffic() as traffic:
        work()
    return flops.get_total_flops(), traffic.bytes


def measure_rates() -> dict[str, float]:
    """FLOP/s of matrix products by precision, and bytes/s of a copy, read and write."""
    kinds = {"float32": torch.float32}
    if has_fast_bf16("cpu"):
        kinds["bf16"] = torch.bfloat16
    squares = {name: torch.rand(SIDE, SIDE).to(kind) for name, kind in kinds.items()}
    rows: dict[str, Callable[[], object]] = {n: lambda m=m: m @ m for n, m in squares.items()}
    source = torch.rand(1 << 26)
    target = torch.empty_like(source)
    rows["copy"] = lambda: target.copy_(source)
    seconds = interleaved(rows, repeats=5)
    work = dict.fromkeys(squares, 2.0 * SIDE**3) | {"copy": 2.0 * source.nbytes}
    return {name: work[name] / seconds[name] for name in seconds}


if __name__ == "__main__":
    sys.exit(main())
