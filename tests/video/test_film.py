"""Whole films: what a stylized one has in common with the one it was made of, and after a stop."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av", reason="films need the video extra")
pytest.importorskip("cv2", reason="films need the video extra")

from films import HEIGHT, WIDTH, make_film, packets, pictures, scene, times  # noqa: E402

from impasto import stylize_video  # noqa: E402
from impasto.errors import InputError  # noqa: E402
from impasto.images.io import RGB  # noqa: E402
from impasto.video.film import Progress  # noqa: E402


def negative(image: RGB) -> RGB:
    return 1 - image


def test_every_frame_is_the_stylizers_at_its_own_time(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4")
    made = tmp_path / "b.mp4"
    assert stylize_video(film, made, negative, steady=0, quality=100) == 25
    assert times(made) == times(film) == [Fraction(index, 10) for index in range(25)]
    for index, image in enumerate(pictures(made)):
        assert image.shape == (HEIGHT, WIDTH, 3)
        off = np.abs(image.astype(int) - (255 - scene(index).astype(int)))
        assert np.median(off) <= 4  # colors are shared by 2×2 pixels, so edges are off by more
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_sound_is_copied_byte_for_byte(suffix: str, tmp_path: Path) -> None:
    film, made = make_film(tmp_path / f"a.{suffix}"), tmp_path / f"b.{suffix}"
    stylize_video(film, made, negative)
    assert packets(made) == packets(film)
    assert len(packets(made)) > 100


def test_webm_keeps_opus(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.webm", codec="libvpx-vp9", sound="libopus")
    stylize_video(film, tmp_path / "b.webm", negative)
    assert packets(tmp_path / "b.webm") == packets(film)
    assert times(tmp_path / "b.webm") == times(film)


def test_varying_times_are_kept(tmp_path: Path) -> None:
    varying = np.cumsum([0, 20, 60, 7, 200, 33, *[20] * 60, 450, 1, 90]).tolist()
    film = make_film(tmp_path / "a.mp4", times=varying)
    made = tmp_path / "b.mp4"
    stylize_video(film, made, negative)
    assert times(made) == [Fraction(pts, 600) for pts in varying]
    with av.open(str(film)) as one, av.open(str(made)) as other:
        assert one.streams.video[0].time_base == other.streams.video[0].time_base
        assert abs(one.duration - other.duration) < 50_000  # µs: half a frame


def test_length_is_kept_without_sound(tmp_path: Path) -> None:
    film, made = make_film(tmp_path / "a.mp4", sound=None), tmp_path / "b.mp4"
    stylize_video(film, made, negative)
    with av.open(str(film)) as one, av.open(str(made)) as other:
        assert one.duration == other.duration == 2_500_000
        assert other.streams.video[0].average_rate == 10


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_film_taken_sideways_comes_out_upright(rotation: int, tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", frames=3, rotation=rotation, sound=None)
    made = tmp_path / "b.mp4"
    stylize_video(film, made, lambda image: image, quality=100)
    with av.open(str(film)) as file:
        turns = next(file.decode(video=0)).rotation // 90
    shown = np.rot90(pictures(film)[0], turns)
    assert np.median(np.abs(shown.astype(int) - pictures(made)[0])) <= 2
    with av.open(str(made)) as file:
        assert next(file.decode(video=0)).rotation == 0


def test_an_odd_row_is_cut_off_and_size_is_the_short_side(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", frames=2, width=65, height=51, sound=None)
    seen: list[tuple[int, ...]] = []

    def watched(image: RGB) -> RGB:
        seen.append(image.shape)
        return image

    stylize_video(film, tmp_path / "b.mp4", watched)
    stylize_video(film, tmp_path / "c.mp4", watched, size=34)
    assert seen == [(51, 65, 3)] * 2 + [(34, 43, 3)] * 2
    assert [pictures(tmp_path / n)[0].shape for n in ("b.mp4", "c.mp4")] == [
        (50, 64, 3),
        (34, 42, 3),
    ]


def test_color_survives(tmp_path: Path) -> None:
    color = np.full((HEIGHT, WIDTH, 3), (200, 60, 30), np.uint8)
    film = make_film(tmp_path / "a.mp4", frames=3, images=[color] * 3)
    stylize_video(film, tmp_path / "b.mp4", lambda image: image, quality=100)
    assert np.abs(pictures(tmp_path / "b.mp4")[1].astype(int) - color).max() <= 4


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    told: list[Progress] = []
    stylize_video(make_film(tmp_path / "a.mp4"), tmp_path / "b.mp4", negative, watch=told.append)
    assert [now.frames for now in told] == [*range(1, 26)]
    assert {now.of for now in told} == {25}


class Stopped:
    """A stylizer that presses Ctrl-C at a frame, and remembers the frames that it got."""

    def __init__(self, at: int | None = None, error: type[BaseException] = KeyboardInterrupt):
        self.at, self.error, self.seen = at, error, list[RGB]()

    def __call__(self, image: RGB) -> RGB:
        if len(self.seen) == self.at:
            raise self.error
        self.seen.append(image.copy())
        return negative(image)


def test_ctrl_c_leaves_a_playable_film_and_the_same_call_goes_on(tmp_path: Path) -> None:
    film, made = make_film(tmp_path / "a.mp4", frames=50), tmp_path / "b.mp4"
    first, second, whole = Stopped(at=33), Stopped(), Stopped()
    with pytest.raises(KeyboardInterrupt, match=r"33 frames are in .*b.mp4, the same command"):
        stylize_video(film, made, first, quality=100)
    assert times(made) == times(film)[:33]
    sound = packets(made)
    assert sound == packets(film)[: len(sound)]
    assert 3.2 < sound[-1][1] < 3.3

    assert stylize_video(film, made, second, quality=100) == 50
    stylize_video(film, tmp_path / "c.mp4", whole, quality=100)
    assert len(first.seen) + len(second.seen) == 50
    for a, b in zip([*first.seen, *second.seen], whole.seen, strict=True):
        # the averages go on where they were; OpenCV rounds by where an array lies in memory
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert times(made) == times(film)
    assert packets(made) == packets(film)
    for a, b in zip(pictures(made), pictures(tmp_path / "c.mp4"), strict=True):
        assert np.abs(a.astype(int) - b).mean() < 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4", "c.mp4"]


def test_a_crash_costs_no_more_than_a_segment(tmp_path: Path) -> None:
    film, made = make_film(tmp_path / "a.mp4", frames=50), tmp_path / "b.mp4"

    def no_end(*_: object) -> None:
        raise SystemExit  # as little is done as by a process that is killed

    with pytest.MonkeyPatch.context() as patch:
        from impasto.video.making import Making

        whole = Making._end_segment
        patch.setattr(
            Making, "_end_segment", lambda self: whole(self) if self._frames == 20 else None
        )
        with pytest.raises(SystemExit):
            stylize_video(film, made, Stopped(at=33, error=SystemExit))
    assert not made.exists()
    again = Stopped()
    assert stylize_video(film, made, again) == 50
    assert len(again.seen) == 30
    assert times(made) == times(film)


def test_what_was_begun_otherwise_is_not_continued(tmp_path: Path) -> None:
    film, made = make_film(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    with pytest.raises(KeyboardInterrupt):
        stylize_video(film, made, Stopped(at=5), key="one")
    with pytest.raises(InputError, match=r"b.mp4 was begun from another film or with other sett"):
        stylize_video(film, made, negative, key="two")
    again = Stopped()
    stylize_video(film, made, again, key="two", overwrite=True)
    assert len(again.seen) == 25
    with pytest.raises(InputError, match=r"b.mp4 exists: --overwrite replaces it"):
        stylize_video(film, made, negative, key="two")


def test_an_error_of_the_stylizer_is_raised_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        stylize_video(
            make_film(tmp_path / "a.mp4"),
            tmp_path / "b.mp4",
            Stopped(at=3, error=ZeroDivisionError),
        )


def test_a_disk_that_is_full_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from impasto.video.encoder import Encoder

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Encoder, "add", full)
    with pytest.raises(InputError, match=r"cannot write .*b.mp4 \(No space left on device\)"):
        stylize_video(make_film(tmp_path / "a.mp4"), tmp_path / "b.mp4", negative)


def test_a_camera_ends_with_ctrl_c(tmp_path: Path) -> None:
    film, made = make_film(tmp_path / "a.mp4", frames=50), tmp_path / "b.mp4"
    stopped = Stopped(at=4)
    frames = stylize_video(film, made, stopped, live=True)
    assert frames == len(pictures(made)) == 4
    assert set(times(made)) <= set(times(film))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]
