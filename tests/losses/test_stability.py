"""The stability term: closed forms for networks whose answer to a shift and noise is known."""

import torch

from impasto.losses.stability import BORDER, NOISE, SHIFT, disturb, stability_loss


def test_what_is_disturbed_is_the_photograph_moved_and_noisy() -> None:
    content = torch.rand(2, 3, 40, 48) * 0.6 + 0.2
    seen = set()
    for seed in range(60):
        made, down, across = disturb(content, generator=torch.Generator().manual_seed(seed))
        assert made.shape == (2, 3, 40 - SHIFT, 48 - SHIFT)
        off = made - content[..., down : down + 32, across : across + 40]
        assert abs(float(off.mean())) < 0.002
        assert abs(float(off.std()) / NOISE - 1) < 0.05
        seen.add((down, across))
    assert {down for down, _ in seen} == set(range(SHIFT + 1))


def test_the_same_seed_disturbs_alike() -> None:
    content = torch.rand(1, 3, 32, 32)
    one, other = (disturb(content, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one.content, other.content)
    assert one[1:] == other[1:]


def test_a_network_that_moves_with_its_input_costs_the_noise_alone() -> None:
    content = torch.rand(1, 3, 256, 256) * 0.6 + 0.2
    made, down, across = disturb(content, generator=torch.Generator().manual_seed(0))
    loss = stability_loss(2 * content, 2 * made, down=down, across=across)
    torch.testing.assert_close(loss, torch.tensor([4 * NOISE**2]), rtol=0.05, atol=0)


def test_a_network_tied_to_places_costs_what_they_differ_by() -> None:
    """Its picture is a ramp from left to right, wherever the photograph is."""
    ramp = torch.arange(64.0).expand(1, 3, 48, 64) / 64
    loss = stability_loss(ramp, ramp[..., : 48 - SHIFT, : 64 - SHIFT], down=2, across=5)
    torch.testing.assert_close(loss, torch.tensor([(5 / 64) ** 2]))


def test_edges_do_not_count_and_pictures_of_a_batch_are_apart() -> None:
    one = torch.zeros(2, 3, 48, 48)
    other = torch.zeros(2, 3, 40, 40)
    other[:, :, :BORDER] = other[..., -BORDER:] = 1
    other[1, :, 20, 20] = 1
    loss = stability_loss(one, other, down=0, across=0)
    torch.testing.assert_close(loss, torch.tensor([0.0, 1 / 24**2]))


def test_gradients_reach_both_pictures() -> None:
    one = torch.rand(1, 3, 36, 36, dtype=torch.float64, requires_grad=True)
    other = torch.rand(1, 3, 28, 28, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda a, b: stability_loss(a, b, down=1, across=2), (one, other)
    )
