"""Controls after training: each by itself, their order, and what they refuse."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import save_negative
from pictures import smooth
from PIL import Image

from impasto.errors import InputError
from impasto.images.io import RGB
from impasto.images.oklab import to_oklab
from impasto.inference import upsample
from impasto.inference.controls import Controls, blend
from impasto.inference.stylizer import Stylizer
from impasto.inference.upsample import guided_upsample, resized

PHOTO = smooth(60, 80)


def negative(image: RGB) -> RGB:
    return 1 - image


def refusal(**controls: Any) -> str:
    with pytest.raises(InputError) as caught:
        Controls(**controls)
    return str(caught.value)


def test_by_default_the_picture_is_what_was_made() -> None:
    made = negative(PHOTO)
    assert Controls().apply(PHOTO, lambda image: made) is made


def test_strength_goes_from_the_photograph_to_the_picture_and_both_are_exact() -> None:
    noise = np.random.default_rng(0).random(PHOTO.shape, np.float32)
    np.testing.assert_array_equal(Controls(strength=0).apply(PHOTO, lambda _: noise.copy()), PHOTO)
    np.testing.assert_array_equal(Controls(strength=1).apply(PHOTO, lambda _: noise.copy()), noise)
    some = Controls(strength=0.25).apply(PHOTO, lambda _: noise.copy())
    np.testing.assert_allclose(some, 0.75 * PHOTO + 0.25 * noise, atol=1e-6)


def test_blending_is_exact_at_both_ends_for_every_pixel() -> None:
    first, second = np.random.default_rng(0).random((2, 500, 3), np.float32)
    share = np.tile(np.float32([0, 1]), 250)[:, None]
    np.testing.assert_array_equal(blend(first, second, share), np.where(share, second, first))


def test_keep_color_takes_lightness_from_the_picture_and_color_from_the_photograph() -> None:
    photo = np.float32(0.5) + np.float32(0.15) * (PHOTO - np.float32(0.5))
    made = Controls(keep_color=True).apply(photo, negative)
    lab, before, stylized = (to_oklab(image) for image in (made, photo, negative(photo)))
    np.testing.assert_allclose(lab[..., 0], stylized[..., 0], atol=1e-4)
    np.testing.assert_allclose(lab[..., 1:], before[..., 1:], atol=1e-4)
    assert np.abs(lab[..., 1:] - stylized[..., 1:]).max() > 0.05


@pytest.mark.parametrize(("size", "working"), [(2, (30, 40)), (0.5, (120, 160)), (3, (20, 27))])
def test_strokes_change_the_size_at_which_the_picture_is_made(
    size: float, working: tuple[int, int]
) -> None:
    seen = []

    def make(image: RGB) -> RGB:
        seen.append(image)
        return negative(image)

    made = Controls(stroke_size=size).apply(PHOTO, make)
    assert seen[0].shape == (*working, 3)
    np.testing.assert_allclose(seen[0], resized(PHOTO, *working), atol=1e-6)
    assert made.shape == PHOTO.shape
    assert np.abs(made - negative(PHOTO)).mean() < 0.01


def test_strokes_grow_and_shrink_with_the_factor() -> None:
    def stripes(image: RGB) -> RGB:
        """A style whose strokes are eight pixels wide, whatever the photograph."""
        wave = np.sin(np.arange(image.shape[1]) * np.pi / 8) / 2 + 0.5
        return np.broadcast_to(wave[None, :, None], image.shape).astype(np.float32)

    photo = np.full((64, 256, 3), 0.5, np.float32)
    for factor in (0.5, 1, 2, 4):
        row = Controls(stroke_size=factor).apply(photo, stripes)[32, :, 0]
        spectrum = np.abs(np.fft.rfft(row - row.mean()))
        assert spectrum.argmax() == 256 / (16 * factor)


def test_a_photograph_too_small_for_large_strokes_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        Controls(stroke_size=4).apply(PHOTO, negative)
    assert str(caught.value) == (
        "strokes of size 4 make 80x60 pixels 20x15, and a side needs 16: give a smaller "
        "--stroke-size"
    )
    assert Controls(stroke_size=0.25).working(PHOTO[:8, :8]).shape == (32, 32, 3)


def test_a_mask_says_where_the_picture_goes() -> None:
    mask = np.zeros((60, 80), bool)
    mask[:, 40:] = True
    made = Controls(mask=mask, feather=0).apply(PHOTO, negative)
    np.testing.assert_array_equal(made[:, :40], PHOTO[:, :40])
    np.testing.assert_array_equal(made[:, 40:], negative(PHOTO)[:, 40:])


@pytest.mark.parametrize("feather", [None, 0, 25])
def test_a_white_mask_is_no_mask_and_a_black_one_leaves_the_photograph(feather: float) -> None:
    for value, expected in ((1, negative(PHOTO)), (0, PHOTO)):
        mask = np.full((7, 9), value, np.float32)
        made = Controls(mask=mask, feather=feather).apply(PHOTO, negative)
        np.testing.assert_array_equal(made, expected)


def test_a_mask_comes_from_a_file_and_fits_pictures_of_any_size(tmp_path: Path) -> None:
    Image.fromarray(np.uint8([[0, 255]])).resize((80, 60), 0).save(tmp_path / "m.png")
    controls = Controls(mask=tmp_path / "m.png", feather=0)
    for photo in (PHOTO, smooth(30, 40), PHOTO):
        half = photo.shape[1] // 2
        made = controls.apply(photo, negative)
        np.testing.assert_array_equal(made[:, : half - 1], photo[:, : half - 1])
        np.testing.assert_array_equal(made[:, half + 1 :], negative(photo)[:, half + 1 :])


def test_mask_and_strength_multiply() -> None:
    made = Controls(mask=np.full((4, 4), 0.6), strength=0.5).apply(PHOTO, negative)
    np.testing.assert_allclose(made, PHOTO + 0.3 * (1 - 2 * PHOTO), atol=1e-6)


def test_the_order_is_strokes_color_strength_and_mask() -> None:
    mask = np.tile(np.linspace(0, 1, 80), (60, 1))
    controls = Controls(strength=0.8, keep_color=True, stroke_size=2, mask=mask, feather=0)
    made = controls.apply(PHOTO, negative)

    small = resized(PHOTO, 30, 40)
    strokes = guided_upsample(negative(small), small=small, photo=PHOTO)
    colored = Controls(keep_color=True).apply(PHOTO, lambda _: strokes.copy())
    strong = Controls(strength=0.8).apply(PHOTO, lambda _: colored.copy())
    expected = Controls(mask=mask, feather=0).apply(PHOTO, lambda _: strong.copy())
    np.testing.assert_allclose(made, expected, atol=2e-6)
    assert np.abs(strokes - colored).max() > 0.1  # the steps do something


def test_the_photograph_is_left_alone_even_by_what_returns_it() -> None:
    photo = PHOTO.copy()
    mask = np.eye(60, 80)
    controls = Controls(keep_color=True, strength=0.5, mask=mask)
    for make in (negative, lambda image: image, lambda image: image[:, :]):
        controls.apply(photo, make)
        np.testing.assert_array_equal(photo, PHOTO)


def test_frames_come_out_alike_and_bands_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    controls = Controls(strength=0.7, keep_color=True, stroke_size=1.5, mask=np.eye(9))
    first = controls.apply(PHOTO, negative)
    np.testing.assert_array_equal(controls.apply(PHOTO, negative), first)
    monkeypatch.setattr(upsample, "BAND", 5 * 80)
    np.testing.assert_allclose(controls.apply(PHOTO, negative), first, atol=1e-4)


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        ({"strength": 1.5}, "strength is 1.5: give 0 to 1"),
        ({"strength": float("nan")}, "strength is nan: give 0 to 1"),
        ({"stroke_size": 0}, "stroke_size is 0: give 0.25 to 16"),
        ({"feather": -1}, "feather is -1: give 0 to 10000"),
    ],
)
def test_numbers_out_of_range_are_refused(controls: dict[str, float], sentence: str) -> None:
    assert refusal(**controls) == sentence


def test_a_mask_that_cannot_be_used_is_refused() -> None:
    assert refusal(mask="none.png").startswith("cannot read the mask none.png: there is no such")
    assert refusal(mask=np.zeros((2, 2, 3))).startswith("a mask of shape (2, 2, 3)")


def test_a_stylizer_takes_the_same_words(tmp_path: Path) -> None:
    stylizer = Stylizer(save_negative(tmp_path / "negative.onnx"))
    words: dict[str, Any] = dict(
        strength=0.8, keep_color=True, stroke_size=2, mask=np.eye(60, 80), feather=3
    )
    expected = Controls(**words).apply(PHOTO, negative)
    np.testing.assert_allclose(stylizer(PHOTO, **words), expected, atol=1e-5)
    np.testing.assert_array_equal(stylizer(PHOTO, strength=0), PHOTO)
    with pytest.raises(InputError, match="strength is 2: give 0 to 1"):
        stylizer(PHOTO, strength=2)
    with pytest.raises(InputError, match=r"\(60, 80\) cannot be stylized"):
        stylizer(PHOTO[..., 0], strength=0.5)


@pytest.mark.parametrize("stroke_size", [0.5, 1, 1.2, 3])
@pytest.mark.parametrize("keep_color", [False, True])
def test_bytes_stay_bytes_and_are_what_floats_are(stroke_size: float, keep_color: bool) -> None:
    mask = np.linspace(0, 1, 80)[None].repeat(60, axis=0)
    controls = Controls(stroke_size=stroke_size, keep_color=keep_color, strength=0.8, mask=mask)
    photo = np.rint(PHOTO * 255).astype(np.uint8)
    seen: list[np.dtype] = []

    def make(image: np.ndarray) -> np.ndarray:
        seen.append(image.dtype)
        return 255 - image if image.dtype == np.uint8 else 1 - image

    made = controls.apply(photo, make)
    exact = controls.apply(photo.astype(np.float32) / 255, make)
    assert [made.dtype, exact.dtype, *seen] == [np.uint8, np.float32, np.uint8, np.float32]
    assert np.abs(made - exact * 255).max() < (3 if keep_color else 2)
