"""Colors that tests of files share: profiles, light, Display P3."""

import numpy as np
from PIL import ImageCms


def swapped_profile() -> bytes:
    """An sRGB profile in which red and green have changed places."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return srgb.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")


def light(values: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] -> light."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def srgb(values: np.ndarray) -> np.ndarray:
    values = values.clip(0, 1)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


P3 = np.array([[0.3127, 0.3290], [0.680, 0.320], [0.265, 0.690], [0.150, 0.060]])
TO_SRGB = np.array(  # light in Display P3 -> in sRGB, from CSS Color 4
    [[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]]
)
