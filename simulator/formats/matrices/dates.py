"""Dates and times as people and tools write them, read where there is one way only to read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from simulator.base.document import shown
from simulator.formats.units import number

EPOCH = datetime(1970, 1, 1)
EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)
EXPECTED = "a local time such as 2004-03-04T00:05, or a number of seconds in every row"
YEARS = range(1990, 2100)

Order = Literal["day first", "month first", "unknown", "mixed"]
_PARTS = re.compile(
    r"(?P<one>\d{1,4})(?P<mark>[./-])(?P<two>\d{1,2})(?P=mark)(?P<three>\d{4}|\d{1,2})"
    r"(?:[T, ]+(?P<time>\d{1,2}(?::\d\d){1,2}(?:[.,]\d+)?)(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
    r"(?P<zone> ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
)
_ZONES = {
    "WET": 0, "WEST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "SGT": 8, "HKT": 8, "AWST": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12,
    "NZDT": 13, "EDT": -4, "MDT": -6, "PDT": -7, "HST": -10,
}  # fmt: skip
"""Hours ahead of UTC by the names that mean one zone only."""
_DOUBTFUL = (
    "CST",
    "IST",
    "BST",
    "EST",
    "MST",
    "AST",
    "ECT",
    "AMT",
    "GST",
    "ADT",
    "SST",
    "PST",
    "CDT",
)
"""Names of several zones: CST is China's, or six hours behind UTC in America."""
_ZONE = re.compile(r"(?P<time>.*:\d\d(?:[.,]\d+)?(?: ?[AaPp]\.?[Mm]\.?)?) ?(?P<zone>[A-Z]{3,5})")
_SHORT_YEAR = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2}(?:[T, ].*)?")
_NAMED = re.compile(
    r"(?:[A-Za-z]{3,9},? )?(?:(?P<day>\d{1,2})[ ./-]+(?P<month>[A-Za-z]{3,9})"
    r"|(?P<month_1>[A-Za-z]{3,9}) (?P<day_1>\d{1,2}),?)"
    r"(?:[ ./-]+(?P<year>\d{4})[T:, ]+(?P<time>\d{1,2}(?::\d\d){1,2})"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"| (?P<time_1>\d{1,2}(?::\d\d){1,2}) (?P<year_1>\d{4})|[ ./-]+(?P<year_2>\d{4}))"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_COMPACT = re.compile(r"(\d{8})(\d{4})?(\d\d)?")
_LATE = re.compile(r"(?P<day>.*[T ])(?:24:00(?P<zero>(?::00(?:\.0+)?)?)|(?P<leap>\d\d:\d\d):60)")


class DateReader:
    """Reads dates, given in which order a file has day and month and whether it has zones.

    Attributes
    ----------
    note : str
        What was assumed about the dates of the file.
    """

    def __init__(self, words: Sequence[str], utc_offset_h: float) -> None:
        self.order, dotted = order_of(words)
        self.ahead = timedelta(hours=utc_offset_h)
        self.zoned = bool(words) and _is_zoned(words[0], self.order)
        self.note = ""
        if dotted:
            self.note = f"dates such as {dotted} are read with the {self.order}"
        if self.zoned:
            self.note = f"times carry a zone, and are shown as local at {clock(utc_offset_h)}"

    def __call__(self, word: str) -> int:
        """Return microseconds from 1970, local at home; a ValueError says what is wrong."""
        time = _parsed(word, self.order)
        if self.zoned != (time.tzinfo is not None):
            if not self.zoned:
                raise ValueError(f"times are local: leave the zone out of {shown(word)}")
            raise ValueError(f"{shown(word)} has no zone, but the first time has one")
        if time.tzinfo is not None:
            return (time - EPOCH_UTC + self.ahead) // US
        return (time - EPOCH) // US


def clock(utc_offset_h: float) -> str:
    """Return the clock at home in words."""
    minutes = round(abs(utc_offset_h) * 60)
    sign = "-" if utc_offset_h < 0 else "+"
    rest = f":{minutes % 60:02}" if minutes % 60 else ""
    return f"UTC{sign}{minutes // 60}{rest} (utc_offset_h)"


def compact_date(word: str) -> bool:
    """Return whether digits are a date as in `20040304` or `200403040005`."""
    found = _COMPACT.fullmatch(word)
    if not found or int(word[:4]) not in YEARS:
        return False
    try:
        _compact(word)
    except ValueError:
        return False
    return True


def order_of(words: Sequence[str]) -> tuple[Order, str]:
    """Return whether days or months come first, and the first date of which that matters."""
    orders: set[Order] = set()
    dotted, first = False, ""
    for word in words:
        if word[4:5] == "-":  # ISO 8601, as nearly always
            continue
        named = _ZONE.fullmatch(word)
        found = _PARTS.fullmatch(named["time"] if named else word)
        if found is None or len(found["one"]) > 2:
            continue
        first = first or word
        dotted |= found["mark"] == "."
        orders |= {"day first"} if int(found["one"]) > 12 else set()
        orders |= {"month first"} if int(found["two"]) > 12 else set()
    if len(orders) == 2:
        return "mixed", first
    if not orders and dotted:  # no country writes the month first before a full stop
        return "day first", first
    return next(iter(orders), "unknown"), first


def _is_zoned(word: str, order: Order) -> bool:
    try:
        return _parsed(word, order).tzinfo is not None
    except ValueError:
        return False


def _parsed(word: str, order: Order) -> datetime:
    """Return the date that a word is, with its zone."""
    word = _with_offset(word)
    try:
        return datetime.fromisoformat(word) if number(word) is None else _compact(word)
    except ValueError:
        pass
    try:
        if late := _LATE.fullmatch(word):
            return _after(late, order)
        return datetime.fromisoformat(_in_iso(word, order))
    except OverflowError:
        raise ValueError(f"expected {EXPECTED}, found {shown(word)}") from None
    except _DoubtError:
        raise
    except ValueError:
        raise ValueError(f"expected {EXPECTED}, found {shown(word)}") from None


def _with_offset(word: str) -> str:
    """Return a date with the offset of its zone in place of the name of it."""
    found = _ZONE.fullmatch(word)
    if found is None or found["zone"] in ("UTC", "GMT"):
        return word
    if found["zone"] in _DOUBTFUL:
        several = f"{found['zone']} is the name of several zones"
        raise _DoubtError(f"{several}; write its offset, such as +08:00, in {shown(word)}")
    hours = _ZONES.get(found["zone"])
    return word if hours is None else f"{found['time']}{hours:+03}:00"


class _DoubtError(ValueError):
    """A date that may be read in two ways."""


def _compact(word: str) -> datetime:
    """Return the date in digits alone."""
    found = _COMPACT.fullmatch(word)
    if not found:
        raise ValueError
    day, minute, second = found[1], found[2] or "0000", found[3] or "00"
    return datetime.strptime(day + minute + second, "%Y%m%d%H%M%S")


def _after(late: re.Match[str], order: Order) -> datetime:
    """Return the time after a whole day, 24:00, or after a leap second, 23:59:60."""
    if late["leap"]:
        return _parsed(f"{late['day']}{late['leap']}:59", order) + timedelta(seconds=1)
    return _parsed(f"{late['day']}00:00{late['zero']}", order) + timedelta(days=1)


def _in_iso(word: str, order: Order) -> str:
    """Return a date in another form in that of ISO 8601."""
    if len(word) == 13 and word[8] == "-" and (word[:8] + word[9:]).isdecimal():
        return f"{word[:8]}T{word[9:]}"
    if _SHORT_YEAR.fullmatch(word):
        raise _DoubtError(f"{shown(word)} has a year of two digits; write all four")
    if found := _PARTS.fullmatch(word):
        return _from_parts(word, found, order)
    if found := _NAMED.fullmatch(word):
        return _from_names(found)
    return re.sub(r" ?(UTC|GMT|Z)$", "Z", re.sub(r" (?=[+-]\d\d:?\d\d$)", "", word))


def _from_parts(word: str, found: re.Match[str], order: Order) -> str:
    one, two, three = found["one"], found["two"], found["three"]
    if len(one) == 4:
        year, month, day = one, two, three
    elif len(one) > 2 or len(three) != 4:
        raise ValueError
    elif order == "unknown":
        ways = f"{three}-{two:0>2}-{one:0>2} or {three}-{one:0>2}-{two:0>2}"
        raise _DoubtError(f"{shown(word)} may be {ways}; write dates in this form")
    elif order == "mixed":
        raise _DoubtError(f"days and months change places in this file, found {shown(word)}")
    else:
        year, month, day = (three, two, one) if order == "day first" else (three, one, two)
    zone = re.sub("UTC|GMT", "Z", (found["zone"] or "").strip())
    return f"{year}-{month:0>2}-{day:0>2}T{_clock(found['time'], found['half'])}{zone}"


def _from_names(found: re.Match[str]) -> str:
    month = (found["month"] or found["month_1"])[:3].casefold()
    if month not in _MONTHS:
        raise ValueError
    day = found["day"] or found["day_1"]
    year = found["year"] or found["year_1"] or found["year_2"]
    time = found["time"] or found["time_1"]
    return f"{year}-{_MONTHS.index(month) + 1:02}-{day:0>2}T{_clock(time, found['half'])}"


def _clock(time: str | None, half: str | None) -> str:
    """Return a time of day with two digits for the hour, of 24."""
    hour, colon, rest = (time or "00:00").partition(":")
    if half:
        if not 1 <= int(hour) <= 12:
            raise ValueError
        hour = str(int(hour) % 12 + 12 * (half in "Pp"))
    return f"{hour:0>2}{colon}{rest}"
