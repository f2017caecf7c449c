"""Encoders from files and `lite`; every file that does not fit is refused in one clear line."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from impasto.errors import InputError
from impasto.models.pretrained import load_weights
from impasto.models.vgg import EncoderWeights, VGGEncoder

BATCH_NORM = {"features.1.running_mean": torch.zeros(4), "features.1.weight": torch.ones(4)}
Parameters = dict[str, Tensor]


def refusal(name: object) -> str:
    """The message of the InputError, which has to be one line and name what was asked for."""
    with pytest.raises(InputError) as error:
        load_weights(str(name))
    message = str(error.value)
    assert "\n" not in message
    assert str(name) in message
    return message


def saved(path: Path, parameters: Mapping[str, Tensor], **metadata: str) -> Path:
    save_file(dict(parameters), path, metadata or None)
    return path


def altered(weights: EncoderWeights, changes: Mapping[str, Tensor | None]) -> Parameters:
    """The parameters with some replaced, or left out where None."""
    both = {**weights.parameters, **changes}
    return {key: value for key, value in both.items() if value is not None}


def assert_same(got: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    assert sorted(got) == sorted(expected)
    for key, value in expected.items():
        assert torch.equal(got[key], value), key


@pytest.mark.parametrize("metadata", [{}, {"padding_mode": "circular", "license": "MIT"}])
def test_file_with_and_without_padding_mode(
    tiny: EncoderWeights, tmp_path: Path, metadata: dict[str, str]
) -> None:
    path = saved(tmp_path / "mine.safetensors", tiny.parameters, **metadata)
    weights = load_weights(str(path))
    assert weights.name == "mine.safetensors"
    assert weights.padding_mode == metadata.get("padding_mode", "zeros")
    assert (weights.mean, weights.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert weights.sha256 == tiny.sha256
    assert_same(weights.parameters, tiny.parameters)


def test_file_in_half_precision_is_read_as_float32(tiny: EncoderWeights, tmp_path: Path) -> None:
    half = {key: value.half() for key, value in tiny.parameters.items()}
    weights = load_weights(str(saved(tmp_path / "half.safetensors", half)))
    assert {value.dtype for value in weights.parameters.values()} == {torch.float32}
    assert_same(weights.parameters, {key: value.float() for key, value in half.items()})


def test_file_with_projections(tiny: EncoderWeights, tmp_path: Path) -> None:
    projection = {"lift.relu1_2.weight": torch.ones(9, 5, 1, 1), "lift.relu1_2.bias": torch.ones(9)}
    path = saved(tmp_path / "lifted.safetensors", altered(tiny, projection))
    weights = load_weights(str(path))
    assert weights.projections == ["relu1_2"]
    layers = ["relu1_2", "relu1_2:raw"]
    got = VGGEncoder(weights=weights, layers=layers)(torch.rand(1, 3, 6, 6), layers)
    expected = got["relu1_2:raw"].sum(dim=1, keepdim=True) + 1
    torch.testing.assert_close(got["relu1_2"], expected.expand(1, 9, 6, 6))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"features.0.weight": torch.zeros(4, 1, 3, 3)},
            "conv1_1 has the wrong shape (4, 1, 3, 3)",
        ),
        (
            {"features.5.weight": torch.zeros(6, 4, 3, 3)},
            "conv2_1 has the wrong shape (6, 4, 3, 3)",
        ),
        ({"features.2.weight": torch.zeros(5, 4, 5, 5)}, "conv1_2 has the wrong shape"),
        ({"features.2.weight": torch.zeros(5)}, "conv1_2 has the wrong shape (5,)"),
        ({"features.2.bias": torch.zeros(4)}, "conv1_2 has the wrong shape"),
        ({"features.2.bias": None}, "conv1_2 has the wrong shape"),
        (BATCH_NORM, "give a VGG without batch normalization"),
        ({"lift.relu1_1.weight": torch.zeros(9, 4, 1, 1)}, "projection of relu1_1 is not a 1×1"),
        (
            {"lift.relu2_2.weight": torch.zeros(9, 6, 1, 1), "lift.relu2_2.bias": torch.zeros(9)},
            "the projection of relu2_2 is not a 1×1",
        ),
    ],
)
def test_file_of_another_shape(
    tiny: EncoderWeights, tmp_path: Path, changes: dict[str, Tensor | None], message: str
) -> None:
    assert message in refusal(saved(tmp_path / "odd.safetensors", altered(tiny, changes)))


def test_file_that_is_no_encoder(tiny: EncoderWeights, tmp_path: Path) -> None:
    parameters = {"net.0.weight": torch.zeros(4, 3, 3, 3)}
    path = saved(tmp_path / "other.safetensors", parameters)
    assert "is not a VGG-shaped encoder" in refusal(path)
    path = saved(tmp_path / "padded.safetensors", tiny.parameters, padding_mode="mirror")
    assert "padding_mode must be one of zeros, reflect" in refusal(path)
    whole = saved(tmp_path / "whole.safetensors", tiny.parameters).read_bytes()
    for length in (0, 5, 200, len(whole) - 1):
        (tmp_path / "cut.safetensors").write_bytes(whole[:length])
        assert "is not a readable safetensors file" in refusal(tmp_path / "cut.safetensors")


def test_file_that_is_missing_or_has_another_suffix(tmp_path: Path) -> None:
    assert "was not found: give vgg16, " in refusal(tmp_path / "none.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    assert "was not found" in refusal(tmp_path / "folder.safetensors")
    (tmp_path / "vgg.pth").write_bytes(b"x")
    assert "or an existing .safetensors file" in refusal(tmp_path / "vgg.pth")
    assert "give vgg16, vgg16-features, vgg19, vgg19-features, lite or " in refusal("vgg-16")


def test_lite_comes_with_the_package_and_reaches_relu5_1() -> None:
    lite = load_weights("lite")
    assert lite.name == "lite"
    assert lite.projections == [f"relu{block}_1" for block in range(1, 6)]
    blocks = {1: [16] * 2, 2: [32] * 2, 3: [64] * 4, 4: [128] * 4, 5: [128]}
    widths = [len(lite.parameters[f"features.{i}.weight"]) for i in lite.convolutions.values()]
    assert widths == list(chain(*blocks.values()))
    assert list(lite.convolutions)[-1] == "conv5_1"
    features = VGGEncoder(weights=lite, layers=["relu5_1"])(torch.rand(1, 3, 32, 48), ["relu5_1"])
    assert features["relu5_1"].shape == (1, 512, 2, 3)  # projected
    content, style = lite.default_layers
    VGGEncoder(weights=lite, layers=[*content, *style])  # its own defaults are among its layers
