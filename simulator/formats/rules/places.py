"""Where cities are: a small list, to catch coordinates that are known to be wrong."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("places.csv")
NAMES = Path(__file__).with_name("country_names.csv")
"""How files write the country codes of the list."""


class Place(NamedTuple):
    """A city of the list."""

    name: str
    country: str
    lat: float
    lon: float


def known_place(name: str, country: str = "") -> Place | None:
    """Return the city called *name*, in *country* if that is given, as far as the list goes.

    In *name*, only letters and digits count, without accents and case. *country* is a code of two
    letters or a name.
    """
    for place in _by_name().get(_plain(name), ()):
        words = (place.country, *country_names().get(place.country, ()))
        if not country or _plain(country) in map(_plain, words):
            return place
    return None


@cache
def country_names() -> dict[str, list[str]]:
    """Return what countries are called in files, by code."""
    found: dict[str, list[str]] = {}
    for row in _rows(NAMES):
        found.setdefault(row["country"], []).append(row["name"])
    return found


@cache
def _by_name() -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for row in _rows(FILE):
        place = Place(row["name"], row["country"], float(row["lat"]), float(row["lon"]))
        found.setdefault(_plain(place.name), []).append(place)
    return found


def _rows(file: Path) -> Iterable[dict[str, str]]:
    return csv.DictReader(file.read_text(encoding="utf-8").splitlines())


@cache
def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if letter.isalnum())
