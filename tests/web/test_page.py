"""The page in Chromium, painted by Python and by the browser."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import BYTES, finished, hand_over, pixels, saved
from graphs import save_graph, save_negative
from onnx import helper
from PIL import Image

from impasto.images.io import load_image, sample_photos, to_pil
from impasto.inference.stylizer import Stylizer

Visit = Callable[..., Any]
SAMPLES = {path.stem: path for path in sample_photos()}
AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
PHONE = {"width": 390, "height": 844}


def reference(photo: Path, style: str, size: int | None) -> Any:
    painted = Stylizer(style, backend="onnxruntime")(load_image(photo, short_side=size))
    return np.asarray(to_pil(painted)).astype(int)


@pytest.mark.parametrize("size", [256, 512])
def test_pixels_are_those_of_the_command(
    visit: Visit, address: str, photo: Path, size: int
) -> None:
    page = visit(f"{address}#style=starry&size={size}")
    page.set_input_files("#file", photo)
    finished(page)
    name, data = saved(page)
    difference = np.abs(pixels(data) - reference(photo, "starry", size))
    assert name == "my cat_starry.png"
    by_python = address.count("/") == 4  # the secret is a part of it
    assert difference.max() <= (0 if by_python else 2)


def test_a_jpeg_lies_as_its_camera_was_held(visit: Visit, plain: str, tmp_path: Path) -> None:
    path, exif = tmp_path / "held.jpg", Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.open(SAMPLES["chelsea"]).save(path, quality=95, exif=exif)
    page = visit(f"{plain}#style=starry&size=256")
    page.set_input_files("#file", path)
    finished(page, "256 × 385")
    difference = np.abs(pixels(saved(page)[1]) - reference(path, "starry", 256))
    assert difference.max() <= 2


def test_parts_are_put_together_without_seams(visit: Visit, plain: str, photo: Path) -> None:
    code = """async ([width, height, data]) => {
        const { toPlanes, fromPlanes } = await import('./pixels.js');
        const { tiles, Canvas } = await import('./tiling.js');
        BYTES
        const picture = { width, height, data: bytes(data) };
        const parts = tiles(width, height, 128, 32), whole = new Canvas(width, height, 32);
        for (const part of parts) whole.add(toPlanes(picture, part), part);
        return [parts.length, text(fromPlanes(whole.finish(), width, height).data)];
    }""".replace("BYTES", BYTES)
    image = Image.open(photo).resize((301, 202))
    page = visit(plain, bypass_csp=True)
    count, data = page.evaluate(
        code, [301, 202, b64encode(image.convert("RGBA").tobytes()).decode()]
    )
    assert count == 6
    found = np.frombuffer(b64decode(data), np.uint8).reshape(202, 301, 4)[..., :3]
    np.testing.assert_array_equal(found, np.asarray(image.convert("RGB")))


def test_threads_are_used_where_the_page_is_isolated(
    visit: Visit, plain: str, isolated: str
) -> None:
    code = """async () => {
        const { BrowserEngine } = await import('./engine-browser.js');
        return (await new BrowserEngine().about()).threads;
    }"""
    assert visit(plain, bypass_csp=True).evaluate(code) == 1
    page = visit(isolated, bypass_csp=True)
    assert page.evaluate(code) == min(4, page.evaluate("navigator.hardwareConcurrency"))


@pytest.mark.parametrize("size", [(40, 30), (200, 131), (97, 301), (640, 426), (1000, 700)])
def test_scaling_is_pillow_s_to_the_bit(
    visit: Visit, plain: str, photo: Path, size: tuple[int, int]
) -> None:
    image = Image.open(photo).convert("RGB")
    code = """async ([width, height, data, newWidth, newHeight]) => {
        BYTES
        const { lanczos } = await import('./pixels.js');
        return text(lanczos({ width, height, data: bytes(data) }, newWidth, newHeight).data);
    }""".replace("BYTES", BYTES)
    data = b64encode(image.crop((0, 0, 300, 200)).convert("RGBA").tobytes()).decode()
    made = visit(plain, bypass_csp=True).evaluate(code, [300, 200, data, *size])
    expected = image.crop((0, 0, 300, 200)).resize(size, Image.Resampling.LANCZOS)
    found = np.frombuffer(b64decode(made), np.uint8).reshape(size[1], size[0], 4)[..., :3]
    np.testing.assert_array_equal(found, np.asarray(expected))


def test_blending_is_what_it_says(visit: Visit, plain: str) -> None:
    code = """async ([strength, color]) => {
        const { blend } = await import('./pixels.js');
        const bytes = (rgb) => Uint8ClampedArray.from([...rgb, 255]);
        const one = (...rgb) => ({ width: 1, height: 1, data: bytes(rgb) });
        return Array.from(blend(one(200, 100, 40), one(10, 120, 90), { strength, color }).data);
    }"""
    page = visit(plain, bypass_csp=True)
    assert page.evaluate(code, [1, 0]) == [10, 120, 90, 255]
    assert page.evaluate(code, [0, 1]) == [200, 100, 40, 255]
    assert page.evaluate(code, [0.5, 0]) == [105, 110, 65, 255]
    red, green, blue, _ = page.evaluate(code, [1, 1])
    assert 0.299 * red + 0.587 * green + 0.114 * blue == pytest.approx(83.7, abs=0.6)
    assert red - green == pytest.approx(100, abs=1)


@pytest.mark.parametrize("size", [(2100, 2000), (5000, 900), (17, 9000), (4097, 1025)])
def test_parts_are_those_of_python(visit: Visit, plain: str, size: tuple[int, int]) -> None:
    from impasto.inference.tiling import ramp, spans

    code = """async ([length, tile, overlap]) => {
        const { spans, ramp } = await import('./tiling.js');
        return spans(length, tile, overlap).map((s) => [s, Array.from(ramp(s, length, overlap))]);
    }"""
    page = visit(plain, bypass_csp=True)
    for length in size:
        found = page.evaluate(code, [length, 1024, 192])
        expected = list(spans(length, tile=1024, overlap=192))
        assert [span for span, _ in found] == [[span.start, span.stop] for span in expected]
        for (_, rise), span in zip(found, expected, strict=True):
            np.testing.assert_allclose(rise, ramp(span, length, overlap=192), atol=1e-6)


def test_every_way_in(visit: Visit, served: str, photo: Path) -> None:
    page = visit(served)
    page.click("text=Try a sample")
    finished(page, "512 × 512")
    page.locator("#actions >> text=Camera").click()
    page.locator("dialog[open] video").wait_for()
    page.locator("#shoot").click()
    page.locator("#status:not(:has-text('512 × 512'))", has_text="512 pixels: finished").wait_for()
    hand_over(page, photo, "drop")
    finished(page, "769 × 512")
    hand_over(page, SAMPLES["rocket"], "paste")
    finished(page)


def test_sliders_change_the_picture_without_painting_again(
    visit: Visit, served: str, photo: Path
) -> None:
    page = visit(f"{served}#size=256")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_input_files("#file", photo)
    finished(page)
    full = pixels(saved(page)[1])
    asked.clear()
    page.locator("#strength").fill("50")
    half = pixels(saved(page)[1])
    page.locator("#strength").fill("0")
    none = pixels(saved(page)[1])
    assert not [url for url in asked if "stylize" in url]
    original = np.asarray(to_pil(load_image(photo, short_side=256))).astype(int)
    np.testing.assert_array_equal(none, original)
    assert np.abs(half - (full + original) / 2).max() <= 1
    page.locator("#strength").fill("100")
    page.locator("#color").fill("100")
    colored = pixels(saved(page)[1])
    assert np.abs(colored - original).mean() < np.abs(full - original).mean()
    assert page.url.endswith("size=256&color=100")


def test_a_link_restores_everything(visit: Visit, served: str, photo: Path) -> None:
    page = visit(f"{served}#style=udnie&size=256&strength=40&color=70")
    assert page.locator("#gallery :checked").get_attribute("value") == "udnie"
    assert page.locator("#choices :checked").get_attribute("value") == "256"
    assert page.locator("#strength").input_value() == "40"
    assert page.locator("#color-value").inner_text() == "70 %"
    page.set_input_files("#file", photo)
    finished(page, "Udnie, 385 × 256")
    page.click("summary")
    assert "Francis Picabia" in page.locator("#facts").inner_text()
    page.evaluate("location.hash = '#style=nobody&size=256'")
    finished(page, "Starry, 385 × 256")


@pytest.mark.parametrize("hash_", ["style=../../x&size=-4&strength=1e9&color=<b>", "%%%", "style="])
def test_a_link_of_nonsense_does_no_harm(visit: Visit, served: str, hash_: str) -> None:
    page = visit(f"{served}#{hash_}")
    assert page.locator("#gallery :checked").get_attribute("value") == "starry"
    assert page.locator("#choices :checked").get_attribute("value") == "512"


def test_the_keyboard_is_enough(visit: Visit, served: str) -> None:
    page = visit(f"{served}#size=256")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Try a sample"
    page.keyboard.press("Enter")
    finished(page, "Starry, 256")
    for _ in range(20):
        if page.evaluate("document.activeElement.name") == "style":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    finished(page, "The Great Wave")
    page.locator("#split").focus()
    before = page.locator("#compare").evaluate("figure => figure.style.getPropertyValue('--split')")
    page.keyboard.press("End")
    after = page.locator("#compare").evaluate("figure => figure.style.getPropertyValue('--split')")
    assert (before, after) == ("20%", "100%")


def test_cancel_stops_and_the_next_picture_is_made(
    visit: Visit, address: str, tmp_path: Path
) -> None:
    large = tmp_path / "large.png"
    Image.open(SAMPLES["coffee"]).resize((1536, 1024)).save(large)
    page = visit(f"{address}#size=256")
    page.set_input_files("#file", large)
    finished(page)
    page.locator("#choices label", has_text="1024").click()
    page.click("#cancel")
    finished(page, "Cancelled")
    assert page.locator("#work").is_hidden()
    assert page.locator("#download").is_enabled()  # what was finished is kept
    page.locator("#choices label", has_text="256").click()
    page.locator("#gallery label", has_text="Udnie").click()
    finished(page, "Udnie, 384 × 256")


def test_what_is_no_picture_gets_its_sentence(
    visit: Visit, address: str, tmp_path: Path, photo: Path
) -> None:
    page = visit(f"{address}#size=256", quiet=False)
    page.set_input_files("#file", photo)
    finished(page)
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture at all")
    page.set_input_files("#file", bad)
    page.locator("#sentence", has_text=re.compile("picture")).wait_for()
    page.click("#dismiss")
    page.locator("#gallery label", has_text="Udnie").click()
    finished(page, "Udnie, 385 × 256")  # of the photograph that was there


def test_a_style_of_ones_own(visit: Visit, address: str, tmp_path: Path, photo: Path) -> None:
    page = visit(f"{address}#size=256")
    page.set_input_files("#file", photo)
    finished(page)
    page.set_input_files("#model", save_negative(tmp_path / "negative.onnx"))
    finished(page, "negative, 385 × 256")
    original = np.asarray(to_pil(load_image(photo, short_side=256))).astype(int)
    assert np.abs(pixels(saved(page)[1]) - (255 - original)).max() <= 1
    assert "7 steps" in page.locator("#facts").text_content()


def test_files_that_are_no_style_are_refused(
    visit: Visit, address: str, tmp_path: Path, photo: Path
) -> None:
    page = visit(f"{address}#size=256", quiet=False)
    page.set_input_files("#file", photo)
    finished(page)
    strange = save_graph(
        tmp_path / "strange.onnx",
        [helper.make_node("Relu", ["content"], ["stylized"])],
        constants={},
        metadata={},
    )
    text = tmp_path / "text.onnx"
    text.write_text("hello")
    for path in (text, strange, photo):
        page.set_input_files("#model", path)
        page.locator(
            "#trouble:not([hidden]) #sentence", has_text=re.compile("impasto|style")
        ).wait_for()
        page.click("#dismiss")
    assert page.locator("#gallery :checked").get_attribute("value") == "starry"


def test_too_little_memory_offers_the_next_smaller_size(
    visit: Visit, served: str, photo: Path
) -> None:
    page = visit(f"{served}#size=512", quiet=False)
    body = json.dumps({"kind": "memory", "error": "it does not fit in memory"})
    page.route("**/stylize?*size=512", lambda route: route.fulfill(status=422, body=body))
    page.set_input_files("#file", photo)
    page.locator("#sentence", has_text="not enough memory").wait_for()
    page.click("text=Make it with 256 pixels")
    finished(page, "385 × 256")
    page.locator("#choices label", has_text="512").click()
    page.locator("#sentence", has_text="The picture you have is kept").wait_for()
    assert pixels(saved(page)[1]).shape == (256, 385, 3)


def test_it_says_when_the_program_has_ended(visit: Visit, served: str, photo: Path) -> None:
    page = visit(served, quiet=False)
    page.route("**/photo?*", lambda route: route.abort())
    page.set_input_files("#file", photo)
    page.locator("#sentence", has_text="impasto serve").wait_for()


def test_it_works_without_a_network_after_the_first_visit(
    visit: Visit, plain: str, photo: Path
) -> None:
    page = visit(f"{plain}#style=udnie&size=256", service_workers="allow")
    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    page.context.set_offline(True)
    page.reload()
    page.locator("html[data-ready]").wait_for(state="attached")
    assert page.evaluate("crossOriginIsolated")  # the service worker adds the headers
    page.set_input_files("#file", photo)
    finished(page, "Udnie, 385 × 256")
    difference = np.abs(pixels(saved(page)[1]) - reference(photo, "udnie", 256))
    assert difference.max() <= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE["width"], 1280])
def test_axe_finds_nothing(visit: Visit, served: str, photo: Path, scheme: str, width: int) -> None:
    size = {"width": width, "height": 844}
    page = visit(f"{served}#size=256", color_scheme=scheme, viewport=size, bypass_csp=True)
    page.add_script_tag(path=AXE)
    audit = (
        "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html)])"
    )
    assert page.evaluate(audit) == []
    page.set_input_files("#file", photo)
    finished(page)
    page.click("summary")
    assert page.evaluate(audit) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_two_styles_are_mixed(visit: Visit, served: str, photo: Path) -> None:
    page = visit(f"{served}#style=starry&second=udnie&share=25&size=256")
    page.set_input_files("#file", photo)
    finished(page, "Starry with Udnie")
    first, second = (reference(photo, name, 256) for name in ("starry", "udnie"))
    name, data = saved(page)
    assert name == "my cat_starry_udnie.png"
    assert np.abs(pixels(data) - (0.75 * first + 0.25 * second)).max() <= 1
    page.locator("#second").select_option("")
    finished(page, "Starry, 385 × 256")
    assert np.abs(pixels(saved(page)[1]) - first).max() == 0
