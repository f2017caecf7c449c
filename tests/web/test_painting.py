"""A painting of the visitor's own: what comes out is what `stylize --painting` makes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import finished, hand_over, pixels, saved
from PIL import Image

from impasto.images.io import load_image, sample_photos, to_pil
from impasto.inference.any_style import AnyStyle
from impasto.inference.stylizer import Stylizer

Visit = Callable[..., Any]


def write(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def textured(width: int, height: int) -> Image.Image:
    """Something of many colors and sizes."""
    sample = next(path for path in sample_photos() if path.stem == "coffee")
    return Image.open(sample).convert("RGB").resize((width, height))


PAINTINGS: dict[str, Callable[[], Image.Image]] = {
    "usual": lambda: textured(700, 500),
    "larger than is looked at": lambda: textured(2600, 1300),
    "very long": lambda: textured(2000, 90),
    "of one color": lambda: Image.new("RGB", (90, 70), "teal"),
    "one pixel": lambda: Image.new("RGB", (1, 1), "red"),
}


def reference(photo: Path, painting: Path, size: int) -> Any:
    network = AnyStyle()
    stylize = Stylizer(network.model(network.look(painting)), backend="onnxruntime")
    return np.asarray(to_pil(stylize(load_image(photo, short_side=size)))).astype(int)


@pytest.mark.parametrize("kind", PAINTINGS)
@pytest.mark.parametrize("engine", ["served", "plain"])
def test_pixels_are_those_of_the_command(
    visit: Visit,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    photo: Path,
    kind: str,
    engine: str,
) -> None:
    painting = write(tmp_path / "my_barn.png", PAINTINGS[kind]())
    page = visit(f"{request.getfixturevalue(engine)}#size=256")
    page.set_input_files("#painting", painting)
    page.locator("#gallery label", has_text="my barn").wait_for()
    page.set_input_files("#file", photo)
    finished(page, "my barn, 385 × 256")
    name, data = saved(page)
    difference = np.abs(pixels(data) - reference(photo, painting, 256))
    assert name == "my cat_my_barn.png"
    assert difference.max() <= (0 if engine == "served" else 2)


def test_transparency_lies_over_white(
    visit: Visit, plain: str, tmp_path: Path, photo: Path
) -> None:
    image = textured(300, 260)
    image.putalpha(Image.radial_gradient("L").resize(image.size))
    painting = write(tmp_path / "ghost.png", image)
    page = visit(f"{plain}#size=256")
    page.set_input_files("#file", photo)
    page.set_input_files("#painting", painting)
    finished(page, "ghost, 385 × 256")
    difference = np.abs(pixels(saved(page)[1]) - reference(photo, painting, 256))
    assert difference.mean() <= 1


def test_it_may_fall_among_the_styles_and_be_mixed(
    visit: Visit, plain: str, tmp_path: Path, photo: Path
) -> None:
    sent: list[str] = []
    page = visit(f"{plain}#size=256")
    page.on("request", lambda request: request.post_data and sent.append(request.url))
    page.set_input_files("#file", photo)
    finished(page)
    paintings = [write(tmp_path / f"{name}.png", textured(*size)) for name, size in SIZES.items()]
    for painting in paintings:
        hand_over(page, painting, "drop", on="#gallery")
        finished(page, f"{painting.stem}, 385 × 256")
    page.locator("#second").select_option(label=paintings[0].stem)
    finished(page, f"{paintings[1].stem} with {paintings[0].stem}")
    first, second = (reference(photo, painting, 256) for painting in paintings)
    assert np.abs(pixels(saved(page)[1]) - (first + second) / 2).max() <= 3
    assert sent == []
    assert "given" not in page.url


SIZES = {"one": (400, 300), "two": (120, 360)}


@pytest.mark.parametrize("engine", ["served", "plain"])
def test_what_is_no_painting_gets_its_sentence(
    visit: Visit, request: pytest.FixtureRequest, tmp_path: Path, photo: Path, engine: str
) -> None:
    page = visit(f"{request.getfixturevalue(engine)}#style=udnie&size=256", quiet=False)
    page.set_input_files("#file", photo)
    finished(page)
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture at all")
    page.set_input_files("#painting", bad)
    page.locator("#trouble:not([hidden]) #sentence", has_text="picture").wait_for()
    finished(page, "Udnie, 385 × 256")
    assert page.locator("#gallery :checked").get_attribute("value") == "udnie"
