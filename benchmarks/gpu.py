"""Wherever a GPU is at hand, this first: speed, then style after style, until the time is up.

With --any DIR, a folder of many paintings, a network for any painting learns before the styles.

    python benchmarks/gpu.py --photos DIR --paintings DIR --minutes 8

Everything is under --output: report.md, a JSON a piece, styles/NAME/NAME.onnx, its sheet NAME.jpg.
The same command goes on where the last one ended; remove a piece's JSON to have it made again. If
the environment variable OUT names a folder, gpu.zip of all that is put there after every piece, to
be unpacked in --output elsewhere.

To try it without a GPU: --accelerator cpu --miniature
"""

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gpu_speed
import gpu_styles
import gpu_training
import onnxruntime
import pytorch_lightning
import torch
from gpu_speed import FULL, MINIATURE
from gpu_training import IMAGES
from pieces import Piece, read, run_all
from timing import table

from impasto.config.parser import Settings, parse, setting
from impasto.data.locate import style_name
from impasto.errors import InputError
from impasto.files import write_atomically
from impasto.images.io import find_images, sample_photos
from impasto.inference.any_style import ANY
from impasto.models.pretrained import load_weights
from impasto.system import pick_accelerator, processor_name

ROOT = Path(__file__).parents[1]
MARGIN = 8  # s of the minutes: imports before they are counted, the report after the last piece
SHARE = 0.4  # of the minutes, at most, until the first style begins
LIMIT = 90  # s that one of the others may take
LEAST_STYLE = 60  # s that a style is begun for
HOME = ("*.json", "*.md", *(f"styles/*/*.{kind}" for kind in ("onnx", "jpg", "yaml", "json")))


@dataclass(frozen=True, kw_only=True)
class GpuSettings(Settings):
    """What this script takes."""

    minutes: float = setting(8.0, "all of it takes at most", least=0.5)
    style_minutes: float = setting(2.0, "a style learns", least=0.01)
    photos: str | None = setting(None, "folder of photographs [the samples]")
    paintings: str = setting("data/styles", "folder of paintings, learned in order")
    any: str | None = setting(None, "folder of paintings for a network for any painting [none]")
    any_minutes: float = setting(2.0, "that network learns", least=0.01)
    any_recipe: str | None = setting(None, "YAML of train-any for it [its defaults]")
    encoder: str = setting("vgg19-features", "of the styles, as in train.py")
    recipe: str | None = setting(None, "YAML of train.py for them [its defaults]")
    output: str | None = setting(None, "folder [build/gpu, or build/gpu-miniature]")
    commit: str | None = setting(None, "what runs [asks git]")
    accelerator: str = setting("auto", "gpu, or cpu with --miniature")
    miniature: bool = setting(False, "everything tiny, to try the script; no figure counts")


def main(argv: list[str] | None = None) -> int:
    """Run what is left to do, print the report; returns the exit code."""
    try:
        settings = parse(GpuSettings, argv, description=str(__doc__))
        deadline = time.time() + 60 * settings.minutes - MARGIN
        device = pick_accelerator(settings.accelerator)
        if device != "cuda" and not (device == "cpu" and settings.miniature):
            raise InputError("there is no GPU here: --accelerator cpu --miniature tries the script")
        output = Path(settings.output or f"build/gpu{'-miniature' * settings.miniature}")
        output.mkdir(parents=True, exist_ok=True)
        pieces = list(plan(settings, device=device, output=output, deadline=deadline))
        about, say = machine(settings, device), partial(print, flush=True)
        for _ in run_all(pieces, output, about=about, deadline=deadline, say=say):
            finish(output)
        print(finish(output))
    except InputError as error:
        print(f"gpu.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gpu.py: stopped; the same command goes on", file=sys.stderr)
        return 130
    return 0


def plan(settings: GpuSettings, *, device: str, output: Path, deadline: float) -> Iterator[Piece]:
    """All pieces, in order.

    Raises:
        InputError: photographs, paintings or the encoder are not there.
    """
    photos = find_images(settings.photos) if settings.photos else sample_photos()
    paintings = find_images(settings.paintings)
    if not photos or not paintings:
        raise InputError("no images there: name folders by --photos and --paintings")
    load_weights(settings.encoder)
    scale = MINIATURE if settings.miniature else FULL
    until = time.time() + SHARE * 60 * settings.minutes
    piece = Piece if settings.miniature else partial(Piece, until=until, seconds=LIMIT)
    shared = {"device": device, "scale": scale}
    yield piece(name="train-eager", work=partial(gpu_training.train_eager, **shared))
    yield piece(name="train-graphs", work=partial(gpu_training.train_graphs, **shared))
    yield piece(name="train-any", work=partial(gpu_training.train_any, **shared))
    yield piece(name="stylizing", work=partial(gpu_speed.stylizing, **shared))
    yield piece(name="loading", work=partial(gpu_speed.loading, photos=photos, scale=scale))
    for batch in scale.batches:
        work = partial(gpu_training.train_compiled, **shared, batch=batch)
        yield piece(name=f"train-compiled-{batch}", work=work)
    flags = ["--encoder", settings.encoder, "--accelerator", settings.accelerator]
    flags += ["--photos", settings.photos or "samples"]
    if settings.any:
        yield learn_any(settings, flags, output=output, deadline=deadline)
    flags += ["--config", settings.recipe] if settings.recipe else []
    flags += gpu_styles.MINIATURE if settings.miniature else []
    for painting in paintings:
        name = style_name(painting)
        work = partial(
            gpu_styles.learn,
            painting=painting,
            folder=output / "styles" / name,
            flags=flags,
            minutes=settings.style_minutes,
            deadline=deadline,
        )
        least = 0 if settings.miniature else LEAST_STYLE
        yield Piece(name=f"style-{name}", work=work, grace=15, least=least)


def learn_any(settings: GpuSettings, flags: list[str], *, output: Path, deadline: float) -> Piece:
    """The piece that learns any painting."""
    recipe = ["--config", settings.any_recipe] if settings.any_recipe else []
    work = partial(
        gpu_styles.learn_any,
        paintings=settings.any,
        folder=output / "styles" / ANY,
        flags=[*flags, *recipe, *(gpu_styles.MINIATURE_ANY if settings.miniature else [])],
        minutes=settings.any_minutes,
        deadline=deadline,
    )
    return Piece(name=ANY, work=work, grace=15, least=0 if settings.miniature else LEAST_STYLE)


def machine(settings: GpuSettings, device: str) -> dict[str, object]:
    """What it ran on and with."""
    gpu = torch.cuda.get_device_properties(0) if device == "cuda" else None
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    git = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "device": gpu.name if gpu else device,
        "device_gib": round(gpu.total_memory / 2**30, 1) if gpu else None,
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "commit": settings.commit or git.stdout.strip() or "unknown",
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "lightning": pytorch_lightning.__version__,
        "onnxruntime": onnxruntime.__version__,
        "miniature": settings.miniature,
    }


def finish(output: Path) -> str:
    """Write the report, and the zip if it is wanted; returns the report."""
    text = report(output)
    write_atomically(output / "report.md", lambda path: path.write_text(text, encoding="utf-8"))
    if home := os.environ.get("OUT"):
        write_atomically(Path(home) / "gpu.zip", partial(pack, output))
    return text


def pack(output: Path, path: Path) -> None:
    """What is worth taking home, and what unfinished styles need to be gone on with."""
    unfinished = [part.name.removesuffix(".part.json") for part in output.glob("*.part.json")]
    wanted = [*HOME, *(f"styles/{name.removeprefix('style-')}/last.ckpt" for name in unfinished)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted({file for pattern in wanted for file in output.glob(pattern)}):
            archive.write(file, file.relative_to(output))


def report(output: Path) -> str:
    """Tables of everything that is there."""
    found = {path.stem: read(path) for path in sorted(output.glob("*.json"))}
    machines: dict[str, list[str]] = {}
    for name, values in found.items():
        about = ", ".join(f"{key} {value}" for key, value in values["machine"].items())
        machines.setdefault(about, []).append(name)
    lines = [f"{', '.join(names)}: {about}\n" for about, names in machines.items()]
    trained = [r for n in found if n.startswith("train-") for r in found[n].get("rows", [])]
    head = ["a training step", "batch", "images/s", f"s for {IMAGES:,}", "s to the first", "GiB"]
    keys = ["images_per_second", "seconds_for_160000", "seconds_to_the_first", "peak_gib"]
    lines += [table(head, [[row["variant"], row["batch"], *cells(row, keys)] for row in trained])]
    pictures = found.get("stylizing", {}).get("rows", [])
    rows = [[row["variant"], row["side"], *cells(row, ["milliseconds"])] for row in pictures]
    lines += [table(["a picture", "side", "ms"], rows)]
    loaded = found.get("loading", {}).get("rows", [])
    rows = [[row["workers"], row["images_per_second"]] for row in loaded]
    lines += [table(["workers that load", "images/s"], rows)]
    keys = ["steps", "minutes", "images_per_second", "waiting_for_data", "peak_gib", "terms"]
    styles = {name: found[name] for name in found if name == ANY or name.startswith("style-")}
    lines += [table(["", *keys], [[name, *cells(values, keys)] for name, values in styles.items()])]
    failed = {name: values["failed"] for name, values in found.items() if "failed" in values}
    return "\n".join(lines + [f"{name}: {why}" for name, why in failed.items()]) + "\n"


def cells(row: dict[str, object], keys: list[str]) -> list[object]:
    """Values, or why there are none."""
    return [row["failed"]] if "failed" in row else [row.get(key, "") for key in keys]


if __name__ == "__main__":
    sys.exit(main())
