"""The packages that films need and photographs do not."""

from collections.abc import Iterator
from contextlib import contextmanager

from impasto.errors import InputError

PACKAGES = {"av": "PyAV", "cv2": "OpenCV"}


@contextmanager
def video_extra() -> Iterator[None]:
    """Around what imports PyAV and OpenCV.

    Raises:
        InputError: one of them is missing; says how to get both.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES:
            raise
        raise InputError(
            f"films need {PACKAGES[error.name]}, which is not installed: "
            "pip install 'impasto[video]'"
        ) from error
