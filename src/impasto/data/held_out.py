"""Paintings that are never learned from: by whole artists, where a list tells whose they are."""

import csv
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from impasto.errors import InputError

LIST = "paintings.tsv"  # with the columns `file` and `title_artist`
ARTIST = re.compile(r"([a-z0-9-]+) / ")  # in `vincent-van-gogh / irises`
FEW = 6  # paintings: holding back an artist of more would take too much from learning
TELLING = 5  # letters: shorter last names are words too
USUAL, LARGEST_SHARE = 60, 0.1
SEED = 7  # the same ones whatever the run's seed: what goes on from another run must not see them

logger = logging.getLogger(__name__)


def hold_out(
    paths: Sequence[Path], titles: Mapping[Path, str], *, number: int | None
) -> tuple[list[Path], list[Path]]:
    """Split paintings into those to learn from and those that are held back.

    Where titles begin with an artist, `number` artists of few paintings are held back, and with
    them whatever else has their last names in its title. Otherwise it is so many paintings.

    Args:
        paths: the paintings.
        titles: of some of them, from `read_titles`.
        number: None is 60, but at most a tenth of the paintings.

    Raises:
        InputError: nothing is left to learn from.
    """
    wanted = min(USUAL, int(LARGEST_SHARE * len(paths))) if number is None else number
    artists = {path: found[1] for path in paths if (found := ARTIST.match(titles.get(path, "")))}
    works = Counter(artists.values())
    few = sorted(name for name in works if works[name] <= FEW and len(_last(name)) >= TELLING)
    random = np.random.default_rng(SEED)
    if few:
        chosen = set(random.permutation(few)[:wanted].tolist())
        names = {_last(artist) for artist in chosen}
        held = [path for path in paths if artists.get(path) in chosen]
        learned = [path for path in paths if not names & set(_words(titles.get(path, "")))]
    else:
        places = set(random.permutation(len(paths))[:wanted].tolist())
        held = [path for place, path in enumerate(paths) if place in places]
        learned = [path for place, path in enumerate(paths) if place not in places]
    if not learned:
        raise InputError(
            f"--hold-out {wanted} leaves none of {len(paths)} paintings to learn from: "
            "hold back fewer"
        )
    return learned, held


def read_titles(folder: Path) -> dict[Path, str]:
    """What the list in a folder says of its files, {} if there is none."""
    path = folder / LIST
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    told = [(row.get("file"), row.get("title_artist")) for row in rows]
    titles = {folder / name: title for name, title in told if name and title}
    if not titles:
        logger.info("%s has no columns file and title_artist: it is left aside", path)
    return titles


def _words(title: str) -> list[str]:
    return re.findall(r"[a-z]+", title.lower())


def _last(artist: str) -> str:
    return (_words(artist) or [""])[-1]
