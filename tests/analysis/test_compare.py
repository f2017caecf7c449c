"""`compare`: a network that is the k-th iterate matches k; files, resuming, refusals."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from networks import Exported
from trained import about, save_encoder, save_style

from impasto.analysis import compare
from impasto.analysis.iterations import WORSE
from impasto.analysis.match import Match, evaluate, find_match
from impasto.cli.analyze import main
from impasto.data.tensors import to_rgb, to_tensor
from impasto.gatys.multiscale import start_image
from impasto.gatys.optimize import Progress, optimize
from impasto.images.io import RGB, load_image, sample_photos
from impasto.losses.perceptual import PerceptualLoss
from impasto.models.vgg import EncoderWeights, VGGEncoder

PHOTO = load_image(sample_photos()[0], short_side=32)
ITERATIONS = 12


@pytest.fixture(scope="module")
def loss(tiny: EncoderWeights) -> PerceptualLoss:
    made = PerceptualLoss(
        encoder=VGGEncoder(weights=tiny, layers=["relu3_1"]),
        content_layers={"relu2_1": 1.0},
        style_layers={"relu1_2": 1.0, "relu3_1": 1.0},
    )
    made.set_style(to_tensor(load_image(sample_photos()[4], short_side=40)))
    return made


@pytest.fixture(scope="module")
def iterates(loss: PerceptualLoss) -> list[Progress]:
    """Gatys' pictures of PHOTO, the noise first."""
    content = to_tensor(PHOTO)
    noise = start_image("noise", content=content, style=content, seed=0)
    return list(optimize(loss, content=content, start=noise, iterations=2 * ITERATIONS))


def meet(loss: PerceptualLoss, picture: RGB, **more: Any) -> Match:
    """A match with a network that paints `picture`, whatever it is shown."""
    return find_match(PHOTO, stylize=lambda _: picture, loss=loss, iterations=ITERATIONS, **more)


@pytest.mark.parametrize("k", [5, 8, ITERATIONS])
def test_the_kth_iterate_matches_k(loss: PerceptualLoss, iterates: list[Progress], k: int) -> None:
    assert iterates[k].total < min(now.total for now in iterates[:k])  # a new best one
    result = meet(loss, to_rgb(iterates[k].image))
    assert result.matches == k
    assert result.network["total"] == pytest.approx(iterates[k].total, rel=1e-6)
    assert result.curve == pytest.approx([now.total for now in iterates[: ITERATIONS + 1]])
    assert result.losses == {str(ITERATIONS): pytest.approx(min(result.curve))}
    seconds, speed_up = result.seconds, result.speed_up
    assert seconds["to_reach"] is not None
    assert seconds["network"] is not None
    assert speed_up == pytest.approx(seconds["to_reach"] / seconds["network"])


def test_better_than_the_whole_curve(loss: PerceptualLoss, iterates: list[Progress]) -> None:
    result = meet(loss, to_rgb(iterates[-1].image))
    assert result.matches == f">{ITERATIONS}"
    assert result.seconds["to_reach"] is None
    assert result.speed_up == pytest.approx(
        (result.seconds["gatys"] or 0) / (result.seconds["network"] or 1)
    )


def test_worse_than_the_photograph_itself(loss: PerceptualLoss) -> None:
    noise = np.random.default_rng(0).random(PHOTO.shape, np.float32)
    result = meet(loss, noise)
    assert (result.matches, result.speed_up) == (WORSE, None)
    content = to_tensor(PHOTO)
    terms = evaluate(loss, content, loss.content_target(content))
    assert result.content_image == terms["total"] == terms["style"]  # it is its own content
    assert result.network["total"] > result.content_image


def test_from_the_photograph_the_photograph_matches_the_start(loss: PerceptualLoss) -> None:
    result = meet(loss, PHOTO, start="content")
    assert result.matches == 0
    assert result.curve[0] == pytest.approx(result.content_image)


@pytest.fixture
def model(tiny: EncoderWeights, tmp_path: Path) -> Path:
    """A style that only darkens, with the metadata of one that was trained."""
    encoder = save_encoder(tiny, tmp_path / "tiny.safetensors")
    return save_style(tmp_path / "tiny.onnx", about(str(encoder)))


def flags(model: Path, **more: object) -> list[str]:
    given = {"model": model, "sizes": 32, "limit": 2, "iterations": 3, "output": "OUT"} | more
    pairs = ((f"--{key}", str(value).split()) for key, value in given.items())
    return ["compare", *(word for flag, values in pairs for word in (flag, *values))]


def test_an_exported_style_from_end_to_end(
    tiny: EncoderWeights, exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder, graph = save_encoder(tiny, tmp_path / "tiny.safetensors"), exported.graph()
    onnx.helper.set_model_props(graph, about(str(encoder)))
    onnx.save(graph, tmp_path / "real.onnx")
    out = tmp_path / "out"
    assert main(flags(tmp_path / "real.onnx", limit=1, iterations=5, output=out)) == 0
    assert f"written to {out}" in capsys.readouterr().out
    record = json.loads((out / "compare.json").read_text())
    (result,) = record["results"]
    assert (result["photo"], result["size"]) == (sample_photos()[0].name, 32)
    assert len(result["curve"]) == 6
    assert result["network"]["total"] == pytest.approx(
        sum(result["network"][term] for term in ("content", "style", "tv"))
    )
    assert record["protocol"]["iterations"] == 5
    assert record["trained"]["style_size"] == 40
    assert record["machine"]
    assert (out / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert (
        f"| {result['photo']} | 32 px | {result['matches']} |" in (out / "compare.md").read_text()
    )


def test_what_is_done_is_not_done_again(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shapes: list[tuple[int, ...]] = []
    real = find_match

    def counted(photo: RGB, **more: Any) -> Match:
        if len(shapes) == 2:
            raise KeyboardInterrupt
        shapes.append(photo.shape)
        return real(photo, **more)

    monkeypatch.setattr(compare, "find_match", counted)
    assert main(flags(model, sizes="32 40")) == 130  # interrupted at the third of four
    first = json.loads(Path("OUT/compare.json").read_text())["results"]
    assert [min(shape[:2]) for shape in shapes] == [32, 40] == [r["size"] for r in first]
    shapes.clear()
    assert main(flags(model, sizes="32 40")) == 0
    results = json.loads(Path("OUT/compare.json").read_text())["results"]
    assert results[:2] == first
    assert [min(shape[:2]) for shape in shapes] == [32, 40]
    assert len({(result["photo"], result["size"]) for result in results}) == 4
    monkeypatch.setattr(compare, "find_match", None)  # nothing is left to do
    assert main(flags(model, sizes="32 40")) == 0


def test_other_settings_want_another_folder(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(flags(model, limit=1, output=out)) == 0
    before = (out / "compare.json").read_bytes()
    assert main(flags(model, limit=1, output=out, iterations=4)) == 2
    assert "(iterations 3 there, 4 here): name another --output" in capsys.readouterr().err
    assert (out / "compare.json").read_bytes() == before
    (out / "compare.json").write_text("{}")
    assert main(flags(model, limit=1, output=out)) == 2
    assert "compare.json is not a comparison made by impasto" in capsys.readouterr().err


def test_under_the_loss_of_a_preset(model: Path, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(
        "encoder: lite\ncontent_layers: [relu2_1]\nstyle_layers: [relu1_1]\nimage_size: 32\n"
    )
    out = tmp_path / "out"
    given = {"limit": 1, "output": out, "preset": tmp_path / "other.yaml"}
    assert main(flags(model, **given)) == 0
    trained = json.loads((out / "compare.json").read_text())["trained"]
    assert (trained["encoder"], trained["style_layers"]) == ("lite", {"relu1_1": 1.0})
    assert (
        "; the loss of other.yaml (lite, starry.jpg at 512 px)" in (out / "compare.md").read_text()
    )
    assert main(flags(model, limit=1, output=out)) == 2  # of its training: another comparison


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sizes": 31}, "--sizes 31 is too small: give at least 32"),
        ({"accelerator": "abacus"}, "--accelerator abacus is not here"),
        ({"photos": "gone"}, "there is no photograph gone"),
        ({"iterations": 0}, "--iterations is 0: give at least 1"),
    ],
)
def test_bad_input_is_one_sentence(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: dict, said: str
) -> None:
    assert main(flags(model, **({"output": tmp_path / "out"} | wrong))) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error


def test_the_progress_ends_where_it_should(model: Path, tmp_path: Path) -> None:
    told: list[tuple[float, float]] = []
    settings = compare.CompareSettings(
        model=str(model), sizes=[32, 64], limit=1, iterations=2, output=str(tmp_path / "out")
    )
    compare.run(settings, tick=lambda done, total, _: told.append((done, total)))
    assert told == [(part, 5 * 32**2) for part in (0, 512, 1024, 1024, 3072, 5120)]
