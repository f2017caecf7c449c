"""Motion, trust and the two averages: closed forms, no ghosts, and less flicker."""

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("cv2", reason="films need the video extra")

from films import scene

from impasto.video import motion
from impasto.video.motion import (
    FALLOFF,
    MISPLACED,
    NOISE,
    UNTRUSTED,
    Motion,
    blend,
    flow,
    motion_between,
    trusted,
    with_camera,
)
from impasto.video.steady import InputAverage, OutputAverage

H, W = 96, 128


def texture(*, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    """A smooth random picture, H×W×3 of bytes, moved to the right by `shift` pixels."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:H, :W].astype(np.float64)
    image = np.full((H, W, 3), 128.0)
    for _ in range(30):
        fx, fy, phase = draw.normal(0, 0.15), draw.normal(0, 0.15), draw.uniform(0, 6.3, 3)
        image += 10 * np.sin(fx * (x - shift) + fy * y)[..., None] * np.cos(phase)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def still(height: int = H, width: int = W) -> np.ndarray:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([x, y], -1)


def test_trust_is_whole_then_falls_in_a_line_to_nothing() -> None:
    difference = np.array([0, UNTRUSTED - FALLOFF, UNTRUSTED - FALLOFF / 4, UNTRUSTED], np.float32)
    np.testing.assert_allclose(
        trusted(difference, gradient=np.zeros(4, np.float32), noise=0), [1, 1, 0.25, 0], atol=1e-6
    )


def test_noise_and_edges_are_allowed_for() -> None:
    difference = np.full(3, UNTRUSTED + 0.5, np.float32)
    none, edge = np.zeros(3, np.float32), np.full(3, 10 / MISPLACED, np.float32)
    assert not trusted(difference, gradient=none, noise=0).any()
    np.testing.assert_allclose(trusted(difference, gradient=none, noise=0.5 + FALLOFF), 1)
    np.testing.assert_allclose(trusted(difference, gradient=edge, noise=0), 1)
    assert not trusted(np.full(3, UNTRUSTED + NOISE, np.float32), gradient=none, noise=99).any()


def test_blend_is_a_weighted_mean_of_what_is_trusted() -> None:
    now, before = np.full((H, W, 3), 0.2, np.float32), np.full((H, W, 3), 0.6, np.float32)
    trust = np.zeros((H, W), np.float32)
    trust[:, 64:] = 0.5
    mixed = blend(now, before, Motion(still(), trust), weight=0.8)
    np.testing.assert_allclose(mixed[:, :64], 0.2, atol=1e-6)
    np.testing.assert_allclose(mixed[:, 64:], 0.2 + 0.8 * 0.5 * 0.4, atol=1e-6)


def test_blend_carries_what_moved() -> None:
    before = np.random.default_rng(0).random((H, W, 3), np.float32)
    source = still() - np.array([3, 0], np.float32)  # all went 3 pixels to the right
    mixed = blend(
        np.zeros_like(before), before, Motion(source, np.ones((H, W), np.float32)), weight=0.5
    )
    np.testing.assert_allclose(mixed[:, 3:], before[:, :-3] / 2, atol=1e-5)


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.5])
def test_the_flow_leads_to_where_a_pixel_was(shift: float) -> None:
    found = flow(texture(), texture(shift=shift))[16:-16, 16:-16]
    assert np.abs(found - np.array([-shift, 0])).mean() < 0.15


def test_what_moves_as_a_whole_is_trusted_and_another_scene_is_not() -> None:
    trust = motion_between(texture(), texture(shift=2)).trust
    assert trust[8:-8, 8:-8].mean() > 0.98
    assert motion_between(texture(), texture(seed=9)).trust.max() == 0


def test_a_pixel_from_outside_the_frame_is_not_trusted() -> None:
    assert motion_between(texture(), texture(shift=6)).trust[20:-20, 0].max() < 0.8


def test_what_is_uncovered_is_not_trusted_though_its_color_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a plain ground, where the flow pulls what a moving thing uncovers along with it."""
    found = np.zeros((H, W, 2), np.float32)
    found[:, 40:60, 0] = np.arange(0, -20, -1) * 0.75  # 20 pixels come from 5
    monkeypatch.setattr(motion, "flow", lambda *_: found)
    plain = np.full((H, W, 3), 90, np.uint8)
    trust = motion_between(plain, plain).trust
    assert trust[20:70, 48:56].max() == 0
    assert trust[20:70, 8:32].min() == trust[20:70, 100:120].min() == 1


def test_what_is_plain_moves_with_the_camera_and_what_is_not_as_it_does() -> None:
    """The camera moves 2 pixels; a patch moves 8, and the flow drags a plain strip along."""
    now, before = texture(shift=2)[..., 0].copy(), texture()[..., 0].copy()
    now[:24] = before[:24] = 90
    patch = texture(seed=7)[40:80, 40:90, 0]
    now[50:90, 58:108], before[50:90, 50:100] = patch, patch
    found = np.zeros((H, W, 2), np.float32)
    found[..., 0] = -2
    found[50:90, 58:108, 0] = found[4:20, 20:60, 0] = -8
    mended = with_camera(found, now, before)
    np.testing.assert_allclose(mended[:20, 10:-10, 0], -2, atol=0.1)
    np.testing.assert_allclose(mended[95:, 10:40, 0], -2, atol=0.1)
    inside = mended[60:80, 68:98, 0]
    assert (np.abs(inside + 8) < 0.1).mean() > 0.95
    np.testing.assert_allclose(mended[..., 1], 0, atol=0.1)


def noisy(count: int, sigma: float) -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    clean = texture().astype(np.float64)
    frames = (clean + draw.normal(0, sigma, clean.shape) for _ in range(count))
    return [np.clip(np.rint(frame), 0, 255).astype(np.uint8) for frame in frames]


def flicker(frames: list[np.ndarray]) -> float:
    """Root mean square of the changes of a film in which nothing moves."""
    return float(np.sqrt(np.mean([np.square(b - a).mean() for a, b in pairwise(frames)])))


def amplified(image: np.ndarray) -> np.ndarray:
    """A network that makes three times as much of every difference."""
    return np.clip(0.5 + 3 * (image - 0.5), 0, 1).astype(np.float32)


def stylized(frames: list[np.ndarray], weight: float) -> list[np.ndarray]:
    before, behind = InputAverage(weight), OutputAverage(weight)
    made = []
    for frame in frames:
        prepared = before(frame)
        made.append(behind(amplified(prepared.image), prepared.motion))
    return made


def test_a_still_film_flickers_a_tenth_as_much() -> None:
    frames = noisy(20, sigma=3)
    alone, steady = stylized(frames, 0)[8:], stylized(frames, 0.8)[8:]
    assert flicker(steady) < 0.1 * flicker(alone)
    clean = amplified(texture().astype(np.float32) / 255)
    assert np.abs(steady[-1] - clean).mean() < 0.35 * np.abs(alone[-1] - clean).mean()


def test_weight_0_leaves_every_frame_alone() -> None:
    for frame, made in zip(frames := noisy(3, sigma=3), stylized(frames, 0), strict=True):
        np.testing.assert_array_equal(made, amplified(frame.astype(np.float32) / np.float32(255)))


def trail(steady: list[np.ndarray], alone: list[np.ndarray]) -> list[float]:
    """How far off the ground is where the square of `scene` was before."""
    places = {index: slice(max(0, 8 * index - 24), 8 * index) for index in range(2, 5)}
    return [
        float(np.abs(steady[index] - alone[index])[8:24, place].mean())
        for index, place in places.items()
    ]


def test_what_moves_leaves_no_ghost(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [scene(4 * index, width=W, height=H) for index in range(5)]
    alone = stylized(frames, 0)
    assert max(trail(stylized(frames, 0.8), alone)) < 0.01
    monkeypatch.setattr(motion, "flow", lambda *_: np.zeros((H, W, 2), np.float32))
    monkeypatch.setattr(motion, "trusted", lambda difference, **_: np.ones_like(difference))
    assert min(trail(stylized(frames, 0.8), alone)) > 0.05  # an average that trusts everything


def test_a_cut_forgets_all() -> None:
    frames = [texture()] * 3 + [texture(seed=9)] * 2
    made = stylized(frames, 0.8)
    np.testing.assert_array_equal(
        made[3], amplified(frames[3].astype(np.float32) / np.float32(255))
    )
