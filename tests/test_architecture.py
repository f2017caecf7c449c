"""What stays light, how long functions get, who prints: what `lint-imports` cannot see."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from graphs import save_negative

ROOT = Path(__file__).parents[1]
HOME = ROOT / "src/impasto"
SOURCES = {path.relative_to(HOME).as_posix(): path for path in sorted(HOME.rglob("*.py"))}
HEAVY = {"torch", "torchvision", "pytorch_lightning", "onnx", "onnxscript", "tensorboard"}


def tree(name: str) -> ast.Module:
    return ast.parse(SOURCES[name].read_text(encoding="utf-8"))


def functions() -> Iterator[tuple[str, int]]:
    for name in SOURCES:
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}.{node.name}", int(node.end_lineno or 0) - node.lineno + 1


def run_python(code: str, folder: Path) -> str:
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()[-1]


def test_a_whole_run_of_stylize_loads_nothing_heavy(tmp_path: Path) -> None:
    save_negative(tmp_path / "x.onnx")
    code = f"""
from impasto.cli import stylize
code = stylize.main(["--model", "x.onnx", "--size", "32", "-o", "made.jpg"])
print(code, "onnxruntime" in sys.modules, sorted({HEAVY} & set(sys.modules)))
"""
    assert run_python(code, tmp_path) == "0 True []"
    assert (tmp_path / "made.jpg").is_file()


def test_the_light_commands_need_only_what_a_light_installation_brings(tmp_path: Path) -> None:
    code = """
from impasto.cli import film_jobs, paintings, serve, sheet, styles, stylize
print([each.__file__ for name, each in sys.modules.items() if name.startswith("impasto")])
"""
    files = {Path(file) for file in ast.literal_eval(run_python(code, tmp_path))}
    assert {SOURCES["web/painter.py"], SOURCES["inference/any_style.py"]} <= files
    ours = {name for name, path in SOURCES.items() if path in files}
    used = {package for name in ours for package in imports(name)} - sys.stdlib_module_names
    found = metadata.packages_distributions()
    needed = {found[package][0].lower() for package in used - {"impasto"}}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    asked = re.search(r"^dependencies = \[(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    assert asked is not None
    brought = set(re.findall(r'^    "([\w-]+)', asked[1], re.MULTILINE))
    assert needed <= brought
    assert "safetensors" in needed


def imports(name: str) -> Iterator[str]:
    """The packages that a file imports when it is itself imported."""
    for node in tree(name).body:
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


def test_importing_the_package_is_light(tmp_path: Path) -> None:
    watched = HEAVY | {"numpy", "onnxruntime", "PIL", "jsonargparse", "yaml"}
    code = f"import impasto; print(impasto.__version__, sorted({watched} & set(sys.modules)))"
    version, heavy = run_python(code, tmp_path).split(" ", 1)
    assert version[0].isdigit()
    assert heavy == "[]"


def test_no_function_is_longer_than_40_lines() -> None:
    assert {name: lines for name, lines in functions() if lines > 40} == {}


@pytest.mark.parametrize("name", sorted(n for n in SOURCES if not n.startswith(("cli", "__main"))))
def test_the_library_neither_prints_nor_exits(name: str) -> None:
    calls = {ast.unparse(n.func) for n in ast.walk(tree(name)) if isinstance(n, ast.Call)}
    assert calls & {"print", "exit", "quit", "sys.exit", "os._exit", "SystemExit"} == set()


def test_every_file_says_what_it_is_and_none_is_a_drawer() -> None:
    assert {name for name in SOURCES if not ast.get_docstring(tree(name))} == set()
    drawers = {"utils", "util", "helpers", "common", "misc"}
    assert {Path(name).stem for name in SOURCES} & drawers == set()
