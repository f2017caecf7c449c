"""Paintings in the colors of other paintings."""

import pytest
import torch

from impasto.training import palette
from impasto.training.palette import FAINT, STRONGEST, SWAPPED, swap_palettes


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(palette, "SWAPPED", 1.1)


@pytest.mark.usefixtures("always")
def test_colors_become_those_of_the_one_before_and_shapes_stay():
    scale, shift = torch.tensor([0.5, 0.6, 0.7]), torch.tensor([0.3, 0.4, 0.2])
    noise = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    noise[1] = noise[1] * scale[:, None, None] + shift[:, None, None]
    given = 0.25 + noise / 2
    swapped = swap_palettes(given)
    for new, old, other in zip(swapped, given, given.flip(0), strict=True):
        assert new.mean(dim=(1, 2)).allclose(other.mean(dim=(1, 2)), atol=1e-3)
        assert new.std(dim=(1, 2)).allclose(other.std(dim=(1, 2)), atol=1e-3)
        alike = torch.corrcoef(torch.stack([new[0].flatten(), old[0].flatten()]))[0, 1]
        assert alike > 0.99


@pytest.mark.usefixtures("always")
def test_a_flat_painting_is_not_made_of_its_noise():
    flat = 0.5 + 1e-3 * torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))
    strong = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(1))
    swapped = swap_palettes(torch.stack([strong, flat]))[1]
    assert float(swapped.std(dim=(1, 2)).max()) < 1e-3 * STRONGEST * 1.2
    assert swapped.mean(dim=(1, 2)).allclose(strong.mean(dim=(1, 2)), atol=1e-3)
    assert flat.std() < FAINT


@pytest.mark.usefixtures("always")
def test_one_alone_stays_as_it_is():
    one = torch.rand(1, 3, 16, 16)
    assert swap_palettes(one).allclose(one, atol=1e-6)


def test_a_quarter_is_swapped_by_the_generator_alone():
    images = torch.rand(400, 3, 6, 6)
    first, second = (
        swap_palettes(images, generator=torch.Generator().manual_seed(5)) for _ in range(2)
    )
    assert torch.equal(first, second)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    same = (first == images).flatten(1).all(dim=1).float().mean()
    assert abs(float(same) - (1 - SWAPPED)) < 0.08
