"""An injected NaN changes nothing but the count; too many take the run back, then end it."""

import copy
import math
import warnings

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch.utils.data import DataLoader

from impasto.errors import InputError
from impasto.losses.perceptual import PerceptualLoss
from impasto.models.pretrained import random_weights
from impasto.models.transform_net import TransformNet
from impasto.models.vgg import VGGEncoder
from impasto.training.budget import Budget
from impasto.training.callbacks.nan_guard import NanGuard, clip_or_skip, poisoned
from impasto.training.module import StyleTransferModule


class Diary(Callback):
    """The state after every step."""

    def __init__(self):
        self.states = []
        self.rates = []

    def on_train_batch_end(self, trainer, pl_module, *args):
        optimizer = trainer.optimizers[0]
        self.states.append(copy.deepcopy((pl_module.state_dict(), optimizer.state_dict()["state"])))
        self.rates.append(optimizer.param_groups[0]["lr"])


def flat(state):
    parameters, moments = state
    rows = [parameters[name] for name in sorted(parameters)]
    rows += [moments[index][name] for index in sorted(moments) for name in sorted(moments[index])]
    return torch.cat([row.flatten() for row in rows])


def fit(bad, *, steps, guard=None, poison=math.nan, optimizer="muon"):
    """Learn from noise, a photograph of `poison` at the steps in `bad`, counted from 1."""
    torch.manual_seed(0)
    loss = PerceptualLoss(
        encoder=VGGEncoder(weights=random_weights(name="tiny", blocks=[[4]]), layers=["relu1_1"]),
        content_layers={"relu1_1": 1.0},
        style_layers={"relu1_1": 1.0},
    )
    loss.set_style(torch.rand(1, 3, 16, 16))
    module = StyleTransferModule(
        net=TransformNet(width=2, residual_blocks=1),
        loss=loss,
        budget=Budget(steps=steps),
        optimizer=optimizer,
        lr=0.01,
        schedule="constant",
        warmup=0,
        shift=0,
    )
    photos = torch.rand(steps, 1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    for step in bad:
        photos[step - 1] = poison
    diary, said = Diary(), []
    guard = guard or NanGuard(say=said.append)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=steps,
        gradient_clip_val=1.0,
        callbacks=[guard, diary],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, DataLoader(list(photos), batch_size=None))
    return guard, diary, said


@pytest.mark.parametrize("optimizer", ["muon", "adam"])
@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_step_that_is_not_finite_changes_neither_parameters_nor_moments(poison, optimizer):
    guard, diary, said = fit({3, 5}, steps=6, poison=poison, optimizer=optimizer)
    before, skipped, after, again = (flat(state) for state in diary.states[1:5])
    assert torch.equal(before, skipped)
    assert torch.equal(after, again)
    assert not torch.equal(skipped, after)
    assert torch.isfinite(flat(diary.states[-1])).all()
    assert (guard.skipped, guard.row, guard.returns) == (2, 0, 0)
    assert said == ["2 steps were skipped: their loss or gradient was not finite"]


def test_ten_in_a_row_take_the_last_good_state_back_at_half_the_rate():
    guard, diary, said = fit({*range(65, 81)}, steps=85)
    assert (guard.skipped, guard.row, guard.returns) == (16, 0, 1)
    assert torch.equal(flat(diary.states[78]), flat(diary.states[63]))  # skipped since 65
    assert torch.equal(flat(diary.states[79]), flat(diary.states[49]))  # kept at 50, good by 60
    assert diary.rates[:79] == [0.01] * 79
    assert diary.rates[79:] == [0.005] * 6
    assert not torch.equal(flat(diary.states[84]), flat(diary.states[79]))  # learns again
    assert said[0].startswith("16 steps in a row were not finite at step 80: back to the last good")


def test_a_state_that_leads_to_nothing_finite_is_never_called_good():
    _, diary, _ = fit({*range(52, 71)}, steps=72)
    begin = fit((), steps=1)[0]._good
    assert begin is not None
    state = begin["module"], begin["optimizer"]["state"]
    assert torch.equal(flat(diary.states[69])[: len(flat(state))], flat(state))


def test_after_so_many_returns_it_ends_with_a_sentence():
    guard = NanGuard(say=str, retries=2)
    with pytest.raises(InputError, match=r"10 steps in a row .* at step 40, and 2 returns .* --lr"):
        fit(range(11, 60), steps=60, guard=guard)
    assert guard.returns == 2


def test_what_the_guard_knows_survives_a_checkpoint():
    guard, _, _ = fit({3, *range(55, 58)}, steps=57)
    other = NanGuard(say=str)
    other.load_state_dict(copy.deepcopy(guard.state_dict()))
    assert (other.skipped, other.row) == (4, 3)
    assert other._newest is not None
    assert torch.equal(*(flat((g._newest["module"], {})) for g in (guard, other)))


def test_a_poisoned_loss_is_itself_or_poisons_its_gradient():
    for value in (2.5, math.inf, math.nan):
        x = torch.tensor(value, requires_grad=True)
        # a finite gradient of an infinite loss, as a sum of squares that overflows has it
        loss = poisoned(x)
        loss.backward()
        assert math.isfinite(float(x.grad)) == math.isfinite(value)
    assert float(poisoned(torch.tensor(2.5))) == 2.5


@pytest.mark.parametrize(("limit", "expected"), [(1.0, 1.0), (0, 5.0), (7.0, 5.0)])
def test_gradients_are_clipped_by_norm(limit, expected):
    parameter = torch.nn.Parameter(torch.zeros(2))
    parameter.grad = torch.tensor([3.0, 4.0])
    optimizer = torch.optim.Adam([parameter], fused=True)
    clip_or_skip(optimizer, limit=limit)
    assert float(parameter.grad.norm()) == pytest.approx(expected)
    assert float(optimizer.found_inf) == 0
