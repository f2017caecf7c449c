"""What this machine is and what follows from it."""

import ctypes
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.cores import available_cores
from impasto.errors import InputError

if TYPE_CHECKING:  # it takes seconds to load, and stylize does without
    import torch

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # glibc's malloc.h
NEVER = 2**31 - 1


def processor_name() -> str:
    """The processor and what it multiplies fast, to be named beside every figure."""
    import torch

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = (line for line in info.read_text().splitlines() if line.startswith("model name"))
        name = next(lines, f": {name}").split(":", 1)[1].strip()
    return f"{name}, {torch.get_num_threads()} threads, {'+'.join(_cpu_features()) or 'no AVX2'}"


def pick_accelerator(wanted: str) -> str:
    """`auto` -> what is there: cuda, mps or cpu; anything else stays, for Lightning to judge."""
    import torch

    if wanted == "auto":
        current = torch.accelerator.current_accelerator(check_available=True)
        return current.type if current is not None else "cpu"
    return "cuda" if wanted == "gpu" and torch.cuda.is_available() else wanted


def default_workers(devices: int = 1) -> int:
    """Processes that read photographs for each of `devices`; a core is left to who learns."""
    return max(1, min(8, available_cores() // devices - 1))


def find_device(wanted: str) -> "torch.device":
    """The device of an accelerator, for who works without Lightning.

    Raises:
        InputError: it is not here.
    """
    import torch

    try:
        return torch.zeros((), device=pick_accelerator(wanted)).device
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch without CUDA
        raise InputError(f"--accelerator {wanted} is not here: give auto or cpu") from error


def has_fast_bf16(accelerator: str) -> bool:
    """Whether bf16 is worth it: emulated on a CPU it is about nine times slower than float32."""
    import torch

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
    import torch

    capabilities = torch.cpu.get_capabilities()
    return [key for key in ("avx2", "avx512_bf16", "amx_bf16") if capabilities.get(key)]


def keep_freed_memory(*, in_threads: bool = False) -> bool:
    """Have glibc keep what tensors free for the next ones, instead of giving it back at once.

    By default every large tensor is mapped afresh and faulted in page by page, at every step. That
    took 8 % of a training step on two cores of a virtual machine, and ten times the step itself
    while its host was taking freed pages away.

    Args:
        in_threads: also for what threads other than the first allocate, which then share its heap:
            in one of their own nothing is kept that has 64 MiB or more.

    Returns:
        Whether it could be set; elsewhere than on Linux with glibc nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl and others have no mallopt
        return False
    if in_threads:
        mallopt(M_ARENA_MAX, 1)
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, NEVER))
