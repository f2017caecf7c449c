"""`sweep`, `reconstruct` and `activations`: their numbers, and the sheets that go with them."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from trained import save_encoder

from impasto.analysis import activations, reconstruct, sweep
from impasto.analysis.figures import draw_sheet, false_colors
from impasto.cli.analyze import listing, main
from impasto.config.analysis import ActivationsSettings, ReconstructSettings, SweepSettings
from impasto.data.locate import find_style
from impasto.data.tensors import to_tensor
from impasto.errors import InputError
from impasto.images.io import load_image, sample_photos
from impasto.losses.build import build_loss
from impasto.models import caffe
from impasto.models.vgg import EncoderWeights, VGGEncoder

LAYERS = ["relu1_1", "relu2_2"]


@pytest.fixture
def encoder(tiny: EncoderWeights, tmp_path: Path) -> str:
    return str(save_encoder(tiny, tmp_path / "tiny.safetensors"))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sweeping(encoder: str, out: Path, **more: object) -> SweepSettings:
    plain: dict = {
        "encoder": encoder,
        "content_layers": ["relu2_1"],
        "style_layers": LAYERS,
        "size": 32,
        "style_size": 40,
        "iterations": 4,
        "rows": ["style-weight", "0.5", "8"],
        "columns": ["start", "content", "noise", "style"],
        "output": str(out),
    }
    return SweepSettings(**(plain | more))


def test_a_sweep_paints_every_combination(
    encoder: str, tiny: EncoderWeights, tmp_path: Path
) -> None:
    settings = sweeping(encoder, tmp_path / "out")
    cells = sweep.run(settings)
    rows = table(tmp_path / "out" / "sweep.csv")
    assert [(row["style_weight"], row["start"]) for row in rows] == [
        (weight, start) for weight in ("0.5", "8") for start in ("content", "noise", "style")
    ]
    photo = to_tensor(load_image(sample_photos()[0], short_side=32))
    painting = to_tensor(load_image(find_style("starry"), short_side=40))
    for cell, row in zip(cells, rows, strict=True):
        weight = float(row["style_weight"])
        loss = build_loss(
            sweeping(encoder, tmp_path, style_weight=weight, rows=None, columns=None), tiny
        )
        loss.set_style(painting)
        terms = loss(cell.best.image, loss.content_target(photo))
        for name, value in terms._asdict().items():
            assert float(row[f"{name}_loss"]) == pytest.approx(float(value), rel=1e-4, abs=1e-7)
        assert float(row["total_loss"]) == pytest.approx(float(terms.total), rel=1e-4)
        saved = load_image(tmp_path / "out" / row["picture"])
        image = cell.best.image[0].permute(1, 2, 0).numpy()
        assert np.abs(saved - image).max() <= 0.5 / 255 + 1e-6
    assert Image.open(tmp_path / "out" / "sweep.png").size[0] > 600


def test_lists_are_written_with_commas(encoder: str, tmp_path: Path) -> None:
    settings = sweeping(
        encoder,
        tmp_path / "out",
        rows=["style_layers", "relu1_1", "relu1_1,relu2_2"],
        columns=["style_layer_weights", "1,2"],
    )
    values = sweep.parse_values(settings.rows, flag="--rows")
    assert [value.value for value in values] == [["relu1_1"], LAYERS]
    (weights,) = sweep.parse_values(settings.columns, flag="--columns")
    assert weights.value == [1.0, 2.0]
    with pytest.raises(InputError, match="2 weights for 1 layers"):  # before any work
        sweep.run(settings)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            "colour 1",
            r"--rows 'colour' is not a setting: choose from encoder, content_layers, .*start",
        ),
        ("output a", "--rows 'output' is not a setting"),
        ("start", "--rows start has no values: write them after it"),
        ("style_weight -1", "--style-weight is -1.0: give at least 0"),
        ("style_weight many", "--style-weight must be a number .*many"),
        ("optimizer newton", "optimizer.*newton"),
        ("iterations 1", "--rows and --columns are both iterations"),
        ("start nowhere.jpg", "--start nowhere.jpg is not a file"),
    ],
)
def test_a_sweep_of_what_is_not_there(encoder: str, tmp_path: Path, rows: str, said: str) -> None:
    settings = sweeping(
        encoder, tmp_path / "out", rows=rows.split(), columns=["iterations", "1", "2"]
    )
    with pytest.raises(InputError, match=said):
        sweep.run(settings)
    assert not (tmp_path / "out").exists()


def test_deep_layers_remember_less_of_the_photograph(encoder: str, tmp_path: Path) -> None:
    settings = ReconstructSettings(
        encoder=encoder, layers=["relu1_1", "relu3_1"], size=32, iterations=40, output=str(tmp_path)
    )
    told: list[tuple[float, float]] = []
    made = reconstruct.run(settings, tick=lambda done, total, _: told.append((done, total)))
    assert [(each.kind, each.layers) for each in made] == [
        ("content", ["relu1_1"]),
        ("content", ["relu3_1"]),
        ("style", ["relu1_1"]),
        ("style", ["relu1_1", "relu3_1"]),
    ]
    assert made[0].error < 0.7 * made[1].error
    assert all(each.best.total < 0.2 * each.noise for each in made)
    assert told[-1] == (4, 4)
    assert told == sorted(told)
    rows = table(tmp_path / "reconstruct.csv")
    assert [float(row["loss"]) for row in rows] == [each.best.total for each in made]
    assert [row["layers"] for row in rows][3] == "relu1_1 relu3_1"
    assert float(rows[0]["error"]) == made[0].error
    assert rows[2]["error"] == ""
    assert (tmp_path / "reconstruct.png").is_file()


@pytest.mark.parametrize("kind", ["content", "style"])
def test_a_picture_is_the_minimum_of_its_own_reconstruction(
    tiny: EncoderWeights, kind: reconstruct.Kind
) -> None:
    loss = reconstruct.alone(kind, layers=LAYERS, weights=tiny)
    image = torch.rand((1, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    loss.set_style(image) if kind == "style" else None
    assert float(loss(image, loss.content_target(image)).total) == pytest.approx(0, abs=1e-9)
    terms = loss(image.flip(2), loss.content_target(image))
    assert float(getattr(terms, kind)) == float(terms.total) > 0


def test_activations_are_the_encoders(encoder: str, tiny: EncoderWeights, tmp_path: Path) -> None:
    settings = ActivationsSettings(
        encoders=[encoder, "lite"], size=32, channels=2, output=str(tmp_path)
    )
    seen = activations.run(settings)
    assert [(each.encoder, each.layer) for each in seen] == [
        *(("tiny.safetensors", f"relu{block}_1") for block in (1, 2, 3)),
        *(("lite", f"relu{block}_1:raw") for block in (1, 2, 3, 4, 5)),
    ]
    photo = to_tensor(load_image(sample_photos()[0], short_side=32))
    expected = VGGEncoder(weights=tiny, layers=["relu3_1"])(photo, ["relu3_1"])["relu3_1"][0]
    assert torch.equal(seen[2].features, expected)
    row = table(tmp_path / "activations.csv")[2]
    assert [row[key] for key in ("channels", "height", "width")] == ["8", "8", "8"]
    assert float(row["mean"]) == pytest.approx(float(expected.mean()))
    assert float(row["zeros"]) == pytest.approx(float((expected == 0).float().mean()))
    height, width = load_image(tmp_path / "activations.png").shape[:2]
    assert width / height == pytest.approx(
        6 * 2 / (4 * 2.3), rel=0.1
    )  # a photo, five layers; 2 x 2
    with pytest.raises(InputError, match="has 4 channels at relu1_1: lower --channels"):
        activations.run(ActivationsSettings(encoders=[encoder], size=32, channels=5))


def test_activations_of_the_real_vggs_that_can_be_had(
    hub: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    settings = ActivationsSettings(size=32, layers=["relu1_1"], output=str(tmp_path))
    seen = activations.run(settings)
    assert [each.encoder for each in seen] == ["vgg19-features"]
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("left out: vgg16-features cannot be loaded")
    monkeypatch.setattr(caffe, "PACKAGE", "no-package-has-this-name")
    seen = activations.run(settings)
    assert [each.encoder for each in seen] == ["lite"]
    assert len(caplog.messages) == 3
    with pytest.raises(InputError, match="vgg19-features needs the package"):
        activations.run(ActivationsSettings(encoders=["lite", "vgg19-features"], size=32))


def test_false_colors_span_the_map() -> None:
    colours = false_colors(torch.tensor([[-3.0, 1.0], [0.0, 1.0]]))
    assert (colours.shape, colours.dtype) == ((2, 2, 3), np.float32)
    assert np.array_equal(colours[0, 1], colours[1, 1])
    assert colours[0, 0].sum() < colours[1, 0].sum() < colours[0, 1].sum()
    assert np.ptp(false_colors(torch.ones(2, 2)), axis=(0, 1)).max() == 0


def test_a_sheet_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    white = np.ones((4, 4, 3), np.float32)
    with pytest.raises(InputError, match=r"cannot write .*choose another place"):
        draw_sheet([[white]], rows=[""], columns=[], title="", path=tmp_path / "file" / "a.png")


def test_the_command_lists_the_studies(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == listing() + "\n"
    for name in ("compare", "sweep", "reconstruct", "activations", "classify", "judge"):
        assert f"\n  {name} " in listing()
    assert main(["nothing"]) == 2
    assert "there is no study 'nothing': choose from compare, sweep" in capsys.readouterr().err
    with pytest.raises(SystemExit) as done:
        main(["compare", "--help"])
    assert done.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) <= 30
