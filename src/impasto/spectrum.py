"""The painting's spectrum as a part of its style: which strokes are how strong.

Grams of an encoder hardly tell strokes in all directions from thin parallel lines all over the
picture, so networks draw the lines: they disturb the content least. The power spectrum tells them
apart (Liu, Gousseau, Xia, "Texture Synthesis Through Convolutional Neural Networks and Spectrum
Constraints", ICPR 2016). There the phases of one texture are kept and its amplitudes replaced;
here the mean spectrum of small windows is compared, since pictures and painting differ in size and
content, and in logarithms, so that what is missing counts like what is too much.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.gram import at_least_float32

WINDOW = 32  # pixels
PERIODS = 2.6, 10.0  # pixels: strokes; what is longer is the content's
FLOOR = 1e-3  # of power: five times what rounding to 255 levels leaves
LUMINANCE = 0.299, 0.587, 0.114


def local_spectrum(images: Tensor) -> Tensor:
    """Mean power of the luminance in windows that overlap by half, under a Hann window.

    Args:
        images: (B, 3, H, W) in [0,1]; sides below WINDOW are continued by their last pixels.

    Returns:
        (B, WINDOW, WINDOW // 2 + 1), frequencies as `torch.fft.rfft2` orders them, in float32 or
        the images' float64.
    """
    with torch.autocast(images.device.type, enabled=False):
        images = at_least_float32(images)
        below, beside = (max(0, WINDOW - side) for side in images.shape[-2:])
        if below or beside:
            images = F.pad(images, (0, beside, 0, below), mode="replicate")
        plane = torch.einsum("bchw,c->bhw", images, images.new_tensor(LUMINANCE))
        windows = plane.unfold(1, WINDOW, WINDOW // 2).unfold(2, WINDOW, WINDOW // 2)
        hann = torch.hann_window(WINDOW, dtype=plane.dtype, device=plane.device)
        windows = (windows - windows.mean(dim=(-2, -1), keepdim=True)) * hann * hann[:, None]
        amplitude = torch.view_as_real(torch.fft.rfft2(windows))
        return amplitude.square().sum(dim=-1).mean(dim=(1, 2))


def spectrum_loss(spectrum: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of logarithms over the frequencies of PERIODS, an image at a time.

    Args:
        spectrum: (B, WINDOW, WINDOW // 2 + 1), from `local_spectrum`.
        target: the painting's, (1, WINDOW, WINDOW // 2 + 1).

    Returns:
        (B,), natural logarithms: 1 where every power is e times too much or too little.
    """
    down = torch.fft.fftfreq(WINDOW, device=spectrum.device)
    across = torch.fft.rfftfreq(WINDOW, device=spectrum.device)
    period = 1 / torch.hypot(down[:, None], across[None, :])
    strokes = (period >= PERIODS[0]) & (period <= PERIODS[1])
    ratio = (spectrum + FLOOR).log() - (target + FLOOR).log()
    return ratio[:, strokes].square().mean(dim=1)
