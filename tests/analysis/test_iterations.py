"""How many iterations a network matches: on one curve, and on many."""

from typing import Any

import pytest

from impasto.analysis.iterations import (
    WORSE,
    as_number,
    in_words,
    marks,
    matching_iteration,
    spread,
    summarize,
)
from impasto.analysis.tables import to_markdown

CURVE = [9.0, 5.0, 6.0, 4.0, 3.0]


@pytest.mark.parametrize(
    ("network", "trouble", "matches"),
    [
        (9.0, None, 0),
        (8.9, None, 1),
        (5.0, None, 1),
        (5.5, None, 1),
        (4.5, None, 3),
        (3.0, None, 4),
        (3.0 * (1 - 1e-7), None, 4),  # the same picture, judged twice
        (2.9, None, ">4"),
        (4.5, "stalled", 3),  # reached before that happened
        (2.9, "stalled", "stalled"),
        (2.9, "diverged", "diverged"),
        (10.1, None, WORSE),
        (10.1, "stalled", WORSE),
    ],
)
def test_the_first_iteration_that_is_no_worse(
    network: float, trouble: str | None, matches: int | str
) -> None:
    assert matching_iteration(CURVE, network=network, content=10.0, trouble=trouble) == matches


def test_what_counts_in_a_mean() -> None:
    told = [7, ">500", WORSE, "stalled", "diverged"]
    assert [as_number(matches) for matches in told] == [7, 500, 0, None, None]
    assert spread([]) is None
    assert spread([None, 1.0, 3.0]) == {"mean": 2.0, "std": 2**0.5, "least": 1.0, "most": 3.0}
    assert marks(500) == [100, 300, 500]
    assert marks(150) == [100, 150]
    assert marks(40) == [40]


def test_matches_are_said_in_words() -> None:
    assert in_words(37) == "matches 37 iterations"
    assert in_words(">500") == "matches more than 500 iterations"
    assert in_words(WORSE) == "worse than the content image"


def result(matches: int | str, *, trouble: str | None = None, **more: Any) -> dict[str, Any]:
    """One photograph at 256 px, as `compare` records it."""
    plain: dict[str, Any] = {
        "photo": "a.jpg",
        "size": 256,
        "matches": matches,
        "trouble": trouble,
        "restarts": 0,
        "network": {"total": 2.0},
        "content_image": 8.0,
        "losses": {"40": None if trouble else 1.5},
        "seconds": {"gatys": 20.0, "to_reach": 5.0 if isinstance(matches, int) else None}
        | {"network": 0.5},
        "speed_up": 10.0 if isinstance(matches, int) else None,
    }
    return plain | more


def test_a_summary_counts_what_is_proved_and_says_what_is_not() -> None:
    results = [
        result(20),
        result(30, speed_up=14.0),
        result(">40", speed_up=40.0),
        result(WORSE),
        result("stalled", trouble="stalled", losses={"40": None}),
        result(7, size=512),
    ]
    row = summarize(results, size=256)
    assert row["matches"]["mean"] == (20 + 30 + 40 + 0) / 4
    assert (row["photos"], row["counted"], row["never_reached"]) == (5, 4, 1)
    assert (row["worse_than_content"], row["stalled_or_diverged"]) == (1, 1)
    assert row["losses"]["40"]["mean"] == 1.5
    assert row["speed_up"]["most"] == 40.0
    record = {
        "protocol": {"start": "noise", "iterations": 40},
        "trained": {"model": "m", "encoder": "e", "style": "s.jpg", "style_size": 384},
        "machine": "a processor",
        "summary": [row],
        "results": results,
    }
    table = to_markdown(record)
    assert "| 256 px | 4 | ≥ 22 ± 17 | 0 … ≥ 40 | 1.5 ± 0 |" in table
    for line in ("1 better than the whole curve, counted as 40", "1 worse than the content image"):
        assert line in table
    assert "1 stalled or diverged, not counted" in table
    assert f"| a.jpg | 256 px | {WORSE} | 2 | 8 |" in table
