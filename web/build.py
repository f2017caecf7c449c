"""Build the static page in build/web: `make web`.

Any host for files can serve it. The page's own files are taken as they are; this adds the shipped
styles with their previews, the network for any painting, ONNX Runtime from node_modules, and the
list for the service worker.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

from impasto.images.io import sample_photos
from impasto.inference.any_style import ANY, encoder_of
from impasto.inference.hub import find_model
from impasto.web.catalog import describe, find_styles, preview
from impasto.web.server import SAMPLE

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "src/impasto/web/page"
RUNTIME = ROOT / "web/node_modules/onnxruntime-web"
NEEDED = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]
NOTICE = """ONNX Runtime Web {version}, MIT license, Copyright (c) Microsoft Corporation.
https://github.com/microsoft/onnxruntime; integrity of the npm package: {integrity}
"""


def build(folder: Path) -> list[str]:
    """Fill an empty or missing folder; returns the names of the files."""
    shutil.copytree(PAGE, folder)
    styles = find_styles()
    (folder / "styles").mkdir()
    (folder / "styles.json").write_text(json.dumps([describe(style) for style in styles]))
    for style in styles:
        (folder / "styles" / f"{style.name}.jpg").write_bytes(preview(style.path))
        shutil.copyfile(style.path, folder / "styles" / f"{style.name}.onnx")
    for path in (find_model(ANY), encoder_of(find_model(ANY))):
        shutil.copyfile(path, folder / "styles" / path.name)
    [sample] = [path for path in sample_photos() if path.stem == SAMPLE]
    shutil.copyfile(sample, folder / "sample.jpg")
    add_runtime(folder / "ort")
    (folder / ".nojekyll").touch()  # or GitHub Pages would look for names that begin with _
    return list_for_worker(folder)


def add_runtime(folder: Path) -> None:
    """ONNX Runtime as npm has it, which checked it against package-lock.json."""
    folder.mkdir()
    for name in NEEDED:
        shutil.copyfile(RUNTIME / "dist" / name, folder / name)
    lock = json.loads((ROOT / "web/package-lock.json").read_text())
    entry = lock["packages"]["node_modules/onnxruntime-web"]
    (folder / "NOTICE.txt").write_text(NOTICE.format(**entry))


def list_for_worker(folder: Path) -> list[str]:
    """Tell sw.js what to keep, and a fingerprint of it all."""
    worker = folder / "sw.js"
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != worker]
    kept = [path for path in paths if path.name not in ("index.html", ".nojekyll", "NOTICE.txt")]
    files = ["./", *(path.relative_to(folder).as_posix() for path in kept)]
    fingerprint = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]
    text = worker.read_text()
    for line, value in (('FILES = ["./"]', files), ('VERSION = "none"', fingerprint)):
        assert line in text, f"sw.js lacks {line}"
        text = text.replace(line, f"{line.split(' = ')[0]} = {json.dumps(value)}")
    worker.write_text(text)
    return files


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build/web"
    if target.exists():
        shutil.rmtree(target)
    names = build(target)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"{target}: {len(names)} files, {size / 1e6:.1f} MB")
