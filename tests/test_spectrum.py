"""The painting's spectrum: closed forms, and that it tells strokes from lines."""

import math
from functools import partial

import pytest
import torch
from noise import rand
from torch import Tensor

from impasto.spectrum import PERIODS, WINDOW, local_spectrum, spectrum_loss

close = partial(torch.testing.assert_close, rtol=1e-9, atol=1e-9)


def waves(*, down: int, across: int, amplitude: float = 0.1, side: int = 80) -> Tensor:
    """(1, 3, side, side), grey, that many periods a window."""
    place = torch.arange(side, dtype=torch.float64) * 2 * math.pi / WINDOW
    return 0.5 + amplitude * torch.sin(
        down * place[:, None] + across * place[None, :] + 0.3
    ).expand(1, 3, side, side)


@pytest.mark.parametrize(("down", "across"), [(0, 8), (5, 6), (-5, 6), (11, 3)])
def test_a_wave_is_one_peak_whatever_its_phase_in_each_window(down: int, across: int) -> None:
    spectrum = local_spectrum(waves(down=down, across=across))[0]
    assert spectrum.shape == (WINDOW, WINDOW // 2 + 1)
    # amplitude / 2 in either half of the plane, times the sum of a Hann window in both directions
    assert spectrum[down, across].item() == pytest.approx((0.1 / 2 * (WINDOW / 2) ** 2) ** 2)
    assert divmod(int(spectrum.argmax()), WINDOW // 2 + 1) == (down % WINDOW, across)


def test_brightness_has_no_power_and_colours_weigh_as_luminance() -> None:
    close(local_spectrum(torch.full((1, 3, 40, 50), 0.7)), torch.zeros(1, WINDOW, WINDOW // 2 + 1))
    picture = waves(down=3, across=4)
    green = picture * torch.tensor([0.0, 1.0, 0.0]).view(3, 1, 1)
    close(local_spectrum(green), 0.587**2 * local_spectrum(picture))


def test_small_pictures_are_continued_by_their_last_pixels() -> None:
    small = rand(2, 3, 20, 25)
    rows = torch.cat([small, small[..., -1:, :].expand(-1, -1, WINDOW - 20, -1)], dim=2)
    whole = torch.cat([rows, rows[..., -1:].expand(-1, -1, -1, WINDOW - 25)], dim=3)
    close(local_spectrum(small), local_spectrum(whole))


def test_the_loss_is_the_mean_square_of_logarithms_among_the_strokes() -> None:
    target = 1e9 * (1 + rand(1, WINDOW, WINDOW // 2 + 1))
    factors = torch.tensor([math.e, math.exp(-2.0)], dtype=torch.float64).view(2, 1, 1)
    close(spectrum_loss(target * factors, target), torch.tensor([1.0, 4.0]).double())
    elsewhere = target.clone()
    elsewhere[0, 0, : math.ceil(WINDOW / PERIODS[1])] *= 50  # longer than strokes
    elsewhere[0, 0, math.floor(WINDOW / PERIODS[0]) + 1 :] *= 50  # finer
    assert spectrum_loss(elsewhere, target).item() == 0
    elsewhere[0, 0, WINDOW // 4] *= math.exp(3.0)
    counted = 9 / spectrum_loss(elsewhere, target).item()
    assert counted == pytest.approx(round(counted)) == pytest.approx(200, abs=40)


def test_gradients() -> None:
    target = local_spectrum(rand(1, 3, 48, 48, seed=1))
    picture = rand(1, 3, 32, 34).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: spectrum_loss(local_spectrum(x), target), picture, fast_mode=True
    )


def test_strokes_in_all_directions_are_told_from_lines_in_one() -> None:
    blur = torch.nn.AvgPool2d(3, stride=1, padding=1)
    strokes = blur(rand(1, 3, 128, 128))
    others = blur(rand(1, 3, 96, 160, seed=2))
    rms = float((others.mean(1) - 0.5).std())
    lines = waves(down=11, across=0, amplitude=rms * math.sqrt(2), side=128)
    target = local_spectrum(strokes)
    same, apart = (spectrum_loss(local_spectrum(x), target).item() for x in (others, lines))
    assert same < 0.1
    assert apart > 10


def test_pixels_that_follow_its_gradient_lose_their_lines() -> None:
    target = local_spectrum(rand(1, 3, 64, 64)).float()
    picture = (0.05 * rand(1, 3, 64, 64, seed=3) + waves(down=11, across=0, side=64)).float()
    picture.requires_grad_()
    assert local_spectrum(picture.detach())[0, 11, 0] > 20 * target[0, 11, 0]
    adam = torch.optim.Adam([picture], lr=0.02)
    losses = []
    for _ in range(150):
        loss = spectrum_loss(local_spectrum(picture), target).sum()
        losses.append(loss.item())
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert losses[-1] < 0.02 * losses[0]
    assert local_spectrum(picture.detach())[0, 11, 0] < 2 * target[0, 11, 0]


def test_under_autocast_it_stays_in_float32() -> None:
    picture = rand(1, 3, 64, 64).float()
    with torch.autocast("cpu", torch.bfloat16):
        spectrum = local_spectrum(picture.bfloat16())
    assert spectrum.dtype == torch.float32
    torch.testing.assert_close(spectrum, local_spectrum(picture), rtol=0.05, atol=0.05)
