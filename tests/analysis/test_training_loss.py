"""The loss of the training, found again by name and SHA-256, or refused in a sentence."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from trained import about, save_encoder, save_style

from impasto.analysis.training_loss import load_training_loss
from impasto.data.locate import find_style
from impasto.data.tensors import to_tensor
from impasto.errors import InputError
from impasto.images.io import load_image
from impasto.inference.stylizer import Stylizer
from impasto.losses.perceptual import PerceptualLoss
from impasto.models import caffe
from impasto.models.pretrained import load_weights, random_weights
from impasto.models.vgg import EncoderWeights, VGGEncoder


@pytest.fixture
def encoder(tiny: EncoderWeights, tmp_path: Path) -> Path:
    """The file that the style was trained by."""
    return save_encoder(tiny, tmp_path / "there" / "tiny.safetensors")


@pytest.fixture
def model(encoder: Path, tmp_path: Path) -> Stylizer:
    return Stylizer(save_style(tmp_path / "tiny.onnx", about(str(encoder))))


def test_it_is_the_very_loss_of_the_training(
    model: Stylizer, encoder: Path, tiny: EncoderWeights
) -> None:
    trained = load_training_loss(model)
    loss = PerceptualLoss(
        encoder=VGGEncoder(weights=tiny, layers=["relu2_2"]),
        content_layers={"relu2_1": 1.0},
        style_layers={"relu1_1": 0.5, "relu2_2": 2.0},
        style_weight=3.0,
        tv_weight=0.5,
        content_match="structure",
        loss_scale="mean",
    )
    loss.set_style(to_tensor(load_image(find_style("starry"), short_side=40)))
    image = torch.rand((1, 3, 24, 32), generator=torch.Generator().manual_seed(0))
    content = image.flip(3)
    for ours, theirs in zip(
        trained.loss(image, trained.loss.content_target(content)),
        loss(image, loss.content_target(content)),
        strict=True,
    ):
        assert torch.equal(ours, theirs)
    assert trained.about["encoder_sha256"] == tiny.sha256
    assert trained.about["style_layers"] == {"relu1_1": 0.5, "relu2_2": 2.0}


def test_a_preset_gives_another_loss_for_the_same_painting(
    model: Stylizer, encoder: Path, tmp_path: Path
) -> None:
    other = random_weights(name="other", blocks=[[4, 5], [6, 7]], seed=2)
    ruler, preset = save_encoder(other, tmp_path / "other.safetensors"), tmp_path / "plain.yaml"
    preset.write_text(
        f"encoder: {ruler}\ncontent_layers: [relu1_2]\nstyle_layers: [relu2_2]\nsteps: 9\n"
        "image_size: 32\nstyle_weight: 2.0\ntv_weight: 0.25\n"
    )
    trained = load_training_loss(model, preset=str(preset))
    loss = PerceptualLoss(
        encoder=VGGEncoder(weights=other, layers=["relu2_2"]),
        content_layers={"relu1_2": 1.0},
        style_layers={"relu2_2": 1.0},
        style_weight=2.0,
        tv_weight=0.25,
        content_match="structure",
    )
    loss.set_style(to_tensor(load_image(find_style("starry"), short_side=512)))
    image = torch.rand((1, 3, 24, 32), generator=torch.Generator().manual_seed(0))
    ours = trained.loss(image, trained.loss.content_target(image.flip(3)))
    assert ours == loss(image, loss.content_target(image.flip(3)))
    about = trained.about
    assert (about["preset"], about["encoder"]) == ("plain.yaml", "other.safetensors")
    assert (about["style_size"], about["encoder_sha256"]) == (512, other.sha256)
    with_ours = load_training_loss(model, preset=str(preset), encoder=str(encoder))
    assert with_ours.about["encoder"] == "tiny.safetensors"
    assert "preset" not in load_training_loss(model).about
    preset.write_text("content_layers: [relu1_9]\nencoder: lite\n")
    with pytest.raises(InputError, match="no layer 'relu1_9'"):
        load_training_loss(model, preset=str(preset))


def test_an_encoder_that_moved_is_found_by_flag(
    model: Stylizer, encoder: Path, tmp_path: Path, tiny: EncoderWeights
) -> None:
    encoder.rename(tmp_path / "moved.safetensors")
    with pytest.raises(InputError, match=r"the encoder tiny.safetensors .*: --encoder names it"):
        load_training_loss(model)
    given = load_training_loss(model, encoder=str(tmp_path / "moved.safetensors"))
    assert given.about["encoder_sha256"] == tiny.sha256


def test_a_package_that_has_the_encoder_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_style(tmp_path / "a.onnx", about("vgg19-features"))
    assert load_training_loss(Stylizer(path)).about["encoder"] == "vgg19-features"
    monkeypatch.setattr(caffe, "PACKAGE", "no-package-has-this-name")
    with pytest.raises(InputError) as error:
        load_training_loss(Stylizer(path))
    assert str(error.value).startswith(
        f"the encoder that {path} was trained with is not here: vgg19-features needs the package"
    )


def test_another_encoder_of_that_name_is_refused(
    model: Stylizer, encoder: Path, tiny: EncoderWeights
) -> None:
    other = random_weights(name="tiny", blocks=[[4, 5], [6, 7], [8]], seed=2)
    save_encoder(other, encoder)
    with pytest.raises(InputError, match=f"SHA-256 {tiny.sha256[:12]}"):
        load_training_loss(model)
    with pytest.raises(InputError, match=r"is not the tiny\.safetensors that") as error:
        load_training_loss(model, encoder=str(encoder))
    assert other.sha256[:12] in str(error.value)
    assert tiny.sha256[:12] in str(error.value)


def test_lite_is_inside_the_package(tmp_path: Path) -> None:
    model = Stylizer(save_style(tmp_path / "x.onnx", about("lite")))
    assert load_training_loss(model).about["encoder_sha256"] == load_weights("lite").sha256
    other = save_encoder(random_weights(name="other", blocks=[[4]]), tmp_path / "o.safetensors")
    with pytest.raises(InputError, match="is not the lite that"):
        load_training_loss(model, encoder=str(other))


def test_another_painting_is_refused(model: Stylizer, tmp_path: Path) -> None:
    copy = shutil.copy(find_style("starry"), tmp_path / "same.jpg")
    assert load_training_loss(model, style=str(copy)).about["style"] == "same.jpg"
    (tmp_path / "same.jpg").write_bytes((tmp_path / "same.jpg").read_bytes() + b"\0")
    with pytest.raises(InputError, match=r"same.jpg \(SHA-256 \w{12}\) is not the painting"):
        load_training_loss(model, style=str(copy))
    with pytest.raises(InputError, match=r"painting gone\.jpg .* is not there: --style names it"):
        load_training_loss(model, style="gone.jpg")


@pytest.mark.parametrize("key", ["settings", "encoder_sha256", "style_sha256"])
def test_a_file_that_does_not_say_is_refused(encoder: Path, tmp_path: Path, key: str) -> None:
    metadata = about(str(encoder))
    del metadata[key]
    with pytest.raises(InputError, match=f"does not say what it was trained on .{key}"):
        load_training_loss(Stylizer(save_style(tmp_path / "y.onnx", metadata)))


@pytest.mark.parametrize(("setting", "before"), [("content_match", "features")])
def test_files_older_than_a_setting_were_trained_without(
    encoder: Path, tmp_path: Path, setting: str, before: object
) -> None:
    metadata = about(str(encoder))
    settings = json.loads(metadata["settings"])
    assert settings.pop(setting) != before
    metadata["settings"] = json.dumps(settings)
    older = Stylizer(save_style(tmp_path / "older.onnx", metadata))
    assert load_training_loss(older).about[setting] == before


@pytest.mark.parametrize("settings", ["[", "[]", json.dumps({"style": "starry.jpg"})])
def test_settings_of_another_kind_are_refused(encoder: Path, tmp_path: Path, settings: str) -> None:
    metadata = about(str(encoder)) | {"settings": settings}
    with pytest.raises(InputError, match=r"does not say what it was trained on \(.*style_size"):
        load_training_loss(Stylizer(save_style(tmp_path / "z.onnx", metadata)))
