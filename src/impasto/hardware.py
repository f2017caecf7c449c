"""What this machine is and what follows from it."""

import os
import platform
from pathlib import Path

import torch

from impasto.errors import InputError


def processor_name() -> str:
    """The processor and what it multiplies fast, to be named beside every figure."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = (line for line in info.read_text().splitlines() if line.startswith("model name"))
        name = next(lines, f": {name}").split(":", 1)[1].strip()
    return f"{name}, {torch.get_num_threads()} threads, {'+'.join(_cpu_features()) or 'no AVX2'}"


def pick_accelerator(wanted: str) -> str:
    """`auto` -> what is there: cuda, mps or cpu; anything else stays, for Lightning to judge."""
    if wanted == "auto":
        current = torch.accelerator.current_accelerator(check_available=True)
        return current.type if current is not None else "cpu"
    return "cuda" if wanted == "gpu" and torch.cuda.is_available() else wanted


def default_workers(devices: int = 1) -> int:
    """Processes that read photographs for each of `devices`; a core is left to who learns."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(8, (cores or 2) // devices - 1))


def find_device(wanted: str) -> torch.device:
    """The device of an accelerator, for who works without Lightning.

    Raises:
        InputError: it is not here.
    """
    try:
        return torch.zeros((), device=pick_accelerator(wanted)).device
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch without CUDA
        raise InputError(f"--accelerator {wanted} is not here: give auto or cpu") from error


def has_fast_bf16(accelerator: str) -> bool:
    """Whether bf16 is worth it: emulated on a CPU it is about nine times slower than float32."""
    if accelerator == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if accelerator == "cpu":
        return bool({"amx_bf16", "avx512_bf16"} & set(_cpu_features()))
    return False  # mps and the rest: not measured, so not assumed


def pick_precision(wanted: str, *, accelerator: str) -> str:
    """`auto` -> `bf16` or `32`, by asking the processor; anything else stays.

    Args:
        wanted: auto, 32 or bf16.
        accelerator: cpu, cuda or mps, as in torch.device.type.
    """
    if wanted != "auto":
        return wanted
    return "bf16" if has_fast_bf16(accelerator) else "32"


def _cpu_features() -> list[str]:
    capabilities = torch.cpu.get_capabilities()
    return [key for key in ("avx2", "avx512_bf16", "amx_bf16") if capabilities.get(key)]
