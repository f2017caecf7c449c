"""Coarse to fine: which sizes, what a picture begins as, and how sizes follow each other."""

from collections.abc import Sequence
from functools import partial

import noise
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.gatys.multiscale import coarse_to_fine, fill, resize, scale_sizes, start_image
from impasto.gatys.optimize import Progress, optimize
from impasto.losses.perceptual import PerceptualLoss

rand = partial(noise.rand, dtype=torch.float32)


def ramp(height: int, width: int) -> Tensor:
    """Brighter to the right, as the share of the width."""
    row = (torch.arange(width) + 0.5) / width
    return row.expand(1, 3, height, width).clone()


KERNEL = rand(6, 3, 3, 3, seed=9) - 0.5
CONTENT, STYLE = rand(1, 3, 40, 60), rand(1, 3, 20, 30, seed=1)


class Encoder:
    """One convolution that remembers what it looked at."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        self.seen.append((images.shape[-2], images.shape[-1]))
        return dict.fromkeys(layers, F.conv2d(images, KERNEL))


def perceptual() -> PerceptualLoss:
    layers = {"layer": 1.0}
    return PerceptualLoss(encoder=Encoder(), content_layers=layers, style_layers=layers)


def run(sizes: list[int], iterations: int) -> list[Progress]:
    return list(
        coarse_to_fine(
            perceptual(),
            content=CONTENT,
            style=STYLE,
            start="noise",
            sizes=sizes,
            iterations=iterations,
        )
    )


@pytest.mark.parametrize(
    ("size", "scales", "sizes"),
    [
        (64, None, [64]),
        (512, None, [512]),
        (513, None, [256, 513]),
        (720, None, [360, 720]),
        (1024, None, [512, 1024]),
        (1025, None, [256, 512, 1025]),
        (2048, None, [512, 1024, 2048]),
        (2048, 1, [2048]),
        (100, 3, [25, 50, 100]),
    ],
)
def test_sizes_double_from_512_or_less_up_to_the_last(
    size: int, scales: int | None, sizes: list[int]
) -> None:
    assert scale_sizes(size, scales=scales) == sizes


def test_one_size_is_plain_optimization() -> None:
    loss = perceptual()
    loss.set_style(STYLE)
    start = start_image("noise", content=CONTENT, style=STYLE, seed=0)
    plain = list(optimize(loss, content=CONTENT, start=start, iterations=5))
    for one, other in zip(run([40], 5), plain, strict=True):
        assert torch.equal(one.image, other.image)
        assert (one.iteration, one.iterations, one.total) == (
            other.iteration,
            other.iterations,
            other.total,
        )


def test_iterations_are_shared_out_and_numbered_through() -> None:
    history = run([10, 20, 40], 8)
    assert [now.iteration for now in history] == list(range(9))
    assert {now.iterations for now in history} == {8}
    sides = [now.image.shape[-2:] for now in history]
    assert sides == [(10, 15)] * 3 + [(20, 30)] * 3 + [(40, 60)] * 3


def test_with_fewer_iterations_than_sizes_the_last_size_gets_them() -> None:
    history = run([10, 20, 40], 1)
    assert [now.iteration for now in history] == [0, 1]
    assert history[-1].image.shape == CONTENT.shape


def test_the_painting_shrinks_with_the_photograph() -> None:
    loss = perceptual()
    steps = coarse_to_fine(
        loss, content=CONTENT, style=STYLE, start="content", sizes=[20, 40], iterations=2
    )
    assert len(list(steps)) == 3
    seen = list(dict.fromkeys(loss.encoder.seen))  # type: ignore[attr-defined]
    assert seen == [(10, 15), (20, 30), (40, 60)]
    assert loss.encoder.seen.count((10, 15)) == 1  # type: ignore[attr-defined]
    torch.testing.assert_close(
        loss.get_buffer("gram_layer"), gram(STYLE)
    )  # of the painting as it was, at the end


def gram(image: Tensor) -> Tensor:
    loss = perceptual()
    loss.set_style(image)
    return loss.get_buffer("gram_layer")


def test_a_size_begins_where_the_one_before_ended() -> None:
    history = run([20, 40], 6)
    grown = fill(history[3].image, CONTENT)
    assert (history[4].image - grown).abs().mean() < 1e-3  # L-BFGS begins with a tiny step


def test_noise_is_grey_seeded_and_within_bounds() -> None:
    one, same, other = (
        start_image("noise", content=CONTENT, style=STYLE, seed=seed) for seed in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert (one.min(), one.max()) == (0, 1)
    assert one.mean() == pytest.approx(0.5, abs=0.01)
    assert one.std() == pytest.approx(0.24, abs=0.01)  # 0.25, a little less for the clipping


def test_a_start_is_the_photograph_the_painting_or_a_picture_made_to_fit() -> None:
    start = start_image("content", content=CONTENT, style=STYLE, seed=0)
    assert torch.equal(start, CONTENT)
    assert start is not CONTENT
    picture = ramp(13, 90)
    for start, source in (("style", STYLE), (picture, picture)):
        made = start_image(start, content=CONTENT, style=STYLE, seed=0)
        assert torch.equal(made, fill(source, CONTENT))


def test_fill_crops_the_middle_and_keeps_proportions() -> None:
    filled = fill(ramp(20, 90), ramp(40, 60))
    assert filled.shape == (1, 3, 40, 60)
    third = ramp(40, 180)[..., 60:120]  # twice as large, the middle third
    torch.testing.assert_close(filled, third, atol=1e-3, rtol=0)
    high = fill(ramp(90, 30), ramp(20, 60))
    torch.testing.assert_close(high, ramp(20, 60), atol=0.02, rtol=0)
    assert fill(CONTENT, CONTENT) is CONTENT


@pytest.mark.parametrize(("scale", "shape"), [(0.5, (20, 30)), (0.25, (10, 15)), (2, (80, 120))])
def test_resize_scales_both_sides_and_averages(scale: float, shape: tuple[int, int]) -> None:
    smaller = resize(ramp(40, 60), scale)
    assert smaller.shape[-2:] == shape
    inner = slice(2, -2)
    torch.testing.assert_close(smaller[..., inner], ramp(*shape)[..., inner], atol=2e-3, rtol=0)
    assert resize(CONTENT, 1) is CONTENT
    stripes = torch.tensor([0.0, 1.0]).repeat(32).expand(1, 3, 64, 64)
    assert (resize(stripes, 0.25) - 0.5).abs().max() < 0.1  # no moiré
