"""An injected NaN changes nothing but the count; ten in a row end the run."""

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
from impasto.training.callbacks.nan_guard import NanGuard
from impasto.training.module import StyleTransferModule


class Diary(Callback):
    """The state after every step."""

    def __init__(self):
        self.states = []

    def on_train_batch_end(self, trainer, pl_module, *args):
        optimizer = trainer.optimizers[0]
        self.states.append(copy.deepcopy((pl_module.state_dict(), optimizer.state_dict()["state"])))


def flat(state):
    parameters, moments = state
    rows = [parameters[name] for name in sorted(parameters)]
    rows += [moments[index][name] for index in sorted(moments) for name in sorted(moments[index])]
    return torch.cat([row.flatten() for row in rows])


def fit(bad, *, steps, guard=None, poison=math.nan, optimizer="muon", precision="32-true"):
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
    diary, guard = Diary(), guard or NanGuard()
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=steps,
        precision=precision,
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
    return guard, diary


@pytest.mark.parametrize(
    ("optimizer", "precision"),
    [("muon", "32-true"), ("adam", "32-true"), ("muon", "bf16-mixed"), ("adam", "bf16-mixed")],
)
@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_step_that_is_not_finite_changes_neither_parameters_nor_moments(
    poison, optimizer, precision
):
    how = {"optimizer": optimizer, "precision": precision}
    guard, diary = fit({3, 5}, steps=6, poison=poison, **how)
    before, skipped, after, again = (flat(state) for state in diary.states[1:5])
    assert torch.equal(before, skipped)
    assert torch.equal(after, again)
    assert not torch.equal(skipped, after)
    assert torch.isfinite(flat(diary.states[-1])).all()
    assert (guard.skipped, guard.streak) == (2, 0)


def test_the_very_first_step_may_be_skipped():
    guard, diary = fit({1}, steps=3)
    assert guard.skipped == 1
    assert not diary.states[0][1]  # there are no moments yet
    assert torch.isfinite(flat(diary.states[-1])).all()


def test_ten_in_a_row_end_the_run_with_a_sentence():
    guard = NanGuard()
    sentence = r"10 steps in a row were not finite, the last at step 22: .* --lr below 0\.01$"
    with pytest.raises(InputError, match=sentence):
        fit({*range(2, 11), *range(13, 60)}, steps=60, guard=guard)  # nine, then ten
    assert (guard.skipped, guard.streak) == (19, 10)


def test_the_counts_survive_a_checkpoint():
    guard, _ = fit({3, *range(55, 58)}, steps=57)
    other = NanGuard()
    other.load_state_dict(copy.deepcopy(guard.state_dict()))
    assert (other.skipped, other.streak) == (4, 3)


def test_the_counts_of_a_checkpoint_that_kept_whole_states_are_taken():
    guard = NanGuard()
    older = {"returns": 1, "skipped": torch.tensor(12.0), "row": torch.tensor(2.0)}
    guard.load_state_dict({**older, "good": {"module": {}}, "newest": None})
    assert (guard.skipped, guard.streak) == (12, 2)
