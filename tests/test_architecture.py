"""Who may import whom, what stays light, how long things get: DESIGN.md, checked with `ast`."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from design import HEAVY, MAY_IMPORT, ONLY_IN, TORCHLESS
from graphs import save_negative

ROOT = Path(__file__).parents[1]
HOME = ROOT / "src/impasto"
PACKAGE = {  # {"vgg": .../vgg.py, "study.compare": .../study/compare.py}
    ".".join(path.relative_to(HOME).with_suffix("").parts): path
    for path in sorted(HOME.rglob("*.py"))
}
SCRIPTS = {name: ROOT / f"{name}.py" for name in ("train", "stylize")}
SOURCES = {**PACKAGE, **SCRIPTS}


def tree(name: str) -> ast.Module:
    return ast.parse(SOURCES[name].read_text(encoding="utf-8"))


def imports(name: str, *, everywhere: bool = True) -> Iterator[str]:
    """Dotted names that a file imports, in functions and for type checkers too, or as it loads."""
    for node in ast.walk(tree(name)) if everywhere else tree(name).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: write impasto.x, not .x"
            if node.module == "impasto":
                yield from (f"impasto.{alias.name}" for alias in node.names)
            else:
                yield str(node.module)


def others(name: str) -> set[str]:
    return {module.split(".")[0] for module in imports(name)}


def ours(name: str, *, everywhere: bool = True) -> set[str]:
    """Modules of impasto that a file imports; `__init__` for what a package offers itself."""
    modules = imports(name, everywhere=everywhere)
    return {inner(module) for module in modules if module.split(".")[0] == "impasto"}


def inner(module: str) -> str:
    """impasto.vgg -> vgg, impasto.study -> study.__init__, impasto.Stylizer -> __init__."""
    name = module.partition(".")[2]
    return next((key for key in (name, f"{name}.__init__") if key in PACKAGE), "__init__")


def reached(name: str) -> set[str]:
    """All that a file imports of ours, directly or not, itself included."""
    seen, todo = set(), {name}
    while todo:
        seen |= todo
        todo = set().union(*(ours(module) for module in todo)) - seen
    return seen


def functions() -> Iterator[tuple[str, int]]:
    for name in SOURCES:
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}.{node.name}", int(node.end_lineno or 0) - node.lineno + 1


@pytest.mark.parametrize("name", PACKAGE)
def test_a_module_imports_only_what_the_design_allows(name: str) -> None:
    assert name in MAY_IMPORT, "a new module needs its line in MAY_IMPORT and in the design"
    assert ours(name) - {"errors"} <= MAY_IMPORT[name]


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_used_only_in_its_place(library: str) -> None:
    assert {name for name in SOURCES if library in others(name)} <= ONLY_IN[library]


def test_the_checks_see_imports_at_every_level() -> None:
    assert "onnxruntime" in others("runtime")  # within a function
    assert "runtime" in ours("__init__")  # within a function and `if TYPE_CHECKING`
    assert {"callbacks", "export", "module", "sources", "__init__"} <= ours("train")
    assert {"vgg", "net", "runtime", "images", "encoders"} <= reached("train")
    assert "torch" in {library for name in reached("train") for library in others(name)}


@pytest.mark.parametrize("name", sorted(TORCHLESS))
def test_no_torch_is_anywhere_behind_it(name: str) -> None:
    behind = {module: others(module) & HEAVY for module in reached(name)}
    assert {module: heavy for module, heavy in behind.items() if heavy} == {}


def test_stylize_loads_torch_only_for_a_painting() -> None:
    at_once = ours("stylize", everywhere=False)
    assert at_once == {
        *("command", "errors", "flags", "images", "jobs", "memory", "places", "runtime"),
        "settings",
    }
    assert at_once <= TORCHLESS
    assert {
        module.split(".")[0] for module in imports("stylize", everywhere=False)
    } & HEAVY == set()
    assert "torch" in others("stylize")


def test_the_two_methods_meet_in_one_loss() -> None:
    users = {name for name in SOURCES if "PerceptualLoss(" in SOURCES[name].read_text()}
    assert users - {"losses"} == {"sources"}


def run_python(code: str, folder: Path) -> str:
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()[-1]


def test_a_whole_run_of_stylize_loads_nothing_heavy(tmp_path: Path) -> None:
    save_negative(tmp_path / "x.onnx")
    code = f"""
import stylize
code = stylize.main(["--model", "x.onnx", "--size", "32", "-o", "made.jpg"])
print(code, "onnxruntime" in sys.modules, sorted({HEAVY} & set(sys.modules)))
"""
    assert run_python(code, tmp_path) == "0 True []"
    assert (tmp_path / "made.jpg").is_file()


def test_importing_the_package_is_light(tmp_path: Path) -> None:
    watched = HEAVY | {"numpy", "onnxruntime", "PIL", "jsonargparse", "yaml"}
    code = f"import impasto; print(impasto.__version__, sorted({watched} & set(sys.modules)))"
    version, heavy = run_python(code, tmp_path).split(" ", 1)
    assert version[0].isdigit()
    assert heavy == "[]"


@pytest.mark.parametrize("name", SOURCES)
def test_no_file_is_longer_than_200_lines(name: str) -> None:
    assert len(SOURCES[name].read_text(encoding="utf-8").splitlines()) <= 200


def test_no_function_is_longer_than_40_lines() -> None:
    assert {name: lines for name, lines in functions() if lines > 40} == {}


@pytest.mark.parametrize("name", sorted(n for n in PACKAGE if not n.endswith("__main__")))
def test_the_library_neither_prints_nor_exits(name: str) -> None:
    calls = {ast.unparse(n.func) for n in ast.walk(tree(name)) if isinstance(n, ast.Call)}
    assert calls & {"print", "exit", "quit", "sys.exit", "os._exit", "SystemExit"} == set()


def test_every_file_says_what_it_is_and_none_is_a_drawer() -> None:
    assert {name for name in SOURCES if not ast.get_docstring(tree(name))} == set()
    assert {name.split(".")[-1] for name in SOURCES} & {
        "utils",
        "util",
        "helpers",
        "common",
        "misc",
    } == set()
