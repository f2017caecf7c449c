"""Large pictures go through in strips, normalized as in one piece, in the memory they may take."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import save_graph, save_mean, save_negative
from networks import Exported, trained
from onnx import helper

from impasto.errors import InputError
from impasto.export.onnx_export import export_onnx
from impasto.images.io import RGB, load_image, sample_photos
from impasto.inference import passes
from impasto.inference import stylizer as runtime
from impasto.inference.kept import Moments, Pages, Rows
from impasto.inference.layout import UncutError
from impasto.inference.strips import LEAST
from impasto.inference.stylizer import Stylizer

STARRY = Path(__file__).parents[2] / "checkpoints/starry/starry.onnx"
SIZES = [(200, 64), (257, 67), (333, 50), (130, 99), (64, 131)]
EXACT = 70  # dB; the rounding of float16
NEAR = 45  # where the first statistics are those of a sixth of few pixels


def picture(height: int, width: int) -> RGB:
    """Darker and rougher at the top than below, so that strips by themselves would differ."""
    noise = np.random.default_rng(0).random((height, width, 3), np.float32)
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    return 0.7 * ramp + 0.3 * noise * (1 - ramp)


def in_strips(stylizer: Stylizer, image: np.ndarray, watch: Callable = lambda *_: None) -> RGB:
    """In the smallest strips there are."""
    return stylizer._in_strips(image, stylizer.cut(), room=0, watch=watch)


def psnr(a: RGB, b: RGB) -> float:
    return float(-10 * np.log10(((a - b) ** 2).mean()))


@pytest.mark.parametrize("size", SIZES)
def test_strips_are_what_one_piece_is(
    exported: Exported, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    stylizer = Stylizer(exported.path)
    whole = stylizer(picture(*size))
    assert whole.std() > 0.05
    assert psnr(in_strips(stylizer, picture(*size)), whole) > NEAR
    monkeypatch.setattr(passes, "_thinned", lambda graph, name: (graph, [name]))
    exact = in_strips(Stylizer(exported.path), picture(*size))
    assert exact.dtype == np.float32
    assert psnr(exact, whole) > EXACT


@pytest.mark.parametrize("size", [(301, 203)])
def test_strips_of_a_shipped_style_do_not_show(size: tuple[int, int]) -> None:
    stylizer = Stylizer(STARRY)
    image = load_image(sample_photos()[0], short_side=512)[: size[0], : size[1]]
    whole, stylized = stylizer(image), in_strips(stylizer, image)
    assert psnr(stylized, whole) > NEAR
    rows = np.abs(stylized - whole).mean((1, 2))
    assert rows.max() < 4 * np.median(rows)


def test_other_layers_and_bytes_go_through_too(tmp_path: Path) -> None:
    net = trained(design="johnson", upsampling="bilinear")
    export_onnx(net, tmp_path / "a.onnx", metadata={"name": "a", "steps": "7"}, uint8=True)
    stylizer = Stylizer(tmp_path / "a.onnx")
    image = picture(230, 75)
    assert psnr(in_strips(stylizer, image), stylizer(image)) > 45  # a level is 48 dB


def test_bytes_come_back_as_bytes(exported: Exported) -> None:
    stylizer = Stylizer(exported.path)
    levels = (picture(200, 70) * 255).astype(np.uint8)
    whole = stylizer(levels)
    assert whole.dtype == np.uint8
    np.testing.assert_allclose(whole / 255, stylizer(levels / np.float32(255)), atol=0.5001 / 255)
    assert np.abs(in_strips(stylizer, levels).astype(int) - whole).max() <= 1


def test_a_stranger_is_normalized_by_the_whole_picture(tmp_path: Path) -> None:
    """Closed form: a 3×3 mean, padded by its convolution, then mean 0 and variance 1."""
    kernel = np.zeros((3, 3, 3, 3), np.float32)
    for channel in range(3):
        kernel[channel, channel] = 1 / 9
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["mean"], pads=[1, 1, 1, 1]),
        helper.make_node("InstanceNormalization", ["mean", "weight", "bias"], ["normed"]),
        helper.make_node("Identity", ["normed"], ["y"]),
    ]
    constants = {
        "kernel": kernel,
        "weight": np.array([10, 20, 30], np.float32),
        "bias": np.array([100, 120, 140], np.float32),
    }
    path = save_graph(
        tmp_path / "a.onnx", nodes, constants=constants, inputs=["x"], outputs=["y"], metadata={}
    )
    image = picture(260, 40)
    padded = np.pad(image * 255, [(1, 1), (1, 1), (0, 0)])
    mean = sum(padded[i : i + 260, j : j + 40] for i in range(3) for j in range(3)) / 9
    normed = (mean - mean.mean((0, 1))) / np.sqrt(mean.var((0, 1)) + 1e-5)
    expected = np.clip((normed * constants["weight"] + constants["bias"]) / 255, 0, 1)
    np.testing.assert_allclose(in_strips(Stylizer(path, range=255), image), expected, atol=2e-3)


def test_without_norms_strips_are_exact(tmp_path: Path) -> None:
    stylizer = Stylizer(save_negative(tmp_path / "a.onnx"))
    image = picture(200, 33)
    np.testing.assert_array_equal(in_strips(stylizer, image), 1 - image)


def test_strips_at_once_are_what_they_are_one_by_one(
    exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, stylizer = picture(12 * LEAST, 40), Stylizer(exported.path, threads=3)
    one_by_one = in_strips(stylizer, image)
    together: list[int] = []
    apply = runtime.Strips.__call__

    def noted(*args: Any, **kwargs: Any) -> RGB:
        together.append(kwargs["at_once"])
        return apply(*args, **kwargs)

    monkeypatch.setattr(runtime.Strips, "__call__", noted)
    monkeypatch.setattr(runtime, "STRIP", 1)
    found = stylizer._in_strips(image, stylizer.cut(), room=1e9, watch=lambda *_: None)
    assert together == [3]
    np.testing.assert_allclose(found, one_by_one, atol=1e-5)


def test_what_sees_the_whole_picture_is_not_cut_but_tiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stylizer = Stylizer(save_mean(tmp_path / "a.onnx"))
    for _ in range(2):
        with pytest.raises(UncutError):
            stylizer.cut()
    monkeypatch.setattr(runtime, "free_memory", lambda: 0)
    told: list[tuple[int, int]] = []
    stylized = stylizer(picture(300, 100), watch=lambda *now: told.append(now))
    assert told == [(0, 2), (1, 2)]
    assert np.diff(stylized[:, 0, 0]).min() >= -1e-6


def test_moments_are_those_of_all_parts() -> None:
    x = np.random.default_rng(0).normal(5, 3, (6, 40, 7)).astype(np.float32)
    moments = Moments()
    for part in (x[:, :10], x[:, 10:11], x[:, 11:]):
        moments.add(part)
    mean, variance = moments.over(6)
    np.testing.assert_allclose(mean, x.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(variance, x.var((1, 2)), rtol=1e-4)
    pairs = x.reshape(3, -1)
    mean, variance = moments.over(3)
    np.testing.assert_allclose(mean, pairs.mean(1), rtol=1e-5)
    np.testing.assert_allclose(variance, pairs.var(1), rtol=1e-4)


def test_rows_are_kept_until_they_are_forgotten() -> None:
    x, pages = np.arange(60).reshape(2, 10, 3), Pages(0)
    rows = Rows(pages)
    for part in (x[:, :4], x[:, 4:4], x[:, 4:5], x[:, 5:]):
        rows.append(pages.copy(part))
    np.testing.assert_array_equal(rows.take(3, 7)[0], x[:, 3:7])
    np.testing.assert_array_equal(rows.take(2, None)[0], x[:, 2:])
    rows.forget(5)
    assert [chunk.shape[1] for _, chunk, _ in rows._chunks] == [5]
    np.testing.assert_array_equal(rows.take(6, 9)[0], x[:, 6:9])


class LeftError(Exception):
    pass


def test_strips_are_counted_and_whoever_watches_can_end_them(exported: Exported) -> None:
    stylizer, told = Stylizer(exported.path), []

    def watch(done: int, strips: int) -> None:
        told.append((done, strips))
        if done == 5:
            raise LeftError

    with pytest.raises(LeftError):
        in_strips(stylizer, picture(4 * LEAST, 40), watch)
    assert [done for done, _ in told] == list(range(6))
    assert len({strips for _, strips in told}) == 1


CHOICES = [  # GB: asked for, free, taken already; and how a picture of 10 million pixels is made
    (None, 40, 0, "whole"),
    (None, 8, 0, "whole"),
    (None, 3, 0, "strips"),
    (None, 0, 0, "strips"),
    (4.0, 0, 0, "whole"),
    (4.0, 40, 3, "strips"),
    (1.0, 40, 0.1, "strips"),
    (0.2, 40, 0.1, "refused"),
]


@pytest.fixture(scope="module")
def starry() -> Stylizer:
    return Stylizer(STARRY, backend="onnxruntime")


@pytest.mark.parametrize(("most", "free", "used", "way"), CHOICES)
def test_memory_decides(
    most: float | None,
    free: float,
    used: float,
    way: str,
    starry: Stylizer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stylizer = Stylizer(STARRY, max_memory=most)
    stylizer._strips = starry.cut()
    monkeypatch.setattr(runtime, "free_memory", lambda: free * 1e9)
    monkeypatch.setattr(runtime, "used_memory", lambda: used * 1e9)
    monkeypatch.setattr(stylizer, "_whole", lambda _: "whole")
    monkeypatch.setattr(runtime.Strips, "__call__", lambda *_, **__: "strips")
    image = np.broadcast_to(np.uint8(0), (2500, 4000, 3))
    if way == "refused":
        with pytest.raises(InputError, match=r"^4000x2500 pixels take 0\.4 GB: give --max-memory"):
            stylizer(image)
    else:
        assert stylizer(image) == way


CHILD = """
import sys
from pathlib import Path
import numpy as np
from impasto import Stylizer
stylizer = Stylizer(sys.argv[1], backend="onnxruntime", max_memory=float(sys.argv[2]))
stylizer(np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), np.uint8))
print(next(x.split()[1] for x in Path("/proc/self/status").read_text().splitlines() if "HWM" in x))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say")
def test_the_bound_holds_for_a_whole_process() -> None:
    """What the system says of it: a child's `ru_maxrss` would include that of a forked pytest."""
    peaks = []
    for most in ("0.3", "2"):
        words = [sys.executable, "-c", CHILD, str(STARRY), most]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout) * 1024 / 1e9)
    assert peaks[0] < 0.3 < peaks[1] < 2
