"""The wiring: schedule, shift, and what is and is not part of the checkpoint."""

import math
from types import SimpleNamespace

import pytest
import torch

from impasto.losses.grid import grid_loss
from impasto.losses.perceptual import PerceptualLoss
from impasto.models.pretrained import random_weights
from impasto.models.transform_net import TransformNet
from impasto.models.vgg import VGGEncoder
from impasto.training.budget import Budget
from impasto.training.module import StyleTransferModule, random_shift


@pytest.fixture
def module():
    weights = random_weights(name="tiny", blocks=[[4, 4], [8]])
    loss = PerceptualLoss(
        encoder=VGGEncoder(weights=weights, layers=["relu2_1", "relu1_1"]),
        content_layers={"relu2_1": 1.0},
        style_layers={"relu1_1": 1.0},
    )
    loss.set_style(torch.rand(1, 3, 32, 32))
    return StyleTransferModule(
        net=TransformNet(width=4, residual_blocks=1),
        loss=loss,
        budget=Budget(steps=100),
        lr=0.5,
        warmup=9,
    )


def test_only_the_network_is_trained_and_saved(module):
    names = {f"net.{name}" for name in module.net.state_dict()}
    assert set(module.state_dict()) == names
    trained = {name for name, item in module.named_parameters() if item.requires_grad}
    assert trained == names
    within = torch.nn.ModuleDict({"module": module}).state_dict()  # as DDP asks
    assert set(within) == {f"module.{name}" for name in names}


def test_a_checkpoint_of_the_network_alone_is_taken_and_leaves_the_loss(module):
    before = {name: item.clone() for name, item in module.loss.state_dict().items()}
    state = {name: item + 1 for name, item in module.state_dict().items()}
    module.load_state_dict(state, strict=module.strict_loading)
    assert all(torch.equal(module.state_dict()[name], item) for name, item in state.items())
    assert before
    assert all(torch.equal(module.loss.state_dict()[name], it) for name, it in before.items())


def test_the_rate_rises_then_follows_a_cosine_to_zero(module):
    config = module.configure_optimizers()
    rate = config["lr_scheduler"]["scheduler"].lr_lambdas[0]
    assert config["optimizer"].defaults["lr"] == 0.5
    assert rate(0) == pytest.approx(0.1)
    assert rate(4) == pytest.approx(0.5 * 0.5 * (1 + math.cos(math.pi * 0.04)))
    assert rate(50) == pytest.approx(0.5)
    assert rate(100) == pytest.approx(0)
    module.schedule = "constant"
    assert rate(50) == 1.0


def test_random_shift_crops_the_same_window_from_both():
    content = torch.rand(2, 3, 40, 48)
    seen = set()
    for seed in range(40):
        draw = torch.Generator().manual_seed(seed)
        stylized, target = random_shift(1 - content, content, limit=8, generator=draw)
        assert target.shape == (2, 3, 32, 40)
        assert torch.equal(stylized, 1 - target)
        seen.add(float(target[0, 0, 0, 0]))
    corners = set(content[0, 0, :8, :8].flatten().tolist())
    assert seen <= corners
    assert len(seen) > 20  # of 64 shifts


def test_no_shift_leaves_both_alone():
    content = torch.rand(1, 3, 20, 20)
    stylized, target = random_shift(content, content, limit=0)
    assert stylized is content
    assert target is content


def test_bf16_and_float32_judge_alike(tiny) -> None:
    """The whole step under autocast: the same terms within 2 %."""
    torch.manual_seed(0)
    loss = PerceptualLoss(
        encoder=VGGEncoder(weights=tiny, layers=["relu2_2"]),
        content_layers={"relu2_1": 1.0},
        style_layers={"relu1_2": 1.0, "relu2_2": 1.0},
        tv_weight=1.0,
    )
    net = TransformNet(width=4, residual_blocks=1)
    loss.set_style(torch.rand(1, 3, 40, 40))
    module = StyleTransferModule(net=net, loss=loss, budget=Budget(steps=1))
    batch = torch.rand(2, 3, 48, 48)
    judged = []
    for low in (False, True):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=low):
            draw = torch.Generator().manual_seed(3)
            judged.append(module.judge(batch, generator=draw)[0])
    exact, rough = judged
    assert exact != rough  # it did go through in bf16
    torch.testing.assert_close(torch.stack(rough), torch.stack(exact), rtol=0.02, atol=0)


def test_instability_is_nothing_for_a_picture_that_stays_and_moves_the_network(module) -> None:
    batch = torch.rand(1, 3, 48, 48)
    draw = torch.Generator().manual_seed(0)
    term = module.instability(batch, module(batch), generator=draw)
    assert term > 0
    term.backward()
    assert all(item.grad is not None for item in module.net.parameters())
    module.net = torch.nn.Identity()
    flat = torch.full((1, 3, 48, 48), 0.5)
    left = module.instability(flat, flat, generator=draw)
    assert float(left) == pytest.approx(0.02**2, rel=0.05)  # the noise


def test_a_grid_is_weighed_and_added_to_the_loss(module, monkeypatch):
    logged = {}
    monkeypatch.setattr(module, "log", lambda name, value: logged.update({name: float(value)}))
    module._trainer = SimpleNamespace(
        global_step=0, global_rank=0, world_size=1, log_every_n_steps=100
    )
    module.grid_weight = 50.0
    made = module.training_step(torch.rand(1, 3, 48, 48), 0)
    grid = 50 * float(grid_loss(made["stylized"]))
    assert grid > 1e-4
    assert logged == {"train/grid": pytest.approx(grid)}
    assert float(made["loss"].detach() - made["terms"].total.detach()) == pytest.approx(
        grid, rel=1e-3
    )


@pytest.mark.parametrize(("limit", "expected"), [(1.0, 1.0), (None, 5.0), (7.0, 5.0)])
def test_gradients_are_clipped_by_their_norm(module, limit, expected):
    first, *_ = module.net.parameters()
    first.grad = torch.zeros_like(first)
    first.grad.view(-1)[:2] = torch.tensor([3.0, 4.0])
    module.configure_gradient_clipping(None, gradient_clip_val=limit)
    assert float(first.grad.norm()) == pytest.approx(expected)
