"""The table of losses/scaling.py: published formulas, written out literally, give our numbers.

Each is written from its paper or code alone, on the same made-up features; `loss_scale` and the
factors of the table have to make PerceptualLoss agree to rounding.
"""

from collections.abc import Sequence
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from noise import randn
from torch import Tensor

from impasto.losses.perceptual import PerceptualLoss, total_variation
from impasto.losses.scaling import LossScale

CONTENT = {"deep": 0.7}
STYLE = {"shallow": 0.2, "deep": 3.0}
Term = tuple[Tensor, Tensor]
close = partial(torch.testing.assert_close, rtol=1e-10, atol=0)


def encoder(images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    shallow = F.conv2d(images, randn(4, 3, 3, 3, seed=6))
    deep = F.conv2d(F.avg_pool2d(shallow, 2), randn(6, 4, 3, 3, seed=7))
    features = {"shallow": shallow, "deep": deep}
    return {layer: features[layer] for layer in layers}


def ours(loss_scale: LossScale, images: Tensor, photos: Tensor, style: Tensor) -> Term:
    loss = PerceptualLoss(
        encoder=encoder, content_layers=CONTENT, style_layers=STYLE, loss_scale=loss_scale
    )
    loss.set_style(style)
    terms = loss(images, loss.content_target(photos))
    return terms.content, terms.style


def layer_sum(function, layers: dict[str, float], images: Tensor, target: Tensor) -> Tensor:
    features, targets = encoder(images, list(layers)), encoder(target, list(layers))
    return sum(
        weight * function(features[layer], targets[layer]) for layer, weight in layers.items()
    )


def gatys_content(f: Tensor, p: Tensor) -> Tensor:
    """Eq. 1: half the sum of squared errors."""
    return 0.5 * ((f - p) ** 2).sum()


def gatys_style(f: Tensor, a: Tensor) -> Tensor:
    """Eq. 3 and 4: Grams are plain inner products of N maps of M pixels."""
    (n, m), rows, target = f[0].flatten(1).shape, f[0].flatten(1), a[0].flatten(1)
    return 1 / (4 * n**2 * m**2) * ((rows @ rows.T - target @ target.T) ** 2).sum()


def johnson_content(f: Tensor, p: Tensor) -> Tensor:
    """Eq. 2: the squared Euclidean distance over C H W."""
    return torch.linalg.vector_norm(f - p) ** 2 / f[0].numel()


def johnson_style(f: Tensor, a: Tensor) -> Tensor:
    """Eq. 3 and 4: the squared Frobenius norm between Grams over C H W."""
    grams = [torch.einsum("chw,dhw->cd", x[0], x[0]) / x[0].numel() for x in (f, a)]
    return torch.linalg.matrix_norm(grams[0] - grams[1]) ** 2


def lua_mse(a: Tensor, b: Tensor) -> Tensor:
    """nn.MSECriterion with its sizeAverage: over every element, the batch's too."""
    return ((a - b.expand_as(a)) ** 2).sum() / a.numel()


def batch_gram(x: Tensor) -> Tensor:
    rows = x.flatten(2)
    return torch.bmm(rows, rows.transpose(1, 2)) / (x.shape[1] * x.shape[2] * x.shape[3])


def lua_style(f: Tensor, a: Tensor) -> Tensor:
    return lua_mse(batch_gram(f), batch_gram(a))


def pytorch_style(f: Tensor, a: Tensor) -> Tensor:
    return F.mse_loss(batch_gram(f), batch_gram(a).repeat(len(f), 1, 1))


PUBLISHED = {
    "gatys 2016": ("gatys", 1, gatys_content, gatys_style),
    "johnson 2016": ("johnson", 1, johnson_content, johnson_style),
    "jcjohnson": ("mean", 3, lua_mse, lua_style),
    "pytorch/examples": ("mean", 3, F.mse_loss, pytorch_style),
}


@pytest.mark.parametrize(
    ("loss_scale", "batch", "content", "style"), PUBLISHED.values(), ids=PUBLISHED
)
def test_published_formula(loss_scale, batch, content, style) -> None:
    images, photos = randn(batch, 3, 14, 12, seed=1), randn(batch, 3, 14, 12, seed=2)
    painting = randn(1, 3, 14, 12, seed=3)
    expected = (
        layer_sum(content, CONTENT, images, photos),
        layer_sum(style, STYLE, images, painting),
    )
    close(ours(loss_scale, images, photos, painting), expected)


def test_style_of_another_size_only_needs_the_gram() -> None:
    """Johnson's Grams are over C H W: those of a painting of another size still compare."""
    images, painting = randn(1, 3, 14, 12, seed=1), randn(1, 3, 20, 30, seed=3)
    for name in ("johnson 2016", "pytorch/examples"):
        loss_scale, _, _, style = PUBLISHED[name]
        expected = layer_sum(style, STYLE, images, painting)
        close(ours(loss_scale, images, images, painting)[1], expected)


def lua_total_variation(pixels: Tensor, strength: float) -> Tensor:
    """What jcjohnson's backward pass is the gradient of.

    Pixels are 0..255; neither the last row nor the last column has differences along itself.
    """
    corner = pixels[..., :-1, :-1]
    across, down = corner - pixels[..., :-1, 1:], corner - pixels[..., 1:, :-1]
    return strength / 2 * (across.square().sum() + down.square().sum())


def converted(images: Tensor, strength: float) -> Tensor:
    """`tv_strength` as the docstring of losses.py has it."""
    return strength * 255**2 / 2 * images.numel() * total_variation(images).mean()


def test_total_variation_is_jcjohnsons_on_a_large_picture() -> None:
    images = randn(2, 3, 300, 200, seed=4)
    close(converted(images, 1e-6), lua_total_variation(255 * images, 1e-6), rtol=0.01)


def test_total_variation_differs_from_jcjohnsons_by_its_counts() -> None:
    """Ours are means over W-1 and H-1 neighbours: n / (n-1) apart where n x n pixels agree."""
    size, strength = 12, 1e-3
    images = randn(2, 3, size, size, seed=5).requires_grad_()
    (here,) = torch.autograd.grad(converted(images, strength), images)
    (there,) = torch.autograd.grad(lua_total_variation(255 * images, strength), images)
    inner = (..., slice(size - 1), slice(size - 1))
    close(here[inner], there[inner] * size / (size - 1))
