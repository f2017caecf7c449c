"""torchvision's encoders: taken from torch hub's cache as they are, and what a dead network does.

No test here touches the network: torch hub's own download function is replaced.
"""

import socket
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torchvision.models import VGG16_Weights, VGG19_Weights

from impasto.encoders import CONNECT_SECONDS, default_weights, load_weights
from impasto.errors import InputError
from impasto.vgg import EncoderWeights

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


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of torch hub, and a network that is down."""
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    unplug(monkeypatch, URLError("Network is\n unreachable"))
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    folder.mkdir(parents=True)
    assert tmp_path in folder.parents
    before = socket.getdefaulttimeout()
    yield folder
    socket.setdefaulttimeout(before)


def unplug(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[tuple[str, ...]]:
    """Have every download fail with `error`; the list grows by what was asked for."""
    asked: list[tuple[str, ...]] = []

    def download(url: str, path: str, prefix: str, **_: object) -> None:
        asked.append((url, path, prefix, str(socket.getdefaulttimeout())))
        raise error

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
    "error", [URLError("no route"), TimeoutError("timed out"), RuntimeError("invalid hash value")]
)
def test_a_download_that_fails(
    hub: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception
) -> None:
    asked = unplug(monkeypatch, error)
    socket.setdefaulttimeout(41.0)
    message = refusal(name)
    path, prefix = hub / HUB_FILES[name], HUB_FILES[name].removesuffix(".pth").split("-")[-1]
    url = f"https://download.pytorch.org/models/{path.name}"
    assert asked == [(url, str(path), prefix, str(CONNECT_SECONDS))]
    assert socket.getdefaulttimeout() == 41.0
    assert str(error).strip("<>") in message
    assert f"put the file of {url} at {path}, or use --encoder lite or " in message


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
        assert f"at {path}, or use --encoder lite" in refusal("vgg19")


def test_default_is_vgg16_if_it_can_be_had_and_else_lite(tiny: EncoderWeights, hub: Path) -> None:
    weights, line = default_weights()
    assert weights.sha256 == load_weights("lite").sha256
    assert "\n" not in line
    assert "using lite" in line
    assert "VGG-16 is neither cached nor downloadable" in line
    torch.save(dict(tiny.parameters), hub / HUB_FILES["vgg16"])
    weights, line = default_weights()
    assert (weights.name, line) == ("vgg16", "encoder: vgg16")
    assert weights.sha256 == tiny.sha256
