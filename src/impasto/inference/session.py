"""What runs a network: ONNX Runtime or OpenVINO."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from impasto.errors import InputError
from impasto.inference.openvino import OpenVINOSession, Precision, installed

GPUS = {"CUDAExecutionProvider", "CoreMLExecutionProvider"}

Backend = Literal["auto", "onnxruntime", "openvino"]


def open_session(
    path: Path,
    read: Callable[[], bytes],
    threads: int | None,
    *,
    backend: Backend,
    precision: Precision,
) -> Any:
    """What runs the file that `read` returns; it has the methods of an ONNX Runtime session.

    Raises:
        InputError: the backend that was asked for is not here, or cannot run it.
    """
    checked = read()
    if backend == "openvino" or (backend == "auto" and installed() and not _has_gpu()):
        try:
            return OpenVINOSession(checked, threads=threads, precision=precision)
        except InputError:
            raise
        except Exception as error:  # OpenVINO raises RuntimeError, and whatever its bindings do
            if backend == "openvino":
                raise InputError(
                    f"OpenVINO cannot run {path}, leave out --backend: {line_of(error)}"
                ) from error
    if precision == "bf16":
        raise InputError("--precision bf16 needs OpenVINO: pip install openvino, or give 32")
    return onnxruntime_session(path, checked, threads=threads)


def _has_gpu() -> bool:
    import onnxruntime

    return bool(GPUS & set(onnxruntime.get_available_providers()))


def onnxruntime_session(path: Path, checked: bytes, *, threads: int | None) -> Any:
    """A session of ONNX Runtime for bytes that `read_model` has seen.

    Raises:
        InputError: they cannot be run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.load_model_format", "ONNX")  # which was checked
    options.enable_cpu_mem_arena = False  # half the memory for a few per cent of the time
    options.log_severity_level = 4  # errors come as exceptions, they need not be printed too
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(
            checked, options, providers=onnxruntime.get_available_providers()
        )
        dict(session.get_modelmeta().custom_metadata_map)  # here names that are no UTF-8 are found
        [(end.name, end.type, end.shape) for end in (*session.get_inputs(), *session.get_outputs())]
        return session
    except Exception as error:  # ONNX Runtime has no common base class for its errors
        raise InputError(f"{path} is not an ONNX file that can be run: {line_of(error)}") from error


def line_of(error: Exception) -> str:
    """What an error says, in a line that is not endless."""
    return " ".join(str(error).split())[:200]
