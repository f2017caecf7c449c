"""impasto: learn the style of a painting once, apply it anywhere.

Importing the package is light; what is heavy is loaded when it is first used.
"""

import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from impasto.inference.stylizer import Stylizer

# ONNX Runtime reads it as it is imported: from 1.29 on it otherwise writes an id of this machine
# into the home folder, and sends it with the processor's and the program's names to Microsoft.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = ["Stylizer", "__version__"]

try:
    __version__ = version("impasto")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+source"


def __getattr__(name: str) -> Any:
    if name == "Stylizer":
        from impasto.inference.stylizer import Stylizer

        return Stylizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
