"""Encoder weights as data: random ones, fingerprints, layers to use, the trained asset."""

from dataclasses import replace

import pytest
import torch

from impasto.models.pretrained import random_weights
from impasto.models.vgg import EncoderWeights, VGGEncoder


def test_random_weights_depend_on_the_seed_alone() -> None:
    made = [random_weights(name="r", blocks=[[4], [8]], seed=seed).sha256 for seed in (3, 3, 4, 2)]
    torch.manual_seed(123)
    made.append(random_weights(name="r", blocks=[[4], [8]], seed=3).sha256)
    assert made[0] == made[1] == made[4]
    assert len(set(made)) == 3


def test_random_weights_are_hes() -> None:
    weights = random_weights(name="r", blocks=[[64, 64], [128]], padding_mode="circular")
    assert weights.convolutions == {"conv1_1": 0, "conv1_2": 2, "conv2_1": 5}
    for index, fan_in in ((2, 64 * 9), (5, 64 * 9)):
        kernel = weights.parameters[f"features.{index}.weight"]
        assert kernel.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.02)
        assert not weights.parameters[f"features.{index}.bias"].any()
    encoder = VGGEncoder(weights=weights, layers=["relu2_1"])
    assert {conv.padding_mode for conv in encoder.convs} == {"circular"}
    # what leaves on the right comes in on the left, so the features move with the picture
    image = torch.rand(1, 3, 8, 8)
    rolled = encoder(image.roll(2, dims=3), ["relu2_1"])["relu2_1"]
    torch.testing.assert_close(rolled, encoder(image, ["relu2_1"])["relu2_1"].roll(1, dims=3))


def test_fingerprint_is_of_the_parameters(tiny: EncoderWeights) -> None:
    copied = {key: value.clone() for key, value in reversed(tiny.parameters.items())}
    assert replace(tiny, name="copy", parameters=copied).sha256 == tiny.sha256
    as_double = {key: value.double() for key, value in copied.items()}
    assert replace(tiny, parameters=as_double).sha256 == tiny.sha256
    copied["features.5.weight"][1, 2, 0, 1] += 1e-6
    changed = replace(tiny, parameters=copied).sha256
    renamed = {key.replace("features.5", "features.6"): v for key, v in tiny.parameters.items()}
    assert len({tiny.sha256, changed, replace(tiny, parameters=renamed).sha256}) == 3


def test_default_layers_without_and_with_projections(tiny: EncoderWeights) -> None:
    johnson = ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]
    assert tiny.default_layers == (["relu2_2"], johnson)
    projections = {f"lift.relu{block}_1.weight": torch.empty(1) for block in (5, 4, 2, 1)}
    projected = replace(tiny, parameters={**tiny.parameters, **projections})
    assert projected.projections == ["relu1_1", "relu2_1", "relu4_1", "relu5_1"]
    assert projected.default_layers == (["relu2_1"], ["relu1_1", "relu2_1", "relu4_1"])


def test_the_trained_quarter(quarter: EncoderWeights) -> None:
    widths = {name: len(quarter.parameters[f"features.{index}.weight"])
              for name, index in quarter.convolutions.items()}  # fmt: skip
    depths = {1: 2, 2: 2, 3: 4, 4: 4, 5: 1}
    expected = {1: 16, 2: 32, 3: 64, 4: 128, 5: 128}
    assert widths == {
        f"conv{b}_{d}": expected[b] for b, n in depths.items() for d in range(1, n + 1)
    }
    assert quarter.padding_mode == "reflect"
    assert quarter.projections == [f"relu{block}_1" for block in expected]
    assert sum(p.numel() for p in quarter.parameters.values()) == 964_176
    layers = [*quarter.projections, "relu4_1:raw"]
    features = VGGEncoder(weights=quarter, layers=layers)(torch.rand(1, 3, 33, 48), layers)
    shapes = [(64, 33, 48), (128, 16, 24), (256, 8, 12), (512, 4, 6), (512, 2, 3), (128, 4, 6)]
    assert [tuple(value.shape[1:]) for value in features.values()] == shapes
