"""A student learns its teacher's features: errors, projections, and the command."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from noise import randn
from safetensors import safe_open
from trained import save_encoder

from impasto.cli.distill import main
from impasto.distillation.feature_error import disagreement, no_projection
from impasto.distillation.least_squares import Solver, fit
from impasto.distillation.student import disturb
from impasto.images.io import save_image
from impasto.losses.gram import gram_matrix
from impasto.models.pretrained import load_weights, random_weights
from impasto.models.vgg import EncoderWeights, Projection, VGGEncoder

LAYERS = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def test_disagreement_is_that_of_the_projected_features() -> None:
    student, teacher = randn(2, 3, 6, 5), randn(2, 4, 6, 5, seed=1)
    mine = Projection("layer:raw", randn(7, 3, 1, 1, seed=2), randn(7, seed=3))
    theirs = Projection("layer:raw", randn(7, 4, 1, 1, seed=4), randn(7, seed=5))
    found = disagreement(
        {"layer:raw": student},
        {"layer:raw": teacher},
        student_projections={"layer": mine},
        teacher_projections={"layer": theirs},
    )
    f, p = (
        torch.nn.functional.conv2d(x, projection.weight, projection.bias)
        for x, projection in ((student, mine), (teacher, theirs))
    )
    wrong, energy = ((f - p) ** 2).sum((1, 2, 3)), (p**2).sum((1, 2, 3))
    torch.testing.assert_close(found["layer"], (wrong / energy).mean())
    g, a = gram_matrix(f), gram_matrix(p)
    expected = (((g - a) ** 2).sum((1, 2)) / (a**2).sum((1, 2))).mean()
    torch.testing.assert_close(found["gram_layer"], expected)


def test_no_projection_changes_nothing() -> None:
    features = {"layer": randn(1, 3, 4, 4)}
    projection = no_projection("layer", channels=3)
    found = disagreement(
        features,
        features,
        student_projections={"layer": projection},
        teacher_projections={"layer": projection},
    )
    assert float(found["layer"]) == pytest.approx(0, abs=1e-12)
    assert float(found["gram_layer"]) == pytest.approx(0, abs=1e-24)  # sums may round differently


def test_every_second_image_is_disturbed_and_stays_an_image() -> None:
    images = torch.rand(4, 3, 8, 8)
    disturbed = disturb(images, seed=1)
    assert torch.equal(disturbed[1::2], images[1::2])
    assert not torch.equal(disturbed[::2], images[::2])
    assert disturbed.min() >= 0
    assert disturbed.max() <= 1
    assert torch.equal(disturb(images, seed=1), disturbed)


def test_the_map_that_is_solved_for_is_the_best_one() -> None:
    solver = Solver(memory=10)
    weight, bias = randn(4, 3, seed=1).float(), randn(4, seed=2).float()
    for seed in range(5):
        x = randn(2, 3, 6, 5, seed=10 + seed).float()
        y = torch.einsum("oi,bihw->bohw", weight, x) + bias[:, None, None]
        found = solver("layer", x, y)
    torch.testing.assert_close(found[0], weight, rtol=0, atol=1e-3)
    torch.testing.assert_close(found[1], bias, rtol=0, atol=1e-3)
    noise = randn(2, 4, 6, 5, seed=9).float()  # what no map can explain changes it a little only
    again, _ = solver("layer", x, y + noise)
    assert 1e-3 < (again - weight).abs().max() < 0.2
    assert not torch.equal(solver("another", x, noise)[0], again)


def test_an_encoder_fits_itself_through_any_projection() -> None:
    weights = random_weights(name="t", blocks=[[4, 4], [6]], seed=3)
    encoder = VGGEncoder(weights=weights, layers=["relu2_1"])
    projection = Projection("relu2_1", randn(9, 6, 1, 1, seed=4).float(), randn(9, seed=5).float())
    found = fit(
        encoder,
        encoder,
        torch.rand(4, 3, 32, 32),
        solver=Solver(memory=1),
        projections={"relu2_1": projection},
        hints=["relu1_2"],
    )
    assert float(found.errors["relu2_1"]) < 1e-5
    assert float(found.hints) < 1e-5
    assert found.projections["relu2_1"].source == "relu2_1:raw"
    assert found.projections["relu2_1"].weight.shape == (9, 6, 1, 1)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(40):
        image = np.random.default_rng(index).random((6, 6, 3)).astype(np.float32)
        save_image(image.repeat(8, axis=0).repeat(8, axis=1), folder / f"{index}.png")
    return folder


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    return save_encoder(
        random_weights(name="t", blocks=[[4, 4], [6, 6], [8] * 4, [8] * 4, [8]], seed=3),
        tmp_path / "teacher.safetensors",
    )


def test_a_student_learns_and_its_file_is_an_encoder(
    tmp_path: Path, photos: Path, teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "student.safetensors"
    flags = ["--teacher", str(teacher), "--photos", str(photos), "--output", str(output)]
    errors = []
    for steps in ("1", "20"):  # at 20 the warm-up is one step
        small = ["--steps", steps, "--image-size", "32", "--batch-size", "2"]
        assert main([*flags, *small]) == 0
        with safe_open(output, framework="pt") as file:
            about = file.metadata()
        errors.append(json.loads(about["held_out_errors"]))
    assert f"gram_relu5_1   {errors[1]['gram_relu5_1']:.4f}" in capsys.readouterr().out
    for name in ("relu2_1", "relu4_1", "gram_relu2_1", "gram_relu4_1"):
        assert errors[1][name] < 0.8 * errors[0][name]
    student = load_weights(str(output))
    assert student.projections == LAYERS
    assert student.padding_mode == "reflect"
    wide = load_weights(str(teacher)).parameters["features.10.weight"].shape[0]
    assert student.parameters["lift.relu3_1.weight"].shape == (wide, 64, 1, 1)
    assert about["teacher_sha256"] == load_weights(str(teacher)).sha256


def test_too_few_photographs_are_refused_in_one_sentence(
    tmp_path: Path, teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--teacher", str(teacher), "--photos", str(tmp_path)]) == 2
    assert "has 0 photographs: give 40" in capsys.readouterr().err


def test_a_place_that_takes_no_file_is_refused_before_the_work(
    teacher: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = "/proc/none/student.safetensors"
    assert main(["--teacher", str(teacher), "--photos", str(photos), "--output", place]) == 2
    assert capsys.readouterr().err.count(f"cannot write {place} (No such file or directory)") == 1


def test_a_teacher_without_a_layer_is_refused(
    tmp_path: Path, photos: Path, tiny: EncoderWeights, capsys: pytest.CaptureFixture[str]
) -> None:
    short = save_encoder(replace(tiny, name="short"), tmp_path / "short.safetensors")
    assert main(["--teacher", str(short), "--photos", str(photos)]) == 2
    assert "no layer 'relu4_1'" in capsys.readouterr().err
