"""Names and defaults become files; defaults that are missing are replaced, names never."""

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.config.settings import TrainSettings
from impasto.data.locate import find_style
from impasto.errors import InputError
from impasto.export.onnx_export import export_onnx
from impasto.inference.any_style import AnyStyle
from impasto.losses import build
from impasto.losses.build import layer_weights
from impasto.models.fast_net import FastNet
from impasto.models.pretrained import load_weights
from impasto.models.transform_net import TransformNet
from impasto.training.build import resolve
from impasto.training.warm_start import initialise, load_checkpoint

PAINTED = {"painting": np.full((64, 80, 3), 0.5, np.float32), "short_side": 64}


@pytest.fixture
def painting(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no COCO here
    path = tmp_path / "My Painting.png"
    Image.fromarray(np.full((50, 80, 3), 90, np.uint8)).save(path)
    return path


def test_defaults_are_filled_in_and_said(painting, monkeypatch, caplog):
    caplog.set_level("INFO", logger="impasto")
    monkeypatch.setattr(build, "default_weights", lambda: load_weights("lite"))
    found = resolve(TrainSettings(style=str(painting), style_size=96))
    said = caplog.messages
    assert "COCO not found: learning from 6 sample photographs" in said[0]
    assert "make coco" in said[0]
    settings = found.settings
    assert (settings.name, settings.photos, settings.encoder) == ("My_Painting", "samples", "lite")
    assert settings.output_dir == "checkpoints/My_Painting"
    assert settings.style_layers == ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
    assert settings.content_layers == ["relu2_1"]
    assert settings.style_size == 96
    assert found.style.shape == (1, 3, 96, 154)
    assert torch.allclose(found.style, torch.tensor(90 / 255))


def test_resolved_settings_resolve_to_themselves_without_a_choice(painting, caplog):
    caplog.set_level("INFO", logger="impasto")
    first = resolve(TrainSettings(style=str(painting), encoder="lite")).settings
    assert caplog.messages
    caplog.clear()
    assert resolve(first).settings == first
    assert caplog.messages == []


def test_coco_is_taken_where_make_coco_puts_it(painting):
    folder = painting.parent / "data/coco/train2014"
    folder.mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(folder / "a.jpg")
    found = resolve(TrainSettings(style=str(painting), encoder="lite"))
    assert [path.name for path in found.photos] == ["a.jpg"]
    assert found.settings.photos == "data/coco/train2014"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"photos": "nowhere"}, "nowhere"),
        ({"photos": "."}, r"looked for .*\.jpg.*make coco"),
        ({"encoder": "nowhere.safetensors"}, "nowhere.safetensors"),
        ({"encoder": "resnet"}, "vgg16"),
        ({"style": "nowhere.jpg"}, "nowhere.jpg"),
    ],
)
def test_what_is_named_is_never_replaced(tmp_path, monkeypatch, change, message):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    Image.new("RGB", (40, 40)).save(tmp_path / "style.png")
    given = {"style": str(tmp_path / "style.png"), "encoder": "lite", "photos": "samples"} | change
    with pytest.raises(InputError, match=message) as caught:
        resolve(TrainSettings(**given))
    assert "\n" not in str(caught.value)


def test_our_own_painting_is_found_by_name():
    path = find_style("starry.jpg")
    assert path == find_style("starry")
    assert path.parent.name == "styles"


def test_layer_weights():
    assert layer_weights(["a", "b"], None) == {"a": 1.0, "b": 1.0}
    assert layer_weights(["a", "b"], [0.5, 2]) == {"a": 0.5, "b": 2}
    with pytest.raises(InputError, match="1 weights for 2 layers"):
        layer_weights(["a", "b"], [1.0])


def test_init_takes_a_checkpoint_a_file_or_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = TransformNet(width=4)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    folder = tmp_path / "checkpoints" / "mine"
    folder.mkdir(parents=True)
    export_onnx(net, folder / "mine.onnx", metadata={"name": "mine", "steps": "1"})
    state = {f"net.{name}": value + 1 for name, value in net.state_dict().items()}
    torch.save({"state_dict": state, "global_step": 1}, tmp_path / "other.ckpt")
    for init, change in [("mine", 0), ("checkpoints/mine/mine.onnx", 0), ("other.ckpt", 1)]:
        fresh = TransformNet(width=4)
        initialise(fresh, init, **PAINTED)
        for name, value in fresh.state_dict().items():
            torch.testing.assert_close(value, net.state_dict()[name] + change, rtol=1e-6, atol=0)
    (tmp_path / "other.ckpt").rename(folder / "last.ckpt")
    initialise(net, "mine", **PAINTED)  # a checkpoint goes before the file it made
    assert torch.equal(net.state_dict()["up.2.conv.bias"], state["net.up.2.conv.bias"])
    with pytest.raises(InputError, match="width"):
        initialise(TransformNet(width=8), "mine", **PAINTED)


def test_init_takes_a_network_for_any_painting_in_the_style_that_it_predicts(painter):
    net, model = FastNet(width=2, residual_blocks=1), painter.model
    image = np.random.default_rng(0).random((512, 520, 3), np.float32)
    initialise(net, str(painter.path), painting=image, short_side=512)
    vector = AnyStyle(painter.path).vector(image)  # at half the size
    slots, state = model.slots.split(torch.from_numpy(vector)), net.state_dict()
    assert all(torch.equal(state[name], value) for name, value in slots.items())
    kernels = [name for name in state if name not in slots]
    assert len(kernels) == 9  # and one bias
    for name in kernels:
        torch.testing.assert_close(state[name], model.net.state_dict()[name], atol=1e-3, rtol=1e-3)
    with pytest.raises(InputError, match="another shape: set its --width and --design"):
        initialise(TransformNet(width=2), str(painter.path), **PAINTED)


def test_a_broken_checkpoint_is_one_sentence(tmp_path):
    path = tmp_path / "last.ckpt"
    path.write_bytes(b"PK\x03\x04 truncated")
    with pytest.raises(InputError, match=r"last\.ckpt is not a readable checkpoint"):
        load_checkpoint(path)
