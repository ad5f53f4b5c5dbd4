"""Numbers and rates as files write them: units, and words such as `4x100G` or `OC-48`."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import cache
from typing import Literal

import numpy as np

from simulator.base.document import shown
from simulator.base.schema import MAX_NAME

Unit = Literal["bps", "kbps", "mbps", "gbps", "tbps"]
TEN_TO_THE: dict[str, int] = {"bps": 9, "kbps": 6, "mbps": 3, "gbps": 0, "tbps": -3}
"""By how many powers of ten a unit is smaller than Gbps."""
UNITS = tuple(TEN_TO_THE)

NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
SPEED = re.compile(
    r"(?<![\w.])(?:(?P<times>\d{1,4})\s*[x×*]\s*)?(?P<size>\d{1,6}(?:\.\d{1,6})?)\s*"
    r"(?P<unit>[kKMGT])(?:b|bps|bit|bits|bit/s|b/s|bits/s|E|bE|igE)?(?![\w/])"
)
CARRIER = re.compile(r"\b(?P<kind>OC|STM)-?(?P<size>\d{1,4})c?\b", re.IGNORECASE)
CARRIER_MBPS = {"OC": "51.84", "STM": "155.52"}
"""Line rates of SONET and SDH at level 1."""


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


@cache
def speed_gbps(text: str) -> float | None:
    """Return the one speed in a label, such as `4x100G`, `2 x 10 Gbps`, `155M` or `OC-192c`.

    None if there is no speed, or more than one.
    """
    found = {
        in_gbps(float(match["size"]), f"{match['unit'].casefold()}bps") * int(match["times"] or 1)
        for match in SPEED.finditer(text[:MAX_NAME])
    }
    found |= {
        in_gbps(float(CARRIER_MBPS[match["kind"].upper()]) * int(match["size"]), "mbps")
        for match in CARRIER.finditer(text[:MAX_NAME])
    }
    return found.pop() if len(found) == 1 else None


# ---------------------------------------------------------------- plain numbers


def plain_number(value: float) -> str:
    """Return all digits of a number, without a point where it is whole."""
    value = float(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def number(cell: str) -> float | None:
    """Return the number that *cell* is: no words, underscores, other scripts or infinities."""
    value = float(cell) if NUMBER.fullmatch(cell) else math.nan
    return value if math.isfinite(value) else None


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
