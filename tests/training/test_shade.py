"""Shadows over photographs."""

import torch

from impasto.training.shade import DARKEST, SHADED, shade


def test_a_shadow_falls_off_linearly_to_nothing_at_one_side():
    draw = torch.Generator().manual_seed(1)
    shaded = shade(torch.ones(64, 3, 9, 9), generator=draw)
    assert shaded.amax(dim=(1, 2, 3)).allclose(torch.ones(64))
    bends = shaded.diff(n=2, dim=2).abs().max(), shaded.diff(n=2, dim=3).abs().max()
    assert max(bends) < 1e-5
    assert shaded.min() >= 1 - DARKEST - 1e-6
    assert torch.equal(shaded[:, 0], shaded[:, 2])


def test_half_of_the_images_are_as_they_were():
    images = torch.rand(400, 3, 8, 8)
    shaded = shade(images, generator=torch.Generator().manual_seed(0))
    same = (shaded == images).flatten(1).all(dim=1).float().mean()
    assert abs(float(same) - (1 - SHADED)) < 0.1


def test_it_depends_on_the_generator_alone():
    images = torch.rand(4, 3, 8, 8)
    first, second = (shade(images, generator=torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
