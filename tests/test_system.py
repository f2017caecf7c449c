"""Precision and accelerator follow from what the machine says it can do."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from impasto import system as hardware

Says = Callable[..., None]


@pytest.fixture
def cpu_says(monkeypatch: pytest.MonkeyPatch) -> Says:
    """Call it with the features that the processor shall have."""

    def says(**features: bool) -> None:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features)

    return says


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"avx2": True, "amx_bf16": True}, "bf16"),
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, "bf16"),
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False, "avx512_fp16": True}, "32"),
        ({}, "32"),
    ],
)
def test_auto_is_bf16_where_the_cpu_multiplies_it(
    cpu_says: Says, features: dict[str, bool], expected: str
) -> None:
    cpu_says(**features)
    assert hardware.has_fast_bf16("cpu") is (expected == "bf16")
    assert hardware.pick_precision("auto", accelerator="cpu") == expected
    assert hardware.pick_precision("auto", accelerator="mps") == "32"


@pytest.mark.parametrize("native", [True, False])
def test_auto_on_cuda_asks_for_bf16_that_is_not_emulated(
    monkeypatch: pytest.MonkeyPatch, cpu_says: Says, native: bool
) -> None:
    cpu_says(amx_bf16=not native)  # the processor has no say in it

    def supported(including_emulation: bool = True) -> bool:
        return including_emulation or native

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    expected = "bf16" if native else "32"
    assert hardware.pick_precision("auto", accelerator="cuda") == expected


@pytest.mark.parametrize("accelerator", ["cpu", "cuda", "mps"])
def test_an_explicit_precision_stays(cpu_says: Says, accelerator: str) -> None:
    cpu_says()
    assert hardware.pick_precision("bf16", accelerator=accelerator) == "bf16"
    cpu_says(amx_bf16=True)
    assert hardware.pick_precision("32", accelerator=accelerator) == "32"


@pytest.mark.parametrize("found", ["cuda", "mps", None])
def test_pick_accelerator(monkeypatch: pytest.MonkeyPatch, found: str | None) -> None:
    def current(check_available: bool = False) -> SimpleNamespace | None:
        assert check_available  # what was compiled in says nothing about this machine
        return SimpleNamespace(type=found) if found else None

    monkeypatch.setattr(torch.accelerator, "current_accelerator", current)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: found == "cuda")
    assert hardware.pick_accelerator("auto") == (found or "cpu")
    assert hardware.pick_accelerator("gpu") == ("cuda" if found == "cuda" else "gpu")
    assert hardware.pick_accelerator("cpu") == "cpu"


def test_processor_name_tells_model_threads_and_features(
    monkeypatch: pytest.MonkeyPatch, cpu_says: Says
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    cpu_says(avx2=True, amx_bf16=True, avx512_bf16=False, sse2=True)
    name, threads, features = hardware.processor_name().rsplit(", ", 2)
    assert name.strip()
    assert (threads, features) == ("7 threads", "avx2+amx_bf16")
    cpu_says(sse2=True)
    assert hardware.processor_name() == f"{name}, 7 threads, no AVX2"


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        (
            "processor\t: 0\nmodel name\t: Brand: X 9\nflags\t: fpu\n\nmodel name\t: Y\n",
            "Brand: X 9",
        ),
        ("processor\t: 0\nBogoMIPS\t: 50\n", "arm64"),
        (None, "arm64"),
    ],
    ids=["x86 Linux", "ARM Linux", "no Linux"],
)
def test_processor_name_from_cpuinfo_or_the_platform(
    monkeypatch: pytest.MonkeyPatch, tmp_path, cpuinfo: str | None, expected: str
) -> None:
    if cpuinfo is not None:
        (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(hardware, "Path", lambda _: tmp_path / "cpuinfo")
    monkeypatch.setattr(hardware.platform, "processor", lambda: "")
    monkeypatch.setattr(hardware.platform, "machine", lambda: "arm64")
    assert hardware.processor_name().split(", ")[0] == expected
