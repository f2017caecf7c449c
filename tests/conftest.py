"""What several test files share: the assets, a trained encoder, a tiny random one, one thread."""

import os
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from any_styles import ExportedAny, exported_any
from networks import Exported, trained

from impasto.export.onnx_export import export_onnx
from impasto.gatys.history import History
from impasto.gatys.optimize import Progress
from impasto.inference import session as runtime
from impasto.models.pretrained import load_weights, random_weights
from impasto.models.vgg import EncoderWeights

torch.set_num_threads(1)  # the tensors are small: threads would only wait for each other


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs in forked processes go first: torch's autograd must not have been used before a fork."""
    items.sort(key=lambda item: "faults" not in item.path.parts)


@pytest.fixture(autouse=True)
def onnxruntime_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is installed, commands take ONNX Runtime, whose pixels are exact, unless told."""
    monkeypatch.setattr(runtime, "installed", lambda: False)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of torch hub, and a network that is down."""

    def down(*_: object, **__: object) -> None:
        raise URLError("Network is\n unreachable")

    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr("impasto.models.torch_hub.urlopen", down)
    monkeypatch.setattr(torch.hub, "download_url_to_file", down)
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    folder.mkdir(parents=True)
    assert tmp_path in folder.parents
    return folder


@pytest.fixture(scope="session")
def assets() -> Path:
    """The photographs, paintings and the encoder that are no part of the project."""
    if "IMPASTO_ASSETS" not in os.environ:
        pytest.skip("needs IMPASTO_ASSETS, the folder with encoders/, photos/ and styles/")
    return Path(os.environ["IMPASTO_ASSETS"])


@pytest.fixture(scope="session")
def quarter(assets: Path) -> EncoderWeights:
    """VGG-19 to conv5_1 at a quarter of its width, trained, reflect-padded, with projections."""
    return load_weights(str(assets / "encoders" / "vgg19-quarter.safetensors"))


@pytest.fixture(scope="session")
def tiny() -> EncoderWeights:
    """Random weights, layers relu1_1, relu1_2, relu2_1, relu2_2, relu3_1; features in no time."""
    return random_weights(name="tiny", blocks=[[4, 5], [6, 7], [8]], seed=1)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A small network and its file, called "tiny", of 7 steps."""
    net, path = trained(width=16), tmp_path_factory.mktemp("exported") / "tiny.onnx"
    difference = export_onnx(net, path, metadata={"name": "tiny", "steps": "7"})
    return Exported(net, path, difference)


@pytest.fixture(scope="session")
def painter(tmp_path_factory: pytest.TempPathFactory) -> ExportedAny:
    """A small network for any painting and its files."""
    return exported_any(tmp_path_factory.mktemp("painter"))


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Progress]:
    """Every iteration that the Gatys command sees."""
    seen: list[Progress] = []
    add = History.add
    monkeypatch.setattr(History, "add", lambda self, now: (seen.append(now), add(self, now)))
    return seen
