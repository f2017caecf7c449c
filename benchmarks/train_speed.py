"""How fast is a training step, against the textbook's? Ratios within one run.

    python benchmarks/train_speed.py

Rows: the textbook (benchmarks/textbook.py); our step with an encoder of the same size, in float32
and in what `--precision auto` takes here; the same with `lite`. Data, logging and Lightning are
left out on both sides. Both keep freed memory (impasto.system), which helps the textbook too.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from textbook import VGG_BLOCKS, Training
from timing import interleaved, machine, table
from torch import Tensor

from impasto.config.parser import Settings, parse, setting
from impasto.config.settings import TrainSettings
from impasto.losses.build import build_loss
from impasto.models.pretrained import load_weights, random_weights
from impasto.models.transform_net import TransformNet
from impasto.models.vgg import EncoderWeights
from impasto.system import keep_freed_memory, pick_accelerator, pick_precision
from impasto.training.budget import Budget
from impasto.training.module import LearningModule, StyleTransferModule

CLIP = TrainSettings().gradient_clip


@dataclass(frozen=True, kw_only=True)
class SpeedSettings(Settings):
    """What this benchmark takes."""

    size: int = setting(256, "side of the crops, pixels", least=32)
    batch_size: int = setting(4, "photographs a step", least=1)
    repeats: int = setting(5, "of every row, interleaved; the median counts", least=1)
    compile: bool = setting(False, "a row more: torch.compile, with its compile time")


class OurStep:
    """What Lightning does in a step of ours: forward, loss, backward, clipping, optimizer."""

    def __init__(
        self,
        weights: EncoderWeights,
        *,
        precision: str,
        style: Tensor,
        accelerator: str = "auto",
        net: TransformNet | None = None,
    ) -> None:
        """`precision` is 32 or bf16; `net` is by default the one that train.py takes."""
        content, layers = weights.default_layers
        settings = replace(TrainSettings(), content_layers=content, style_layers=layers)
        net = (net or TransformNet()).to(memory_format=torch.channels_last)
        loss = build_loss(settings, weights).to(memory_format=torch.channels_last)
        loss.set_style(style)
        module = StyleTransferModule(net=net, loss=loss, budget=Budget(steps=1))
        self._learn(module, precision=precision, accelerator=accelerator)

    def _learn(self, module: LearningModule, *, precision: str, accelerator: str) -> None:
        self.device = torch.device(pick_accelerator(accelerator))
        self.module = module.to(self.device)
        self.optimizer = self.module.configure_optimizers()["optimizer"]
        self.low = precision == "bf16"

    def given(self, batch: Tensor) -> Any:
        """What the module judges, of photographs (B, 3, H, W)."""
        return batch.to(self.device)

    def compile(self, *, backend: str = "inductor") -> None:
        """Network, loss and encoder by torch.compile, when the next step is taken."""
        loss = self.module.loss
        for part in (self.module.net, loss, loss.encoder):
            part.compile(backend=backend, dynamic=False)

    def enqueue(self, batch: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """One step on (B, 3, H, W) in [0,1], which a GPU may still be at; the loss before it."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.low):
            terms, _ = self.module.judge(self.given(batch), generator=generator)
        self.optimizer.zero_grad()
        terms.total.backward()
        torch.nn.utils.clip_grad_norm_(self.module.learned(), CLIP)
        self.optimizer.step()
        return terms.total.detach()

    def __call__(self, batch: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """`enqueue`, done when it returns."""
        loss = self.enqueue(batch, generator=generator)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return loss


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    settings = parse(SpeedSettings, argv, description=str(__doc__))
    keep_freed_memory()
    torch.manual_seed(0)
    size, count = settings.size, settings.batch_size
    batch, style = torch.rand(count, 3, size, size), torch.rand(1, 3, size, size)
    fast = pick_precision("auto", accelerator=pick_accelerator("auto"))
    vgg = random_weights(name="VGG-16", blocks=VGG_BLOCKS, padding_mode="zeros")
    book, bytes_like = Training(style * 255, batch_size=count), batch * 255
    rows: dict[str, Callable[[], object]] = {"textbook, float32": lambda: book.step(bytes_like)}
    for weights, precision in dict.fromkeys(
        (name, kind) for name in ("VGG-16", "lite") for kind in ("32", fast)
    ):
        encoder = load_weights("lite") if weights == "lite" else vgg
        step = OurStep(encoder, precision=precision, style=style)
        rows[f"ours, {weights}, {precision}"] = lambda step=step: step(batch)
    if settings.compile:
        step = OurStep(load_weights("lite"), precision=fast, style=style)
        step.compile()
        rows[f"ours, lite, {fast}, torch.compile"] = lambda: step(batch)
    seconds = interleaved(rows, repeats=settings.repeats)
    base = seconds["textbook, float32"]
    print(f"{count} × {size}², median of {settings.repeats}; {machine()}\n")
    print(
        table(
            ["a training step", "s", "images/s", "× textbook"],
            [[n, f"{s:.3f}", f"{count / s:.2f}", f"{base / s:.1f}"] for n, s in seconds.items()],
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
