"""What is no film, or a damaged one; and that no film reaches for other files."""

import logging
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av", reason="films need the video extra")
pytest.importorskip("cv2", reason="films need the video extra")

from films import make_film  # noqa: E402

from impasto import stylize_video  # noqa: E402
from impasto.errors import InputError  # noqa: E402
from impasto.video.reader import FilmReader, open_film  # noqa: E402


def refused(source: Path, target: str = "out.mp4") -> str:
    with pytest.raises(InputError) as caught:
        stylize_video(source, source.parent / target, lambda image: image)
    assert not list(source.parent.glob("*out*"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_no_film_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no film at all" * 100)
    assert refused(tmp_path / "a.mp4") == (
        f"{tmp_path}/a.mp4 cannot be read as a film (Invalid data found when processing input): "
        "it may be damaged"
    )
    assert "there is no film" in refused(tmp_path / "b.mp4")


def test_sound_alone_is_told(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        tone = file.add_stream("aac", rate=48000, layout="mono")
        for start in range(0, 9600, 960):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 960), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 48000, start
            file.mux(tone.encode(frame))
        file.mux(tone.encode())
    assert "has sound but no moving pictures" in refused(tmp_path / "a.mp4")


def test_a_playlist_is_no_film(tmp_path: Path) -> None:
    make_film(tmp_path / "secret.mp4", frames=2)
    for text in ("#EXTM3U\n#EXTINF:1,\nsecret.mp4\n", "ffconcat version 1.0\nfile secret.mp4\n"):
        (tmp_path / "a.mp4").write_text(text)
        with pytest.raises(InputError, match="cannot be read as a film"):
            open_film(tmp_path / "a.mp4")


def test_sound_that_does_not_fit_is_told_before_the_work(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", frames=2)
    assert "cannot hold the sound of" in refused(film, "out.webm")
    assert "-o out.mkv can" in refused(film, "out.webm")
    assert "its name has to end in one of .mp4," in refused(film, "out.avi")


def test_a_film_cut_short_is_made_as_far_as_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    film = make_film(tmp_path / "a.mkv", frames=50, sound=None)
    data = film.read_bytes()
    film.write_bytes(data[: len(data) // 2])
    with caplog.at_level(logging.WARNING), FilmReader(film) as reader:
        read = len(list(reader.frames()))
    assert 5 < read < 45


def test_an_early_end_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with FilmReader(make_film(tmp_path / "a.mp4", frames=20, sound=None)) as reader:
        reader._decoded = iter(())
        assert len(list(reader.frames())) == 1
    assert caplog.messages == [f"{tmp_path}/a.mp4 ends early: 1 of 20 frames"]


def test_frames_too_small_are_told(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", frames=2, width=16, height=8, sound=None)
    assert "frames of 16x8 pixels: --size 16 or more" in refused(film)
    assert stylize_video(film, tmp_path / "b.mp4", lambda image: image, size=16) == 2


def test_where_it_was_taken_stays_private(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", frames=2, metadata={"title": "holiday", "LOCATION": "x"})
    with av.open(str(film)) as file:
        assert file.metadata["LOCATION"] == "x"
    stylize_video(film, tmp_path / "b.mkv", lambda image: image)
    with av.open(str(tmp_path / "b.mkv")) as made:
        assert made.metadata["title"] == "holiday"
        assert "LOCATION" not in made.metadata
