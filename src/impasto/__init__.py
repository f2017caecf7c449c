"""impasto: learn the style of a painting once, apply it anywhere.

Importing the package is light; what is heavy is loaded when it is first used.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from impasto.runtime import Stylizer

__all__ = ["Stylizer", "__version__"]

try:
    __version__ = version("impasto")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+source"


def __getattr__(name: str) -> Any:
    if name == "Stylizer":
        from impasto.runtime import Stylizer

        return Stylizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
