"""Muon for convolutions, against torch's own and against what its inventors promise."""

import copy

import pytest
import torch
from torch import Tensor, nn

from impasto.training.muon import Muon, orthogonalise

TOLERANCE = 0.05  # of a step: torch iterates in bf16, we where the processor is good at it


def small_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.Conv2d(16, 8, 3), nn.Conv2d(8, 3, 3))


def learn(net: nn.Module, optimizer: torch.optim.Optimizer, *, steps: int, seed: int = 0) -> None:
    draw = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        net(torch.randn(2, 3, 12, 12, generator=draw)).square().sum().backward()
        optimizer.step()


def test_singular_values_are_about_one_and_the_vectors_stay() -> None:
    u, _, v = torch.linalg.svd(torch.randn(2, 6, 40, generator=torch.Generator().manual_seed(1)))
    matrices = u @ torch.diag(torch.tensor([3.0, 2, 1, 0.5, 0.3, 0.1])) @ v[:, :6]
    for given in (matrices, matrices.mT):
        made = orthogonalise(given)
        inside = u.mT @ (made if given is matrices else made.mT) @ v[:, :6].mT
        values = inside.diagonal(dim1=-2, dim2=-1)
        assert values.min() > 0.6
        assert values.max() < 1.3
        assert (inside - torch.diag_embed(values)).abs().max() < TOLERANCE


def test_convolutions_go_as_with_torchs_muon_on_matrices() -> None:
    net = small_net()
    inner = net[1].get_parameter("weight")
    before = inner.detach().clone()
    matrix = nn.Parameter(before.flatten(1).clone())
    theirs = torch.optim.Muon([matrix], lr=0.02, weight_decay=0.0)
    ours = Muon(net.parameters(), lr=1e-3, ratio=20)
    for seed in range(3):
        gradient = torch.randn(inner.shape, generator=torch.Generator().manual_seed(seed))
        for parameter in net.parameters():
            parameter.grad = torch.zeros_like(parameter)
        inner.grad, matrix.grad = gradient, gradient.flatten(1).clone()
        ours.step()
        theirs.step()
    moved, expected = inner - before, matrix.view(inner.shape) - before
    assert (moved - expected).norm() < TOLERANCE * expected.norm()
    assert inner.grad is gradient


def test_everything_else_goes_as_with_adam() -> None:
    net = small_net()
    twin = copy.deepcopy(net)
    ours = Muon(net.parameters(), lr=1e-3)
    inner = net[1].get_parameter("weight")
    rest = [(n, p) for n, p in twin.named_parameters() if n != "1.weight"]
    theirs = torch.optim.Adam([p for _, p in rest], lr=1e-3, fused=True)
    learn(net, ours, steps=1)
    for name, parameter in rest:
        parameter.grad = net.get_parameter(name).grad
    theirs.step()
    for name, parameter in rest:
        torch.testing.assert_close(net.get_parameter(name), parameter, rtol=0, atol=0)
    assert not torch.equal(inner, twin[1].get_parameter("weight"))


def test_a_loaded_state_goes_on_bit_for_bit() -> None:
    net = small_net()
    optimizer = Muon(net.parameters(), lr=1e-3)
    learn(net, optimizer, steps=3)
    twin = copy.deepcopy(net)
    loaded = Muon(twin.parameters(), lr=1e-3)
    loaded.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for one, its in ((net, optimizer), (twin, loaded)):
        learn(one, its, steps=3, seed=1)
    for left, right in zip(net.parameters(), twin.parameters(), strict=True):
        assert torch.equal(left, right)


@pytest.mark.parametrize("shape", [(3, 16, 3, 3), (16, 3, 9, 9)])
def test_convolutions_from_or_to_rgb_are_left_to_adam(shape: tuple[int, ...]) -> None:
    optimizer = Muon([nn.Parameter(torch.ones(shape))], lr=1e-3)
    assert [group["orthogonal"] for group in optimizer.param_groups] == [False]


def test_the_closure_is_called_with_gradients_on_and_its_value_returned() -> None:
    net = small_net()

    def closure() -> Tensor:
        loss: Tensor = net(torch.ones(1, 3, 12, 12)).square().sum()
        loss.backward()
        return loss

    assert Muon(net.parameters(), lr=1e-3).step(closure).item() > 0
