import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

from impasto.models.layers import InstanceNorm, ReflectConv2d, reflect_pad

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def picture(*shape: int, layout: torch.memory_format = torch.contiguous_format) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    image = torch.randn(shape, generator=generator, dtype=torch.float64)
    return image.contiguous(memory_format=layout).requires_grad_()


@pytest.mark.parametrize("margin", [1, 4])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_padding_and_its_gradient_are_torchs(margin: int, layout: torch.memory_format) -> None:
    x = picture(2, 3, 7, 9, layout=layout)
    gradient = picture(2, 3, 7 + 2 * margin, 9 + 2 * margin, layout=layout).detach()
    theirs = F.pad(x, [margin] * 4, mode="reflect")
    ours = reflect_pad(x, margin)
    assert torch.equal(ours, theirs)
    expected = torch.autograd.grad(theirs, x, gradient)
    torch.testing.assert_close(torch.autograd.grad(ours, x, gradient), expected)


def test_padding_where_both_margins_mirror_the_same_pixels() -> None:
    assert torch.autograd.gradcheck(lambda x: reflect_pad(x, 4), picture(1, 1, 5, 6))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_instance_norm_and_its_gradients_are_torchs(layout: torch.memory_format) -> None:
    x = picture(2, 3, 5, 6, layout=layout)
    ours, theirs = (
        InstanceNorm(channels=3).double(),
        torch.nn.InstanceNorm2d(3, affine=True).double(),
    )
    with torch.no_grad():
        ours.weight.copy_(torch.tensor([0.5, -2.0, 3.0]))
        ours.bias.copy_(torch.tensor([1.0, 0.0, -1.0]))
    theirs.load_state_dict(ours.state_dict())
    gradient = picture(2, 3, 5, 6, layout=layout).detach()
    found, expected = (
        (norm(x), *torch.autograd.grad(norm(x), [x, norm.weight, norm.bias], gradient))
        for norm in (ours, theirs)
    )
    torch.testing.assert_close(found, expected)
    assert found[1].is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_parameters_an_image_are_those_of_its_own_norm(layout: torch.memory_format) -> None:
    x, gradient = picture(2, 3, 5, 6, layout=layout), picture(2, 3, 5, 6, layout=layout).detach()
    weight, bias = picture(2, 3), picture(1, 2, 3)[0]
    norm = InstanceNorm(channels=3).double()
    found = functional_call(norm, {"weight": weight, "bias": bias}, (x,))
    # not F.instance_norm, whose gradients are wrong for one image in channels_last (torch 2.13)
    mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, correction=0)
    normalized = (x - mean) / (variance + norm.eps).sqrt()
    expected = normalized * weight[..., None, None] + bias[..., None, None]
    torch.testing.assert_close(found, expected)
    assert found.is_contiguous(memory_format=layout)
    for theirs, ours in zip(
        torch.autograd.grad(expected, [x, weight, bias], gradient),
        torch.autograd.grad(found, [x, weight, bias], gradient),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("images", [1, 2])
def test_gradients_of_parameters_an_image_are_numerical_ones(images: int) -> None:
    norm = InstanceNorm(channels=2).double()

    def apply(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return functional_call(norm, {"weight": weight, "bias": bias}, (x,))

    assert torch.autograd.gradcheck(
        apply, [picture(2, 2, 3, 4), picture(images, 2), picture(1, images, 2)[0]]
    )


def test_parameters_an_image_keep_the_type_of_the_features() -> None:
    norm = InstanceNorm(channels=3)
    given = {"weight": torch.ones(2, 3), "bias": torch.zeros(2, 3)}
    for device in ("cpu", "meta"):
        x = torch.ones(2, 3, 4, 4, dtype=torch.bfloat16, device=device)
        there = {name: value.to(device) for name, value in given.items()}
        assert functional_call(norm, there, (x,)).dtype == torch.bfloat16


def test_instance_norm_has_no_constant_to_lose() -> None:
    norm = InstanceNorm(channels=2)
    assert norm(torch.full((1, 2, 4, 4), 7.0)).abs().max() < 1e-3  # float32, times eps^-0.5 = 316


def test_elsewhere_than_on_a_cpu_torchs_own_operators_are_taken() -> None:
    x = torch.rand(2, 3, 8, 8, device="meta", requires_grad=True)
    padded, normalised = reflect_pad(x, 1), InstanceNorm(channels=3).to("meta")(x)
    assert padded.shape == (2, 3, 10, 10)
    assert normalised.shape == x.shape
    names = [type(y.grad_fn).__name__ for y in (padded, normalised)]
    assert names == ["ReflectionPad2DBackward0", "ViewBackward0"]


@pytest.mark.parametrize("size", [1, 3, 9])
def test_a_reflecting_convolution_is_torchs(size: int) -> None:
    ours = ReflectConv2d(3, 4, size, 2).double()
    theirs = torch.nn.Conv2d(3, 4, size, 2, padding=size // 2, padding_mode="reflect").double()
    theirs.load_state_dict(ours.state_dict())
    x = picture(2, 3, 10, 11)
    torch.testing.assert_close(ours(x), theirs(x))
