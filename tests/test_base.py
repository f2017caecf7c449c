import json
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.base.__main__ import main
from impasto.base.turns import Plan, learn_in_turns, recolour
from impasto.images import save_image
from impasto.losses import PerceptualLoss
from impasto.net import TransformNet
from impasto.runtime import Stylizer
from impasto.vgg import EncoderWeights, VGGEncoder

TAPS = ["relu1_1", "relu2_1"]


def loss_of(tiny: EncoderWeights) -> PerceptualLoss:
    return PerceptualLoss(
        encoder=VGGEncoder(weights=tiny, taps=TAPS),
        content_layers={"relu2_1": 1.0},
        style_layers=dict.fromkeys(TAPS, 1.0),
    )


def test_a_turn_goes_part_of_the_way(tiny: EncoderWeights) -> None:
    images = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    ends = {}
    for slow in (1.0, 0.25):
        torch.manual_seed(0)
        net = TransformNet(width=2, residual_blocks=1)
        begin = torch.nn.utils.parameters_to_vector(net.parameters()).detach().clone()
        plan = Plan(turns=1, steps_a_turn=3, lr=1e-2, slow=slow)
        learn_in_turns(net, loss_of(tiny), plan=plan, styles=repeat(images), photos=repeat(images))
        ends[slow] = torch.nn.utils.parameters_to_vector(net.parameters()).detach() - begin
    assert ends[1.0].abs().max() > 1e-4
    torch.testing.assert_close(ends[0.25], 0.25 * ends[1.0], rtol=1e-3, atol=1e-6)


def test_the_loss_falls_turn_by_turn(tiny: EncoderWeights) -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    photos = torch.rand(2, 3, 40, 40, generator=generator)
    styles = (torch.rand(1, 3, 40, 40, generator=generator) ** power for power in (1, 3) * 20)
    totals: list[float] = []
    learn_in_turns(
        TransformNet(width=4, residual_blocks=1),
        loss_of(tiny),
        plan=Plan(turns=40, steps_a_turn=2, lr=5e-3),
        styles=styles,
        photos=repeat(photos),
        tick=lambda turn, terms: totals.append(float(terms.total)),
    )
    assert sum(totals[-4:]) < 0.7 * sum(totals[:4])


def test_recoloured_paintings_have_the_same_values_or_their_negatives() -> None:
    style = torch.rand(1, 3, 4, 4)
    kinds = set()
    for seed in range(40):
        found = recolour(style, seed=seed)
        negative = not torch.isclose(found.sum(), style.sum())
        same = torch.sort((1 - found if negative else found).flatten()).values
        torch.testing.assert_close(same, torch.sort(style.flatten()).values)
        kinds.add(negative)
    assert kinds == {False, True}


def test_the_command_writes_a_network_that_says_how_it_was_made(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(3):
        image = np.random.default_rng(index).random((40, 40, 3)).astype(np.float32)
        save_image(image, folder / f"{index}.png")
    output = tmp_path / "new" / "base.onnx"
    sizes = ["--image-size", "40", "--style-size", "32", "--width", "2", "--batch-size", "1"]
    length = ["--turns", "3", "--steps-a-turn", "1", "--encoder", "lite"]
    where = ["--styles", str(folder), "--photos", str(folder), "--output", str(output)]
    assert main([*sizes, *length, *where]) == 0
    base = Stylizer(output)
    assert base.metadata["steps"] == "3"
    assert json.loads(base.metadata["settings"])["steps_a_turn"] == 1
    assert base(np.zeros((16, 20, 3), np.float32)).shape == (16, 20, 3)


def test_an_empty_folder_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--styles", str(tmp_path), "--photos", str(tmp_path), "--encoder", "lite"]
    assert main([*flags, "--output", str(tmp_path / "b.onnx")]) == 2
    assert f"no pictures in {tmp_path}: name a folder" in capsys.readouterr().err
