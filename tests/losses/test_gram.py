from dataclasses import replace

import torch

from impasto.losses.gram import gram_matrix, moments, projected_gram_matrix
from impasto.models.vgg import EncoderWeights, Projection, VGGEncoder


def features(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_the_gram_of_a_projection_is_that_of_the_projected_features() -> None:
    projection = torch.nn.Conv2d(5, 11, 1).double()
    x = features(2, 5, 9, 7).requires_grad_()
    ours = projected_gram_matrix(x, Projection("relu1_1:raw", projection.weight, projection.bias))
    expected = gram_matrix(projection(x))
    torch.testing.assert_close(ours, expected)
    weights = features(2, 11, 11)
    found = torch.autograd.grad((ours * weights).sum(), x)
    torch.testing.assert_close(found, torch.autograd.grad((expected * weights).sum(), x))


def test_moments_are_means_over_the_pixels() -> None:
    x = torch.tensor([[1.0, 3.0], [2.0, -2.0]]).view(1, 2, 1, 2)
    gram, mean = moments(x)
    assert torch.equal(gram, torch.tensor([[[5.0, -2.0], [-2.0, 4.0]]]))
    assert torch.equal(mean, torch.tensor([[[2.0], [0.0]]]))


def test_gradients_of_both_moments() -> None:
    x = features(2, 3, 4, 5).requires_grad_()
    assert torch.autograd.gradcheck(moments, x)
    assert torch.autograd.gradcheck(
        moments, x.detach().to(memory_format=torch.channels_last).requires_grad_()
    )


def test_half_precision_features_have_a_float32_gram_and_a_gradient_of_their_own_kind() -> None:
    x = features(1, 4, 32, 32).bfloat16().requires_grad_()
    gram = gram_matrix(x)
    torch.testing.assert_close(gram, gram_matrix(x.detach().float()))
    gram.square().sum().backward()
    exact = x.detach().float().requires_grad_()
    gram_matrix(exact).square().sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.bfloat16
    torch.testing.assert_close(x.grad.float(), exact.grad, rtol=0.02, atol=1e-7)


def test_an_encoder_tells_its_projections(tiny: EncoderWeights) -> None:
    extra = {"lift.relu1_1.weight": torch.randn(6, 4, 1, 1), "lift.relu1_1.bias": torch.randn(6)}
    weights = replace(tiny, parameters={**tiny.parameters, **extra})
    encoder = VGGEncoder(weights=weights, layers=["relu1_1"])
    projection = encoder.projections["relu1_1"]
    image = torch.rand(1, 3, 16, 16)
    found = encoder(image, ["relu1_1", projection.source])
    expected = gram_matrix(found["relu1_1"])
    torch.testing.assert_close(
        projected_gram_matrix(found[projection.source], projection), expected
    )
