"""`kept` and `style_error` in closed form, on encoders whose features a test knows."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.analysis.verdict import KEPT_LAYERS, LAYERS, STYLE_LAYERS, Judge, kept, style_error
from impasto.errors import InputError
from impasto.images.io import RGB
from impasto.losses.gram import gram_matrix
from impasto.models.pretrained import random_weights
from impasto.models.vgg import EncoderWeights

GENERATOR = torch.Generator().manual_seed(0)
PHOTO = torch.rand((1, 3, 24, 32), generator=GENERATOR)
KERNEL = torch.randn((6, 3, 3, 3), generator=GENERATOR)
BLOCKS = [[4, 5], [6, 7], [8, 8, 8], [9, 9, 9]]  # VGG-16's to relu4_3, thin


def identity(image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
    return dict.fromkeys(layers, image)


def convolution(image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
    return dict.fromkeys(layers, torch.nn.functional.conv2d(image, KERNEL))


@pytest.fixture(params=[identity, convolution])
def encode(request: pytest.FixtureRequest) -> Callable[..., dict[str, Tensor]]:
    return request.param


def scaled(features: dict[str, Tensor], gain: float) -> dict[str, Tensor]:
    return {layer: gain * feature for layer, feature in features.items()}


def test_a_photograph_keeps_itself_and_its_negative_the_contrary(encode) -> None:
    photo = encode(PHOTO, KEPT_LAYERS)
    assert kept(photo, photo) == pytest.approx(1, abs=1e-12)
    assert kept(scaled(photo, -1), photo) == pytest.approx(-1, abs=1e-12)


def test_contrast_and_brightness_of_a_channel_do_not_matter(encode) -> None:
    photo = encode(PHOTO, KEPT_LAYERS)
    channels = photo["relu2_2"].shape[1]
    gain = torch.linspace(0.2, 5, channels).view(1, -1, 1, 1)
    shift = torch.linspace(-3, 3, channels).view(1, -1, 1, 1)
    changed = {layer: gain * feature + shift for layer, feature in photo.items()}
    assert kept(changed, photo) == pytest.approx(1, abs=1e-6)


def test_noise_keeps_nothing() -> None:
    noise = torch.rand((1, 3, 96, 128), generator=GENERATOR)
    photo = torch.rand((1, 3, 96, 128), generator=GENERATOR)
    assert abs(kept(identity(noise, KEPT_LAYERS), identity(photo, KEPT_LAYERS))) < 0.03


def test_channels_weigh_by_the_variance_of_the_photograph_and_layers_alike() -> None:
    wave = torch.tensor([1.0, -1.0, 1.0, -1.0]).view(1, 1, 2, 2)
    other = torch.tensor([1.0, 1.0, -1.0, -1.0]).view(1, 1, 2, 2)
    photo = torch.cat([3 * wave, wave, torch.zeros_like(wave)], dim=1)  # variances 9 : 1 : 0
    picture = torch.cat([other, wave, wave], dim=1)  # correlations 0, 1, none
    assert kept({"a": picture}, {"a": photo}, layers=["a"]) == pytest.approx(0.1)
    features, there = {"a": picture, "b": photo}, {"a": photo, "b": photo}
    assert kept(features, there, layers=["a", "b"]) == pytest.approx((0.1 + 1) / 2)


def test_of_nothing_nothing_is_kept() -> None:
    flat, photo = torch.full((1, 3, 8, 8), 0.5), PHOTO[..., :8, :8]
    assert kept({"a": photo}, {"a": flat}, layers=["a"]) == 0
    assert kept({"a": flat}, {"a": photo}, layers=["a"]) == 0


def test_the_style_error_in_closed_form(encode) -> None:
    painting = encode(PHOTO, STYLE_LAYERS)
    grams = {layer: gram_matrix(feature) for layer, feature in painting.items()}
    assert style_error(painting, grams) == 0
    assert style_error(scaled(painting, 2), grams) == pytest.approx(9, rel=1e-5)  # (4 - 1)²
    assert style_error(scaled(painting, 0), grams) == pytest.approx(1, rel=1e-5)
    moved = {layer: feature.flip(2) for layer, feature in painting.items()}
    assert style_error(moved, grams) == pytest.approx(0, abs=1e-9)  # places do not count
    one_off = {**painting, "relu2_2": 2 * painting["relu2_2"]}
    assert style_error(one_off, grams) == pytest.approx(9 / 4, rel=1e-5)


def picture(seed: int, height: int = 32, width: int = 40) -> RGB:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


def test_a_judge_takes_the_layers_of_the_encoder() -> None:
    weights = random_weights(name="thin", blocks=BLOCKS)
    painting, photo, made = picture(0, 48, 48), picture(1), picture(2)
    judge = Judge(weights=weights, painting=painting)
    seen, features = judge.look(photo), judge.look(made)
    assert [seen[layer].shape[1] for layer in LAYERS] == [7, 8, 5, 9]
    verdict = judge(features, seen)
    assert verdict.kept == kept(features, seen)
    grams = {layer: gram_matrix(each) for layer, each in judge.look(painting).items()}
    assert verdict.style_error == style_error(features, grams)
    assert judge(seen, seen).kept == pytest.approx(1, abs=1e-12)
    assert judge(judge.look(painting), judge.look(painting)).style_error == 0


def test_an_encoder_without_a_layer_is_refused(tiny: EncoderWeights) -> None:
    with pytest.raises(
        InputError, match=r"encoder tiny has no layer 'relu3_3': choose from relu1_1"
    ):
        Judge(weights=tiny, painting=picture(0))
