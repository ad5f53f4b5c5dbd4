"""Columns: what the header of a CSV file must and may say, and how mistakes in it are reported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from simulator.base.errors import did_you_mean
from simulator.formats.units import UNITS

LONGEST_KEY = 60
BITS = re.compile(r"(?:^|[^a-z])(?P<scale>[kmgt]?)(?:b|bits?|bytes?|bps)(?:[^a-z].*)?$")
_IN_BRACKETS = {
    "gbps": re.compile(r"[(\[]\s*g(?:b|bit|bits|bps)(?:/s|ps|/sec)?\s*[)\]]\s*$", re.IGNORECASE),
    "km": re.compile(r"[(\[]\s*km\s*[)\]]\s*$", re.IGNORECASE),
    "ms": re.compile(r"[(\[]\s*ms\s*[)\]]\s*$", re.IGNORECASE),
}


class Heading(NamedTuple):
    """The names of columns, and where they stand in a file of text.

    Attributes
    ----------
    line : int or None
        None where the file has no lines.
    starts : sequence of int
        The place of each name in its line, counted from 1; none where the file has no lines.
    comments : sequence of (int, str)
        Lines above the names, by number.
    """

    file: str
    names: Sequence[str]
    line: int | None = None
    starts: Sequence[int] = ()
    comments: Sequence[tuple[int, str]] = ()

    def start(self, place: int) -> int | None:
        """Return where a name begins in its line."""
        return self.starts[place] if place < len(self.starts) else None


class Columns(NamedTuple):
    """What the header of a file must and may say; `refused` says why others are not read."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    refused: Mapping[str, str] = {}

    def problems(self, names: Sequence[str]) -> Iterator[tuple[int | None, str, str]]:
        """Yield place, name and message of what is wrong in a header."""
        known, before, listed = [*self.required, *self.optional], set[str](), False
        for place, name in enumerate(names):
            if name in before:
                yield place, name, "a second column of this name"
            elif name in self.refused:
                yield place, name, self.refused[name]
            elif name not in known:
                meant = _nearest(name, known)
                yield place, name, f"unknown column{meant or ('' if listed else _all_of(known))}"
                listed = listed or not meant
            before.add(name)
        for name in self.required:
            if name not in names:
                yield None, name, "required column is missing"


def _nearest(name: str, known: Sequence[str]) -> str:
    """Return the known name most like *name* in the same unit; nothing if none is."""
    scale = _scale(name)
    units_apart = [each for each in known if scale is not None and _scale(each) != scale]
    bare = [each for each in known if each in UNITS and each[0] != name[:1].casefold()]
    alike = [each for each in known if each not in (*units_apart, *bare)]
    in_unit = _first_in_the_unit(name, known)
    return did_you_mean(name, alike) or (f"; did you mean {in_unit!r}?" if in_unit else "")


def _all_of(known: Sequence[str]) -> str:
    return f"; known: {', '.join(known)}"


def _first_in_the_unit(name: str, known: Sequence[str]) -> str | None:
    """Return the first known column in the unit that *name* has in brackets: `Länge (km)`."""
    unit = next((unit for unit, form in _IN_BRACKETS.items() if form.search(name)), None)
    return next((each for each in known if unit and each.endswith(f"_{unit}")), None)


def _scale(name: str) -> str | None:
    """Return the letter before bits or bytes at the end of a name; None if there are none."""
    found = BITS.search(name.casefold())
    return found["scale"] if found else None


def shortened(name: str) -> str:
    """Return the name of a column as messages show it."""
    return name if len(name) <= LONGEST_KEY else name[: LONGEST_KEY - 1] + "…"
