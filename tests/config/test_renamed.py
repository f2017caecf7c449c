"""Settings that were renamed: the old names still work, and say so where somebody types them."""

from pathlib import Path

import pytest

from impasto.config.parser import parse
from impasto.config.renamed import NEW_NAMES, complete, flag
from impasto.config.settings import GatysSettings, StylizeSettings, TrainSettings
from impasto.errors import InputError

VALUES = {"shift": 3, "half": True, "uint8": True, "normalization": "mean"}
VALUES |= {"check_photos": True, "clip": 0.5}
NEW = TrainSettings(
    random_shift=3,
    onnx_float16=True,
    onnx_uint8=True,
    loss_scale="mean",
    verify_photos=True,
    gradient_clip=0.5,
)


@pytest.fixture(autouse=True)
def notices(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")


def test_every_old_name_is_tried_here() -> None:
    assert set(VALUES) == set(NEW_NAMES)


@pytest.mark.parametrize("joined", [False, True])
def test_old_flags_work_with_a_notice_each(joined: bool, caplog: pytest.LogCaptureFixture) -> None:
    words = []
    for name, value in VALUES.items():
        one = [flag(name)] if value is True else [flag(name), str(value)]
        words += ["=".join(one)] if joined else one
    assert parse(TrainSettings, words, description="") == NEW
    told = [f"{flag(old)} is now called {flag(new)}" for old, new in NEW_NAMES.items()]
    assert sorted(caplog.messages) == sorted(told)


def test_the_negative_of_an_old_switch_works(caplog: pytest.LogCaptureFixture) -> None:
    assert parse(TrainSettings, ["--half", "--no-half"], description="") == TrainSettings()
    assert caplog.messages[-1] == "--no-half is now called --no-onnx-float16"


def test_old_keys_of_a_yaml_work_with_one_notice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "old.yaml"
    path.write_text("clip: 0.5\nnormalization: mean\n")
    told = parse(TrainSettings, ["--config", str(path)], description="")
    assert told == TrainSettings(gradient_clip=0.5, loss_scale="mean")
    assert caplog.messages == [
        f"{path}: clip is now called gradient_clip, normalization is now called loss_scale"
    ]


def test_a_command_knows_only_its_own_old_flags(caplog: pytest.LogCaptureFixture) -> None:
    given = parse(GatysSettings, ["--normalization", "gatys"], description="")
    assert given == GatysSettings(loss_scale="gatys")
    with pytest.raises(InputError, match="unrecognized arguments: --half"):
        parse(StylizeSettings, ["--half"], description="")


def test_what_files_of_ours_say_is_read_silently(caplog: pytest.LogCaptureFixture) -> None:
    old = {"shift": 8, "lr": 0.1, "minutes": 3}
    added = {"content_match": "features", "design": "johnson", "grid_weight": 0.0}
    assert complete(old) == {"random_shift": 8, "lr": 0.1, "minutes": 3, **added}
    assert caplog.messages == []


def test_the_settings_of_a_shipped_style_train_again() -> None:
    path = Path(__file__).parents[2] / "checkpoints" / "starry" / "config.yaml"
    told = parse(TrainSettings, ["--config", str(path)], description="")
    assert (told.random_shift, told.onnx_float16, told.gradient_clip) == (8, True, 1.0)
