"""What each layer knows: content alone and style alone, from noise (Gatys et al. 2016, Fig. 1).

Content is reconstructed from one layer at a time, style from a layer and all those before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from torch import Tensor

from impasto.analysis.figures import draw_sheet
from impasto.analysis.numbers import write_csv
from impasto.analysis.pictures import find_photograph, first_layers
from impasto.analysis.progress import Tick, portion, silent
from impasto.config.analysis import ReconstructSettings
from impasto.config.settings import LossSettings
from impasto.data.locate import find_style
from impasto.data.tensors import to_rgb, to_tensor
from impasto.gatys.multiscale import Lowest, start_image
from impasto.gatys.optimize import Progress, optimize
from impasto.images.io import RGB, load_image
from impasto.losses.build import build_loss, resolve_encoder
from impasto.losses.perceptual import PerceptualLoss
from impasto.models.vgg import EncoderWeights
from impasto.system import find_device

Kind = Literal["content", "style"]


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """The picture with the lowest loss, the loss of the noise before it, and how far it is off.

    `error` is the root mean square difference from the original, in units of [0,1]; of no meaning
    for style, which has no places.
    """

    kind: Kind
    layers: list[str]
    noise: float
    best: Progress
    error: float


def run(settings: ReconstructSettings, *, tick: Tick = silent) -> list[Reconstruction]:
    """Reconstruct layer by layer; writes reconstruct.png and reconstruct.csv.

    Raises:
        InputError: something named is not there, or the encoder lacks a layer.
    """
    files: dict[Kind, Path] = {
        "content": find_photograph(settings.photo),
        "style": find_style(settings.style),
    }
    images = {kind: load_image(file, short_side=settings.size) for kind, file in files.items()}
    _, weights = resolve_encoder(LossSettings(encoder=settings.encoder))
    layers = settings.layers or first_layers(weights)
    jobs: list[tuple[Kind, list[str]]] = [("content", [layer]) for layer in layers]
    jobs += [("style", layers[: depth + 1]) for depth in range(len(layers))]
    device, made = find_device(settings.accelerator), list[Reconstruction]()
    for kind, chosen in jobs:
        loss = alone(kind, layers=chosen, weights=weights, tv_weight=settings.tv_weight).to(device)
        image = to_tensor(images[kind]).to(device)
        part = portion(tick, len(made), len(jobs), name=f"{kind} of {chosen[-1]}")
        noise, best = reconstruct(
            loss, image, iterations=settings.iterations, seed=settings.seed, tick=part
        )
        error = float((best.image - image).square().mean().sqrt())
        made.append(Reconstruction(kind=kind, layers=chosen, noise=noise, best=best, error=error))
    folder = Path(settings.output)
    write_csv(folder / "reconstruct.csv", [_numbers(each) for each in made])
    title = f"{weights.name}, {settings.iterations} iterations from noise"
    _draw(made, files, images, title=title, path=folder / "reconstruct.png")
    return made


def alone(
    kind: Kind, *, layers: Sequence[str], weights: EncoderWeights, tv_weight: float = 0.0
) -> PerceptualLoss:
    """A loss that looks at the content, or at the style, at some layers, and at nothing else."""
    is_style = kind == "style"
    settings = LossSettings(
        content_layers=[layers[0]]
        if is_style
        else list(layers),  # whatever it is, it weighs nothing
        style_layers=list(layers) if is_style else [],
        content_weight=float(not is_style),
        style_weight=float(is_style),
        tv_weight=tv_weight,
        content_match="features",  # what a layer knows, contrast and all
    )
    return build_loss(settings, weights)


def reconstruct(
    loss: PerceptualLoss,
    image: Tensor,
    *,
    iterations: int,
    seed: int = 0,
    tick: Tick = silent,
) -> tuple[float, Progress]:
    """Look for an image, (1, 3, H, W) in [0,1], from noise, by what `loss` sees of it.

    Returns:
        The loss of the noise, and the best that was found.
    """
    if loss.style_layers:
        loss.set_style(image)
    start = start_image("noise", content=image, style=image, seed=seed)
    steps = optimize(loss, content=image, start=start, iterations=iterations)
    noise, lowest = next(steps), Lowest()
    for now in chain([noise], steps):
        lowest(now)
        tick(now.iteration, now.iterations, f"iteration {now.iteration}, loss {now.total:.4g}")
    assert lowest.best is not None
    return noise.total, lowest.best


def _draw(
    made: Sequence[Reconstruction],
    files: Mapping[Kind, Path],
    images: Mapping[Kind, RGB],
    *,
    title: str,
    path: Path,
) -> None:
    cells, columns = [], []
    for kind, file in files.items():
        row = [each for each in made if each.kind == kind]
        cells.append([images[kind], *(to_rgb(each.best.image) for each in row)])
        columns.append(
            [file.name, *("… " * (len(each.layers) > 1) + each.layers[-1] for each in row)]
        )
    draw_sheet(cells, rows=list(files), columns=columns, title=title, path=path)


def _numbers(made: Reconstruction) -> dict[str, object]:
    layers = " ".join(made.layers)
    error = made.error if made.kind == "content" else ""
    losses = {"noise": made.noise, "loss": made.best.total}
    return {"kind": made.kind, "layers": layers, **losses, "error": error}
