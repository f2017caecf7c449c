"""impasto: learn the style of a painting once, apply it anywhere.

    from impasto import Stylizer, load_image, save_image

    save_image(Stylizer("starry")(load_image("photo.jpg")), "picture.png")

Importing the package is light: each name below is loaded when it is first used, and only the last
four need torch.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from impasto.export.onnx_export import export_onnx
    from impasto.gatys.optimize import optimize
    from impasto.images.io import load_image, save_image
    from impasto.inference.any_style import AnyStyle
    from impasto.inference.stylizer import Stylizer
    from impasto.losses.perceptual import PerceptualLoss
    from impasto.models.transform_net import TransformNet
    from impasto.video.film import stylize_video

__version__ = "0.1.0"

__all__ = [
    "AnyStyle",
    "PerceptualLoss",
    "Stylizer",
    "TransformNet",
    "__version__",
    "export_onnx",
    "load_image",
    "optimize",
    "save_image",
    "stylize_video",
]

# ONNX Runtime reads it as it is imported: from 1.29 on it otherwise writes an id of this machine
# into the home folder, and sends it with the processor's and the program's names to Microsoft.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {
    "AnyStyle": "impasto.inference.any_style",
    "Stylizer": "impasto.inference.stylizer",
    "load_image": "impasto.images.io",
    "save_image": "impasto.images.io",
    "stylize_video": "impasto.video.film",
    "TransformNet": "impasto.models.transform_net",
    "PerceptualLoss": "impasto.losses.perceptual",
    "optimize": "impasto.gatys.optimize",
    "export_onnx": "impasto.export.onnx_export",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value  # found at once from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
