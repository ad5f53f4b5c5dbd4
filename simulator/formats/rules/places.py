"""Where cities are: a small list, to catch coordinates that are known to be wrong."""

from __future__ import annotations

import csv
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("places.csv")
COUNTRY_WORDS = {
    "AE": ("United Arab Emirates", "UAE"),
    "AU": ("Australia",),
    "CN": ("China", "People's Republic of China"),
    "DE": ("Germany",),
    "FR": ("France",),
    "GB": ("United Kingdom", "Great Britain", "UK", "England"),
    "HK": ("Hong Kong", "China"),
    "IN": ("India",),
    "JP": ("Japan",),
    "KR": ("South Korea", "Korea", "Republic of Korea", "Korea, Republic of"),
    "KZ": ("Kazakhstan",),
    "MM": ("Myanmar", "Burma"),
    "MN": ("Mongolia",),
    "NL": ("Netherlands", "The Netherlands"),
    "PK": ("Pakistan",),
    "RU": ("Russia", "Russian Federation"),
    "SE": ("Sweden",),
    "SG": ("Singapore",),
    "TH": ("Thailand",),
    "US": ("United States", "United States of America", "USA"),
    "VN": ("Vietnam", "Viet Nam"),
}
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
        words = (place.country, *COUNTRY_WORDS.get(place.country, ()))
        if not country or _plain(country) in map(_plain, words):
            return place
    return None


@cache
def _by_name() -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    with FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            place = Place(row["name"], row["country"], float(row["lat"]), float(row["lon"]))
            found.setdefault(_plain(place.name), []).append(place)
    return found


@cache
def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if letter.isalnum())
