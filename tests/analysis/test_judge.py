"""`judge`: its table is what the functions say; what is matched, cropped, refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import save_graph, save_negative
from onnx import helper
from pictures import smooth
from PIL import Image
from trained import save_encoder

from impasto.analysis import judge
from impasto.analysis.pictures import align, match
from impasto.analysis.verdict import PAINTING_SIDE, Judge
from impasto.cli.analyze import main
from impasto.config.analysis import JudgeSettings
from impasto.data.locate import find_style
from impasto.errors import InputError
from impasto.images.io import load_image, sample_photos, save_image
from impasto.models.pretrained import random_weights

PHOTOS = sample_photos()[:2]
NAMES = [photo.stem for photo in PHOTOS]
SIDE = 40


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = random_weights(name="thin", blocks=[[3, 3], [4, 4], [5, 5, 5], [6, 6, 6]])
    return save_encoder(weights, tmp_path_factory.mktemp("thin") / "thin.safetensors")


def settings(encoder: Path, out: Path, **more: Any) -> JudgeSettings:
    plain = {"encoder": str(encoder), "size": SIDE, "limit": 2, "output": str(out)}
    return JudgeSettings(**(plain | more))


def negatives(folder: Path, *, tail: str = "", padding: int = 0) -> Path:
    """The photographs' negatives as pictures, with grey below and at the right."""
    for photo in PHOTOS:
        image = 1 - load_image(photo, short_side=SIDE)
        padded = np.pad(image, ((0, padding), (0, padding), (0, 0)), constant_values=0.5)
        save_image(padded, folder / f"{photo.stem}{tail}.png")
    return folder


def test_the_table_is_what_the_functions_say(encoder: Path, tmp_path: Path) -> None:
    model = save_negative(tmp_path / "negative.onnx", name="negative")
    folder, out = negatives(tmp_path / "by_hand", tail="_x", padding=3), tmp_path / "out"
    told: list[float] = []
    record = judge.run(
        settings(encoder, out, models=[str(model)], pictures=[str(folder)]),
        tick=lambda done, total, _: told.append(done / total),
    )
    assert told == sorted(told) == [0, 0.25, 0.5, 0.75]
    weights = random_weights(name="thin", blocks=[[3, 3], [4, 4], [5, 5, 5], [6, 6, 6]])
    ruler = Judge(
        weights=weights, painting=load_image(find_style("starry.jpg"), short_side=PAINTING_SIDE)
    )
    for photo, row in zip(PHOTOS, record["photos"], strict=True):
        image = load_image(photo, short_side=SIDE)
        seen, verdicts = ruler.look(image), row["verdicts"]
        expected = ruler(ruler.look(1 - image), seen)
        assert list(verdicts) == ["photograph", "negative", "by_hand"]
        assert verdicts["photograph"]["kept"] == pytest.approx(1)
        assert verdicts["photograph"]["style_error"] == ruler(seen, seen).style_error
        assert verdicts["negative"]["kept"] == pytest.approx(expected.kept, abs=1e-6)
        assert verdicts["negative"]["style_error"] == pytest.approx(expected.style_error, rel=1e-5)
        assert verdicts["by_hand"]["kept"] == pytest.approx(expected.kept, abs=0.01)  # 8 bits
        assert verdicts["by_hand"]["note"] is None
    mean = record["mean"]["negative"]
    rows = [row["verdicts"]["negative"] for row in record["photos"]]
    assert mean["kept"] == pytest.approx(sum(row["kept"] for row in rows) / 2)
    assert json.loads((out / "judge.json").read_text()) == record
    table = (out / "judge.md").read_text()
    assert f"| negative | {mean['kept']:.3f} | {mean['style_error']:.3f} |" in table
    first = rows[0]
    assert f"{first['kept']:.3f} at {first['style_error']:.3f}" in table
    width, height = Image.open(out / "judge.jpg").size
    assert width > 4 * 300
    assert height > 2 * 200


def test_gatys_at_chosen_iterations(encoder: Path, tmp_path: Path) -> None:
    loss = "content_layers: [relu2_1]\nstyle_layers: [relu1_1, relu2_2]\nstyle_size: 40\n"
    (tmp_path / "light.yaml").write_text(loss)
    chosen = settings(encoder, tmp_path / "out", limit=1, gatys_iterations=[6.0, 2.0])
    (row,) = judge.run(
        settings(
            encoder,
            tmp_path / "out",
            limit=1,
            gatys_iterations=chosen.gatys_iterations,
            gatys_config=[str(tmp_path / "light.yaml")],
        )
    )["photos"]
    assert list(row["verdicts"]) == ["photograph", "light-2", "light-6"]
    errors = [verdict["style_error"] for verdict in row["verdicts"].values()]
    assert errors[0] > errors[1] > errors[2]
    two, six = (load_image(tmp_path / "out" / f"light-{n}" / f"{NAMES[0]}.png") for n in (2, 6))
    assert two.shape == six.shape
    assert np.abs(two - six).max() > 1 / 255
    again = settings(
        encoder, tmp_path / "two", limit=1, gatys_config=[f"mine={tmp_path / 'light.yaml'}"]
    )
    (tmp_path / "light.yaml").write_text(loss + "iterations: 2\n")
    verdicts = judge.run(again)["photos"][0]["verdicts"]
    assert verdicts["mine-2"] == row["verdicts"]["light-2"]


def test_a_foreign_network_needs_its_range(encoder: Path, tmp_path: Path) -> None:
    node = helper.make_node("Sub", ["white", "content"], ["stylized"])
    foreign = save_graph(
        tmp_path / "foreign.onnx", [node], constants={"white": np.float32(255)}, metadata={}
    )
    ours = save_negative(tmp_path / "ours.onnx", name="ours")
    words = {"models": [str(ours), f"theirs={foreign}"], "limit": 1}
    with pytest.raises(InputError, match=r"foreign.onnx is not an impasto style.*--range 255"):
        judge.run(settings(encoder, tmp_path / "out", **words))
    record = judge.run(settings(encoder, tmp_path / "out", range=255, **words))
    assert record["mean"]["theirs"]["kept"] == pytest.approx(record["mean"]["ours"]["kept"])


def test_pictures_are_matched_by_the_beginning_of_their_names() -> None:
    photos = [Path("002.jpg"), Path("002_b.jpg"), Path("chelsea.png")]
    names = ["002_candy", "002_mosaic", "0021_mosaic", "002_b_mosaic", "trial-002", "chelsea"]
    pictures = [Path("made", f"{name}.png") for name in names]
    assert match(pictures, photos, name="mosaic") == {
        photos[0]: pictures[1],
        photos[1]: pictures[3],
        photos[2]: pictures[5],
    }
    several = r"made has 2 pictures of 002.jpg \(002_candy.png, 002_mosaic.png\): write NAME=made"
    with pytest.raises(InputError, match=several):
        match(pictures, photos, name="cubes")


def test_what_a_network_padded_is_cut_off_and_the_rest_resized() -> None:
    photo = smooth(30, 40)
    padded = np.pad(photo, ((0, 2), (0, 7), (0, 0)))
    same, note = align(padded, photo, of="x")
    assert np.array_equal(same, photo)
    assert note is None
    twice, note = align(smooth(60, 80), photo, of="x")
    assert note == "resized from 80x60 to 40x30"
    assert np.abs(twice - photo).max() < 0.01
    with pytest.raises(
        InputError, match=r"x has 48x30 pixels and its photograph 40x30: give a pic"
    ):
        align(np.ones((30, 48, 3), np.float32), photo, of="x")


def test_a_note_is_in_the_table(encoder: Path, tmp_path: Path) -> None:
    image = load_image(PHOTOS[0], short_side=2 * SIDE)
    save_image(image, tmp_path / "large" / PHOTOS[0].name)
    judge.run(settings(encoder, tmp_path / "out", limit=1, pictures=[str(tmp_path / "large")]))
    table = (tmp_path / "out" / "judge.md").read_text()
    assert re.search(rf"\n{PHOTOS[0].name}, large: resized from \d+x\d+ to \d+x\d+\.\n", table)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "there is nothing to judge: name something by --models, --pictures or --gatys-it"),
        (["--pictures", "FOLDER", "x=FOLDER", "x=FOLDER"], "two of what is judged are called x"),
        (["--pictures", "photograph=FOLDER"], "two of what is judged are called photograph"),
        (["--pictures", "EMPTY"], f"has no picture of {PHOTOS[0].name}, {PHOTOS[1].name}: name a"),
        (["--pictures", "gone"], "cannot list gone"),
        (["--pictures", "FOLDER", "--style", "gone.jpg"], "no painting 'gone.jpg'"),
        (["--pictures", "FOLDER", "--photos", "TWINS"], "two photographs are called a: rename one"),
        (["--gatys-iterations", "0"], "--gatys-iterations 0 is too few: give at least 1"),
        (["--models", "gone"], "no style 'gone'"),
    ],
)
def test_bad_input_is_one_sentence(
    encoder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    wrong: list[str],
    said: str,
) -> None:
    (tmp_path / "EMPTY").mkdir()
    negatives(tmp_path / "FOLDER")
    for name in ("a.jpg", "a.png"):
        save_image(load_image(PHOTOS[0], short_side=SIDE), tmp_path / "TWINS" / name)
    words = [re.sub("FOLDER|EMPTY|TWINS", lambda m: str(tmp_path / m[0]), word) for word in wrong]
    out = tmp_path / "out"
    flags = ["--encoder", str(encoder), "--size", str(SIDE), "--limit", "2", "--output", str(out)]
    assert main(["judge", *flags, *words]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not (out / "judge.json").exists()


def test_the_reference_is_judged_as_it_was_when_it_was_chosen(assets: Path, tmp_path: Path) -> None:
    vgg16 = assets / "encoders" / "vgg16-caffe.safetensors"
    if not vgg16.is_file():
        pytest.skip("needs the real VGG-16 among the assets")
    record = judge.run(
        JudgeSettings(
            encoder=str(vgg16),
            style=str(assets / "reference" / "mosaic-style.jpg"),
            photos=[str(path) for path in sample_photos() if path.stem == "chelsea"],
            pictures=[f"mosaic={assets / 'reference'}"],
            output=str(tmp_path),
        )
    )
    assert record["mean"]["mosaic"]["kept"] == pytest.approx(0.490, abs=0.002)
    assert record["mean"]["mosaic"]["style_error"] == pytest.approx(0.172, abs=0.002)
    assert record["mean"]["photograph"]["style_error"] == pytest.approx(0.880, abs=0.002)
