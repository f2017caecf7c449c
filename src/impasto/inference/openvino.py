"""OpenVINO where it is installed, with the few methods of an ONNX Runtime session that we use."""

import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple

from impasto.errors import InputError

Precision = Literal["auto", "32", "bf16"]
_TYPES = {"f32": "tensor(float)", "u8": "tensor(uint8)"}  # as ONNX Runtime calls them


class Value(NamedTuple):
    """An input or an output."""

    name: str
    type: str
    shape: list[int | str]


class OpenVINOSession:
    """A model compiled for the processor; sizes stay free. One thread at a time may `run` it."""

    def __init__(self, model: bytes, *, threads: int | None, precision: Precision) -> None:
        """Compile a model.

        Args:
            model: an ONNX file's bytes.
            threads: None leaves it to OpenVINO.
            precision: of products and of what lies between layers; `auto` is bf16 where the
                processor multiplies it, else float32.

        Raises:
            InputError: OpenVINO is not installed, or bf16 was asked for where it would be emulated.
            RuntimeError: OpenVINO cannot use the model.
        """
        if not installed():
            raise InputError(
                "--backend openvino: OpenVINO is not installed, pip install openvino adds it"
            )
        core: Any = _openvino().Core()
        fast = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision == "bf16" and not fast:
            raise InputError("--precision bf16: this processor does not support it, use 32 or auto")
        self.precision = "bf16" if fast and precision != "32" else "32"
        hints: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
        }
        if threads is not None:
            hints["INFERENCE_NUM_THREADS"] = threads
        self._model = core.read_model(model=model)
        self._request = core.compile_model(self._model, "CPU", hints).create_infer_request()

    def get_modelmeta(self) -> SimpleNamespace:
        """The file's metadata_props as `custom_metadata_map`."""
        info: Any = self._model.get_rt_info()  # no dict, though it looks like one
        props: dict[str, Any] = info["framework"] if "framework" in info else {}  # noqa: SIM401
        return SimpleNamespace(custom_metadata_map={k: v.astype(str) for k, v in props.items()})

    def get_inputs(self) -> list[Value]:
        """What goes in."""
        return [_value(port) for port in self._model.inputs]

    def get_outputs(self) -> list[Value]:
        """What comes out."""
        return [_value(port) for port in self._model.outputs]

    def run(self, outputs: Sequence[str], feeds: Mapping[str, Any]) -> list[Any]:
        """The arrays called `outputs`, which are the caller's own."""
        results = self._request.infer(dict(feeds), share_inputs=True)
        return [results[name] for name in outputs]


def installed() -> bool:
    """Whether `import openvino` would find something."""
    return find_spec("openvino") is not None


def _openvino() -> Any:
    """The package, without what else tells Google Analytics of every import of it.

    That would also write an id of this machine into the home folder. OpenVINO does without where
    its package for that is not installed.
    """
    absent = {"openvino_telemetry"} - sys.modules.keys()
    sys.modules |= dict.fromkeys(absent)  # type: ignore[arg-type]
    try:
        import openvino
    finally:
        for name in absent:
            del sys.modules[name]
    return openvino


def _value(port: Any) -> Value:
    kind = port.element_type.get_type_name()
    shape = [str(side) if side.is_dynamic else side.get_length() for side in port.partial_shape]
    return Value(port.any_name, _TYPES.get(kind, kind), shape)
