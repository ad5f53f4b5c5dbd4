"""Numbers and rates as files write them: units of rates, plain numbers, decimal commas."""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal
from typing import Literal

import numpy as np

from simulator.base.document import shown
from simulator.base.quantity import as_written
from simulator.model.scale import MOST_GBPS, refused_rate

Unit = Literal["bps", "kbps", "mbps", "gbps", "tbps"]
TEN_TO_THE: dict[str, int] = {"bps": 9, "kbps": 6, "mbps": 3, "gbps": 0, "tbps": -3}
"""By how many powers of ten a unit is smaller than Gbps."""
UNITS = tuple(TEN_TO_THE)

NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

AMBIGUOUS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3}|\.\d{2}0)")
"""A group of thousands to some, decimals to others. None writes `2.488` for 2488."""
WRITTEN = (
    (re.compile(r"[-+]?\d{1,3}(?:'\d{3})+(?:[.,]\d+)?"), "'", ","),
    (re.compile(r"[-+]?\d{1,3}(?: 000)+(?:[.,]\d+)?|[-+]?\d{1,3}(?: \d{3})+,\d+"), " ", ","),
    (re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)|[-+]?\d{1,3}(?:,\d{3}){2,}"), ",", ","),
    (re.compile(r"[-+]?\d{1,3}(?:\.\d{3})+,\d+|[-+]?\d{1,3}(?:\.\d{3}){2,}"), ".", ","),
    (re.compile(r"[-+]?\d+,\d+"), " ", ","),
)
"""Ways to write a number, each with its mark of groups and its decimal mark if it is no point."""


def in_gbps(value: str | float, unit: str) -> float:
    """Return a finite number of *unit* in Gbps, the same to the last bit whatever the unit."""
    return shifted(value, -TEN_TO_THE[unit])


def to_gbps(rates: np.ndarray, unit: str) -> np.ndarray:
    """Return rates given in *unit* in Gbps; infinite if too large to be a number."""
    with np.errstate(over="ignore"):
        return rates if unit == "gbps" else rates / 10.0 ** TEN_TO_THE[unit]


def shifted(value: str | float, places: int) -> float:
    """Return a finite number times ten to the power of *places*, rounded once."""
    if float(value) == 0:
        return 0.0
    return float(Decimal(value if isinstance(value, str) else repr(float(value))).scaleb(places))


# ---------------------------------------------------------------- plain numbers


def plain_number(value: float) -> str:
    """Return all digits of a number, without a point where it is whole."""
    value = float(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def number(cell: str) -> float | None:
    """Return the number that *cell* is: no words, underscores, other scripts or infinities."""
    value = float(cell) if NUMBER.fullmatch(cell) else math.nan
    return value if math.isfinite(value) else None


def written_number(text: str) -> float | None:
    """Return the number that people mean by *text*: decimal commas, groups of digits, wide digits.

    None where it is no number, and where two habits of writing read it differently: `1,000` and
    `1.500` beside a unit may be one or a thousand.
    """
    text = re.sub("(?<=\\d)[\u00a0\u202f\u2009](?=\\d{3})", "'", text)  # they group digits only
    text = unicodedata.normalize("NFKC", text).strip()
    if AMBIGUOUS.fullmatch(text):
        return None
    for pattern, group, point in WRITTEN:
        if pattern.fullmatch(text):
            return number(text.replace(group, "").replace(point, "."))
    return number(text)


def rate_fault(rate: float | None, unit: str, given: str) -> str:
    """Return what is wrong with a rate in *unit*, in its file *given*; nothing if it is sound."""
    if rate is None or not math.isfinite(rate) or rate < 0:
        hint = as_written(unit, given[1:-1]) if rate is None or rate != rate else ""
        return f"expected a finite number of at least 0, found {given}{hint}"
    too_much = rate / 10.0 ** TEN_TO_THE[unit] > MOST_GBPS
    return refused_rate(f"{given} {unit.replace('bps', 'bit/s')}") if too_much else ""


def finite(text: str) -> float:
    """Return a finite number, or raise a ValueError that says what stands there instead."""
    value = number(text)
    if value is None:
        raise ValueError(f"expected a finite number, found {shown(text)}")
    return value


def at_least_zero(text: str) -> float:
    """Return a finite number of at least 0, or raise a ValueError."""
    value = finite(text)
    if value < 0:
        raise ValueError(f"expected a number of at least 0, found {shown(text)}")
    return value
