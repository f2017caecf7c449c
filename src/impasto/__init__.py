"""impasto: learn the style of a painting once, apply it anywhere.

Importing the package is light; each name below is loaded when it is first used. The last four need
the `train` extra.
"""

import importlib
import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from impasto.export.onnx_export import export_onnx
    from impasto.gatys.optimize import optimize
    from impasto.images.io import load_image, save_image
    from impasto.inference.stylizer import Stylizer
    from impasto.losses.perceptual import PerceptualLoss
    from impasto.models.transform_net import TransformNet

# ONNX Runtime reads it as it is imported: from 1.29 on it otherwise writes an id of this machine
# into the home folder, and sends it with the processor's and the program's names to Microsoft.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "PerceptualLoss",
    "Stylizer",
    "TransformNet",
    "__version__",
    "export_onnx",
    "load_image",
    "optimize",
    "save_image",
]
_HOMES = {
    "Stylizer": "impasto.inference.stylizer",
    "load_image": "impasto.images.io",
    "save_image": "impasto.images.io",
    "TransformNet": "impasto.models.transform_net",
    "PerceptualLoss": "impasto.losses.perceptual",
    "optimize": "impasto.gatys.optimize",
    "export_onnx": "impasto.export.onnx_export",
}

try:
    __version__ = version("impasto")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+source"


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
