"""What is never learned from: paintings, or whole artists where a list tells whose they are."""

from pathlib import Path

import pytest

from impasto.data.held_out import hold_out, read_titles
from impasto.errors import InputError

PATHS = [Path(f"{index:02}.jpg") for index in range(40)]
ARTISTS = ["ada-lovely", "bo-li", "carl-vast", "dora-wonder", "emil-zephyr"]


def titles() -> dict[Path, str]:
    """Six of each but of carl-vast, of whom there are ten; others name artists their own way."""
    found = {path: f"{ARTISTS[place % 5]} / work-{place}" for place, path in enumerate(PATHS[:30])}
    found |= dict.fromkeys(PATHS[30:34], "carl-vast / more")
    return found | {PATHS[34]: "Ada LOVELY", PATHS[35]: "A wonder of nature", PATHS[36]: "89"}


def test_without_a_list_it_is_so_many_paintings_and_always_the_same() -> None:
    learned, held = hold_out(PATHS, {}, number=7)
    assert len(held) == 7
    assert sorted(learned + held) == PATHS
    assert learned == sorted(learned)
    assert hold_out(PATHS, {}, number=7) == (learned, held)
    more = hold_out(PATHS, {}, number=9)[1]
    assert set(held) < set(more)


def test_usually_it_is_sixty_and_at_most_a_tenth() -> None:
    assert len(hold_out(PATHS, {}, number=None)[1]) == 4
    many = [Path(f"{index}.jpg") for index in range(1000)]
    assert len(hold_out(many, {}, number=None)[1]) == 60
    assert hold_out(PATHS[:9], {}, number=None) == (PATHS[:9], [])


def test_whole_artists_are_held_back_with_all_that_bears_their_names() -> None:
    told = titles()
    learned, held = hold_out(PATHS, told, number=3)  # all that have few paintings and long names
    artists = {told[path].split(" / ")[0] for path in held}
    assert artists == {"ada-lovely", "dora-wonder", "emil-zephyr"}
    assert len(held) == 18
    left = {told.get(path, "").split(" / ")[0] for path in learned}
    assert left == {"bo-li", "carl-vast", "89", ""}  # neither Ada LOVELY nor a wonder of nature
    one = hold_out(PATHS, told, number=1)[1]
    assert len({told[path].split(" / ")[0] for path in one}) == 1
    assert len(one) == 6


def test_something_must_be_left_to_learn_from() -> None:
    with pytest.raises(InputError, match="--hold-out 40 leaves none of 40 paintings"):
        hold_out(PATHS, {}, number=40)
    assert hold_out(PATHS, {}, number=0) == (PATHS, [])


def test_the_list_is_read_beside_the_paintings(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert read_titles(tmp_path) == {}
    rows = "file\ttitle_artist\tsource\na.jpg\tada-lovely / one\tx\nb/c.jpg\t\ty\nd.jpg\n"
    (tmp_path / "paintings.tsv").write_text(rows)
    assert read_titles(tmp_path) == {tmp_path / "a.jpg": "ada-lovely / one"}
    caplog.set_level("INFO")
    (tmp_path / "paintings.tsv").write_bytes(b"\xff\x00name,artist\n1,2\n")
    assert read_titles(tmp_path) == {}
    assert "no columns file and title_artist" in caplog.messages[0]


def test_of_our_own_material_sixty_artists(assets: Path) -> None:
    folder = assets / "paintings"
    paths = sorted(folder.glob("*.jpg"))
    learned, held = hold_out(paths, read_titles(folder), number=None)
    assert len(held) == 130
    assert len(learned) == 2146
    assert not set(held) & set(learned)
