"""Learning any painting: what is judged, what is saved, what is standardized, where it begins."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from any_styles import ExportedAny, small_any
from PIL import Image
from trained import save_encoder

from impasto.config.settings import TrainAnySettings
from impasto.data.held_out import LIST
from impasto.data.paintings import PaintingDataset, Pair
from impasto.errors import InputError
from impasto.losses.perceptual import PerceptualLoss
from impasto.models.any_style import at_half, build_any
from impasto.models.vgg import EncoderWeights, VGGEncoder
from impasto.training import any_module
from impasto.training.any_build import build_any_module, resolve_any
from impasto.training.any_module import AnyStyleModule, Settle
from impasto.training.budget import Budget
from impasto.training.callbacks.previews import Grid
from impasto.training.identity import identify
from impasto.training.run_dir import RunDir
from impasto.training.warm_start import find_any, find_parameters, initialise_any


@pytest.fixture
def module(tiny: EncoderWeights) -> AnyStyleModule:
    loss = PerceptualLoss(
        encoder=VGGEncoder(weights=tiny, layers=["relu2_2"]),
        content_layers={"relu2_1": 1.0},
        style_layers={"relu1_2": 1.0, "relu2_2": 1.0},
        style_weight=3.0,
        damped=True,
    )
    return AnyStyleModule(model=small_any(), loss=loss, budget=Budget(steps=9), shift=8)


def test_every_sample_is_judged_by_its_own_painting_in_its_new_colors(
    module: AnyStyleModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(any_module, "shade", lambda photos, generator: photos)
    monkeypatch.setattr(any_module, "swap_palettes", lambda paintings, generator: 1 - paintings)
    pair = Pair(torch.rand(3, 3, 40, 40), torch.rand(3, 3, 40, 40))
    draw = torch.Generator().manual_seed(4)
    terms, stylized = module.judge(pair, generator=draw)
    down, across = torch.randint(8, (2,), generator=torch.Generator().manual_seed(4)).tolist()
    window = (..., slice(down, down + 32), slice(across, across + 32))
    content, style = [], []
    for photo, painting, drawn in zip(*pair, stylized, strict=True):
        vector = module.model.encode(at_half(1 - painting[None]))
        alone = module.model(photo[None], vector)
        torch.testing.assert_close(drawn[None], alone, atol=1e-3, rtol=0)
        module.loss.set_style(1 - painting[None])
        target = module.loss.content_target(photo[None][window])
        each = module.loss(alone[window], target)
        content.append(each.content)
        style.append(each.style)
    torch.testing.assert_close(terms.content, torch.stack(content).mean(), atol=0, rtol=1e-3)
    torch.testing.assert_close(terms.style, torch.stack(style).mean(), atol=0, rtol=1e-3)


def test_the_network_is_saved_with_what_is_usual_and_without_the_loss(
    module: AnyStyleModule,
) -> None:
    state = module.state_dict()
    assert set(state) == {f"model.{name}" for name in module.model.state_dict()}
    assert "model.mean_down_0_norm" in state
    learned = {id(item) for item in module.learned()}
    names = {name for name, item in module.named_parameters() if id(item) in learned}
    colors = {"model.net.colors.weight", "model.net.colors.bias"}
    assert names == {f"model.{name}" for name, _ in module.model.named_parameters()} - colors
    (groups,) = ([group["params"] for group in opt.param_groups] for opt in [optimizer(module)])
    assert {id(item) for group in groups for item in group} == learned


def optimizer(module: AnyStyleModule) -> torch.optim.Optimizer:
    found: torch.optim.Optimizer = module.configure_optimizers()["optimizer"]
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: EncoderWeights) -> Path:
    """Twenty paintings, an encoder, no COCO."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paintings").mkdir()
    for index in range(20):
        noise = np.random.default_rng(index).integers(0, 256, (40, 44, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"paintings/{index:02}.png")
    save_encoder(tiny, tmp_path / "tiny.safetensors")
    return tmp_path


def settings(**changes: object) -> TrainAnySettings:
    given: dict[str, object] = {
        "paintings": "paintings",
        "photos": "samples",
        "encoder": "tiny.safetensors",
        "content_layers": ["relu2_1"],
        "style_layers": ["relu1_1"],
        "image_size": 32,
        "width": 2,
        "steps": 100,
    }
    return TrainAnySettings(**given | changes)  # type: ignore[arg-type]


def test_what_is_usual_is_settled_at_step_0_by_regions_of_paintings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(any_module, "REGIONS", 16)
    sources = resolve_any(settings())
    model, other = (build_any_module(sources).model for _ in range(2))
    other.load_state_dict(model.state_dict())
    module = AnyStyleModule(model=model, loss=build_any_module(sources).loss, budget=Budget())
    paintings = PaintingDataset(paths=sources.paintings, size=32)
    start = Settle(paintings).on_train_start
    start(SimpleNamespace(global_step=1), module)  # type: ignore[arg-type]
    assert torch.equal(model.get_buffer("variance_down_0_norm"), torch.ones(6))
    start(SimpleNamespace(global_step=0), module)  # type: ignore[arg-type]
    draws = range(any_module.FIRST, any_module.FIRST + 16)
    regions = at_half(torch.stack([paintings[draw] for draw in draws]).float() / 255)
    other.settle([regions[:8], regions[8:]])
    for name, value in other.named_buffers():
        torch.testing.assert_close(model.get_buffer(name), value)


def test_defaults_are_filled_in(folder: Path) -> None:
    found = resolve_any(settings(steps=None))
    told = found.settings
    assert (told.name, told.output_dir, told.init) == ("any", "checkpoints/any", "none")
    assert (told.minutes, told.batch_size, told.style_weight) == (480, 4, 3)
    assert resolve_any(settings()).settings.minutes is None
    assert (len(found.paintings), len(found.held)) == (18, 2)
    assert resolve_any(told).settings == told
    rows = [f"{index:02}.png\tada-lovely / {index}\n" for index in range(4)]
    (folder / "paintings" / LIST).write_text("file\ttitle_artist\n" + "".join(rows))
    by_artist = resolve_any(settings(hold_out=1))
    assert [path.name for path in by_artist.held] == ["00.png", "01.png", "02.png", "03.png"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"paintings": None}, "name a folder with --paintings"),
        ({"paintings": "nowhere"}, "nowhere"),
        ({"paintings": "empty"}, "no paintings in empty or below it .* name another --paintings"),
        ({"hold_out": 20}, "--hold-out 20 leaves none of 20 paintings"),
        ({"photos": "nowhere"}, "nowhere"),
        ({"init": "nowhere"}, "no style 'nowhere': give an .onnx file or a name"),
        ({"init": "nowhere.ckpt"}, "nowhere.ckpt is not a readable checkpoint"),
        ({"init": "starry"}, "--init starry has one style: name a network of"),
    ],
)
def test_what_is_named_must_be_there(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        build_any_module(resolve_any(settings(**changes)))


def test_a_run_begins_where_another_ended(folder: Path) -> None:
    torch.manual_seed(1)
    other = build_any_module(resolve_any(settings()))
    with torch.no_grad():
        for item in other.learned():
            item.normal_()
    place = folder / "checkpoints/other/last.ckpt"
    place.parent.mkdir(parents=True)
    torch.save({"state_dict": other.state_dict(), "global_step": 5}, place)
    for init in ("other", str(place)):
        model = build_any(width=2)
        initialise_any(model, init)
        assert all(
            torch.equal(value, model.state_dict()[name])
            for name, value in other.model.state_dict().items()
        )
    with pytest.raises(InputError, match=r"--init other holds other networks .* same --width"):
        initialise_any(build_any(width=3), "other")
    one_style = {f"net.{name}": value for name, value in other.model.net.state_dict().items()}
    torch.save({"state_dict": one_style, "global_step": 5}, place)
    with pytest.raises(InputError, match="name a run of impasto train-any"):
        initialise_any(build_any(width=2), "other")


def test_a_run_begins_where_files_that_were_given_away_ended(painter: ExportedAny) -> None:
    model = small_any()
    with torch.no_grad():
        for value in model.parameters():
            value.add_(1)
    initialise_any(model, str(painter.path))
    learned = painter.model.state_dict()
    for name, value in model.net.state_dict(prefix="net.").items():
        torch.testing.assert_close(value, learned[name], atol=5e-4, rtol=1e-3)  # 16 bits


def test_one_style_begins_with_the_file_of_such_a_run_not_with_its_checkpoint(
    painter: ExportedAny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(painter.path.parent, "checkpoints/any")
    Path("checkpoints/any/last.ckpt").write_bytes(b"")
    assert find_parameters("any") == Path("checkpoints/any/any.onnx")
    assert find_any("any") == Path("checkpoints/any/last.ckpt")
    Path("checkpoints/any/any.encoder.onnx").unlink()
    assert find_parameters("any") == Path("checkpoints/any/last.ckpt")


def test_a_run_is_known_by_its_paintings(folder: Path) -> None:
    def run(**changes: object) -> RunDir:
        sources = resolve_any(settings(**changes))
        return RunDir(sources.settings, identity=identify(sources))

    first = run()
    first.prepare()
    torch.save({"state_dict": {}, "global_step": 40}, first.checkpoint)
    (folder / "paintings").rename(folder / "moved")
    assert run(paintings=str(folder / "moved")).prepare() == first.checkpoint
    with pytest.raises(InputError, match="hold_out None there, 3 here"):
        run(paintings="moved", hold_out=3).prepare()
    (folder / "moved/00.png").unlink()
    with pytest.raises(InputError, match=r"paintings .*moved there, .*, another file"):
        run(paintings=str(folder / "moved")).prepare()


def test_a_grid_shows_each_photograph_in_the_style_of_each_painting(
    module: AnyStyleModule,
) -> None:
    generator = np.random.default_rng(0)
    paintings = [generator.random((size, size, 3), np.float32) for size in (48, 32)]
    photos = [generator.random((24, 24, 3), np.float32) for _ in range(3)]
    with torch.no_grad():
        picture = Grid(paintings=paintings, photos=photos)(module)["grid"]
    assert picture.shape == (3, 3 * 24, 4 * 24)
    parts = picture.unflatten(2, (4, 24)).unflatten(1, (3, 24)).permute(1, 3, 0, 2, 4)
    assert torch.equal(parts[0, 0], torch.ones(3, 24, 24))
    for column, photo in enumerate(photos):
        assert np.array_equal(parts[0, column + 1].permute(1, 2, 0).numpy(), photo)
    drawn = parts[1:, 1:].flatten(0, 1)
    assert len({part.numpy().tobytes() for part in drawn}) == 6
    torch.testing.assert_close(
        parts[2, 0].mean(), torch.tensor(paintings[1].mean()), atol=0.02, rtol=0
    )
