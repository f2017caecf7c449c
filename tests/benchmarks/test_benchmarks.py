"""`make bench` and docs/performance.md belong together."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/performance.md"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The module, writing into a page of its own."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import bench

    monkeypatch.setattr(bench, "PAGE", tmp_path / "page.md")
    yield bench
    del sys.modules["bench"]


def test_every_benchmark_has_its_place(bench) -> None:
    marks = re.findall(r"<!-- (\w+) -->\n.*?<!-- end -->", PAGE.read_text("utf-8"), re.DOTALL)
    assert marks == [name for name in marks if (ROOT / "benchmarks" / f"{name}.py").is_file()]
    assert sorted(marks) == sorted(bench.BENCHMARKS)


def test_a_table_replaces_its_own_alone(bench) -> None:
    page = "a\n<!-- x -->\nold\n<!-- end -->\nb\n<!-- y -->\nold\n<!-- end -->\n"
    bench.PAGE.write_text(page, encoding="utf-8")
    bench.write("y", "| \\1 |")
    expected = "a\n<!-- x -->\nold\n<!-- end -->\nb\n<!-- y -->\n\n| \\1 |\n\n<!-- end -->\n"
    assert bench.PAGE.read_text("utf-8") == expected


def test_a_folder_is_timed_three_ways(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import folder

    words = ["--count", "2", "--size", "64", "--rounds", "1", "--backend", "onnxruntime"]
    assert folder.main(words) == 0
    rows = re.findall(r"^\| (\w.*?) \|", capfd.readouterr().out, re.MULTILINE)
    assert rows == ["the network alone", "one by one", "impasto stylize"]
