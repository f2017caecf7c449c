"""`classify`, on a made-up VGG-19 in torch hub's cache; no test here touches the network."""

import csv
from pathlib import Path

import pytest
import torch
from graphs import save_negative
from torch import Tensor, nn
from torchvision.models import VGG, VGG19_Weights
from torchvision.models.vgg import make_layers

from impasto.analysis import classify
from impasto.analysis.classify import Classifier, drift
from impasto.config.analysis import ClassifySettings
from impasto.data.tensors import to_tensor
from impasto.errors import InputError
from impasto.images.io import load_image, sample_photos, save_image

FILE = Path(VGG19_Weights.IMAGENET1K_V1.url).name
WIDTHS: list[str | int] = [3, 3, "M", 4, 4, "M", *[5] * 4, "M", *[6] * 4, "M", *[7] * 4, "M"]


@pytest.fixture
def vgg(hub: Path) -> VGG:
    """torchvision's own VGG-19, but thin, whose weights lie in the cache."""
    torch.manual_seed(0)
    model = VGG(make_layers(WIDTHS), init_weights=False).eval()
    sizes = [(7 * 49, 16), (16, 16), (16, 1000)]
    for index, (inputs, outputs) in zip((0, 3, 6), sizes, strict=True):
        model.classifier[index] = nn.Linear(inputs, outputs)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    torch.save(model.state_dict(), hub / FILE)
    return model


@torch.no_grad()
def expected(vgg: VGG, path: Path, side: int | None = None) -> Tensor:
    """Probabilities by torchvision's own hand."""
    image = to_tensor(load_image(path, short_side=side))
    return vgg(VGG19_Weights.IMAGENET1K_V1.transforms()(image)).softmax(dim=1)[0]


def test_it_is_torchvisions_classifier(vgg: VGG) -> None:
    classifier = Classifier()
    for photo in sample_photos()[:2]:
        assert torch.allclose(classifier(load_image(photo)), expected(vgg, photo), atol=1e-6)
    assert classifier.classes[281] == "tabby"


def test_pictures_and_styles_drift(vgg: VGG, tmp_path: Path) -> None:
    save_negative(tmp_path / "negative.onnx", name="negative")
    photo = sample_photos()[3]
    negative = tmp_path / "by_hand.png"
    save_image(1 - load_image(photo, short_side=64), negative)
    settings = ClassifySettings(
        photo=str(photo),
        models=[str(tmp_path / "negative.onnx")],
        pictures=[str(negative)],
        size=64,
        output=str(tmp_path / "out"),
    )
    same, by_model, by_hand = classify.run(settings)
    assert (same.kl, same.top1_drop, same.overlap) == (pytest.approx(0, abs=1e-6), 0, 5)
    assert by_model.kl == pytest.approx(by_hand.kl, rel=0.02)  # 8 bits lie between
    was, now = expected(vgg, photo, 64), expected(vgg, negative)
    assert by_hand.kl == pytest.approx(float((was * (was / now).log()).sum()), rel=1e-3)
    assert by_hand.probabilities == pytest.approx(now.topk(5).values.tolist(), rel=1e-4)
    with (tmp_path / "out" / "classify.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["picture"] for row in rows] == [photo.name, "negative", "by_hand.png"]
    names = VGG19_Weights.IMAGENET1K_V1.meta["categories"]
    assert rows[0]["class_1"] == names[int(was.argmax())]
    assert float(rows[2]["probability_5"]) == by_hand.probabilities[4]
    assert (tmp_path / "out" / "classify.png").is_file()


def test_drift_in_closed_form() -> None:
    was, now = torch.full((1000,), 0.0), torch.full((1000,), 0.0)
    was[:6] = torch.tensor([0.5, 0.2, 0.1, 0.1, 0.06, 0.04])
    now[:6] = torch.tensor([0.25, 0.1, 0.05, 0.05, 0.03, 0.52])
    made = drift("x", was, now, classes=[str(index) for index in range(1000)])
    assert made.classes[:3] == ["5", "0", "1"]
    assert made.top1_drop == pytest.approx(0.25)
    assert made.overlap == 4  # all but the last of the five
    two = torch.tensor(2.0).log()
    assert made.kl == pytest.approx(float(0.96 * two + 0.04 * torch.tensor(0.04 / 0.52).log()))


def test_without_weights(hub: Path, tmp_path: Path) -> None:
    settings = ClassifySettings(pictures=["x.jpg"], output=str(tmp_path / "out"))
    with pytest.raises(InputError, match=f"put the file of .* at {hub / FILE}") as error:
        classify.run(settings)
    assert "\n" not in str(error.value)
    assert "--encoder" not in str(error.value)  # no other encoder classifies
    assert not (tmp_path / "out").exists()


def test_weights_without_a_classifier(vgg: VGG, hub: Path) -> None:
    kept = {key: value for key, value in vgg.state_dict().items() if "classifier" not in key}
    torch.save(kept, hub / FILE)
    with pytest.raises(InputError, match=f"{FILE} in torch hub's cache lacks the classifier"):
        Classifier()


def test_nothing_to_compare_with() -> None:
    with pytest.raises(InputError, match="--models or --pictures"):
        classify.run(ClassifySettings())
