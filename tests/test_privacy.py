"""Nothing is sent, and nothing is written that was not asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from graphs import save_negative
from PIL import Image

ROOT = Path(__file__).parents[1]
WAYS = {
    "import": "import impasto; impasto.Stylizer('negative.onnx')",
    "a module": "from impasto.inference.stylizer import Stylizer; Stylizer('negative.onnx')",
    "stylize.py": "import stylize; stylize.main(['--model', 'negative.onnx', 'a.png'])",
    "stylize.py with OpenVINO": "import stylize; stylize.main(['--model', 'negative.onnx', 'a.png',"
    " '--backend', 'openvino'])",
    "export": "import impasto.export.onnx_export, onnxruntime",
    "the speed of others": f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r});"
    "import stylize_speed, onnxruntime",
}


def run(code: str, folder: Path, **more: str) -> str:
    """Python in `folder`, whose home is an empty one beside it."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ORT_", "XDG_"))}
    places = {"HOME": str(home), "USERPROFILE": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        env=kept | places | more,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("way", WAYS)
def test_a_fresh_home_stays_empty(way: str, tmp_path: Path) -> None:
    save_negative(tmp_path / "negative.onnx")
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    run(WAYS[way], tmp_path)
    assert list((tmp_path / "home").rglob("*")) == []


def test_openvino_does_not_tell_of_its_import(tmp_path: Path) -> None:
    """Of all that is imported, what sends is not; and others may import it afterwards."""
    save_negative(tmp_path / "negative.onnx")
    code = """
from impasto import Stylizer
session = Stylizer("negative.onnx", backend="openvino").session
sender = [name for name in sys.modules if name.startswith("openvino_telemetry")]
print("openvino" in sys.modules, type(session).__name__, sender)
import openvino_telemetry
"""
    pytest.importorskip("openvino_telemetry")
    assert run(code, tmp_path).splitlines()[-1] == "True OpenVINOSession []"


def test_who_wants_it_may_have_it(tmp_path: Path) -> None:
    code = "import impasto, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    assert run(code, tmp_path) == "1\n"
    assert run(code, tmp_path, ORT_DISABLE_TELEMETRY="0") == "0\n"
