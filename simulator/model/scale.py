"""Scale: what values look like in the right unit, and which other unit a strange one may be in.

Everything here is a doubt and no rule: a scenario that means it goes on, with a warning. A limit
is set where no network, operator or experiment is known to go, and a slip of the unit does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

YEAR_H = 8766.0

TIMES = 10.0
"""Traffic above so many times what could carry it is in another unit. Overload on purpose is two
or three times; a matrix in Mbps, on a network that is a few per cent full, is fifty."""
OUTSIDE = 24.0
"""A time so many times the length of the scenario is in another unit: an hour too late is a slip,
and minutes or seconds of a day are sixty times too many."""
WHOLE_H = 43_200.0
"""A length of whole multiples of this is one of half days in seconds: 43,200 h is 1,800 days, and
years are 8,760 or 8,784 h."""
LONGEST_STEP_S = 6 * 3600.0
"""Traffic is constant for a step: beyond six hours nothing is left of the curve of a day. Whole
days are meant, for growth over years."""
SHORTEST_S = 1.0
"""Steps and cycles below a second are for seconds or minutes of play; five minutes given in hours
are 0.083."""
MANY_STEPS = 100_000
"""A year in steps of five minutes. More, in steps below ``SHORTEST_S``, are not meant."""
REFUSED = 1e18
"""Sizes from here on are errors already, where a file is checked."""
MOST_GBPS = 1e12
"""A rate above is an error, of a link as of a demand: a zettabit a second. All traffic there is
comes to a millionth of it. A counter of 64 bits that wraps within a second makes less: that is in
doubt."""
SMALLEST_GBPS = 1e-3
"""A network without any link of a megabit a second is one of 1980, or in another unit."""
NEAR = 4.0
"""A delay in seconds, given as milliseconds, is up to so many times that of light in fibre."""


@dataclass(frozen=True)
class Usual:
    """What values of some keys look like.

    Attributes
    ----------
    keys : tuple of str
        Names of keys, or patterns of them.
    unit : str
        The unit that they are in; empty for a share.
    most : float
        Above this a value is in doubt.
    meant : mapping of str to float
        Units that may have been meant, and what one of them is in ``unit``.
    typical : float
        Of several such units, the one that brings a value nearest to this is named.
    why : str
        Why the limit is where it is.
    no_limit : float
        From here on a number says "no limit", and is no slip of the unit.
    """

    keys: tuple[str, ...]
    unit: str
    most: float
    meant: Mapping[str, float]
    typical: float
    why: str
    no_limit: float = math.inf

    def doubt(self, value: float) -> str:
        """Return what is strange about a value, or nothing."""
        if not self.most < value < self.no_limit:
            return ""
        return f"{in_words(value, self.unit)}; {self.question(value)}"

    def question(self, value: float) -> str:
        """Return the question for the unit that may have been meant."""

        def off(unit: str) -> float:
            return abs(math.log10(value * self.meant[unit] / self.typical))

        unit = min(self.meant, key=off)
        return did_you_mean_unit(unit, value * self.meant[unit], self.unit)


PER_CENT = {"per cent": 1e-2}
SMALLER_MS = {"µs": 1e-3, "ns": 1e-6}
SMALLER_GBPS = {"Mbps": 1e-3, "kbps": 1e-6, "bps": 1e-9}
SMALLER_H = {"minutes": 1 / 60, "seconds": 1 / 3600, "milliseconds": 1 / 3_600_000}

CAPACITY = Usual(
    ("capacity_gbps", "capacity_ba_gbps"),
    *("Gbps", 1e6, SMALLER_GBPS, 100.0),
    why="a petabit a second is beyond every link and every cable there is",
    no_limit=MOST_GBPS,
)
DELAY = Usual(
    ("delay_ms", "delay_ba_ms", "hop_delay_ms"),
    *("ms", 1000.0, SMALLER_MS, 5.0),
    why="light takes 200 ms around the globe by fibre, and 250 ms by a geostationary satellite",
    no_limit=REFUSED,
)
HORIZON = Usual(
    ("horizon_h",),
    *("h", 10 * YEAR_H, SMALLER_H, 24.0),
    why="no plan of traffic reaches further than ten years",
)
USUAL = (
    CAPACITY,
    DELAY,
    HORIZON,
    Usual(
        ("exit_utilisation", "*_cap", "high", "low"),
        *("", 10.0, PER_CENT, 0.8),
        why="a cap may lie above 1, and one of 2 or 5 is in the way of nothing; a percentage from"
        " 1.5 to 10 would be a cap that no network is held to. From 1,000 on it is no limit",
        no_limit=1000.0,
    ),
    Usual(
        ("buffer_ms", "burst_ms", "rule_ms"),
        *("ms", 10_000.0, SMALLER_MS, 50.0),
        why="buffers hold up to a second of traffic, and an entry is written within one",
    ),
    Usual(
        (
            "install_s",
            "detect_s",
            "converge_s",
            "local_repair_s",
            "staleness_s",
            "window_s",
            "compute_s",
        ),
        *("s", 86_400.0, {"ms": 1e-3}, 60.0),
        why="a control loop that takes more than a day for one of its parts controls nothing",
    ),
)


def usual_of(key: str) -> Usual | None:
    """Return what values of a key look like, where that is known."""
    return next((u for u in USUAL if any(fnmatchcase(key, each) for each in u.keys)), None)


_LARGER: dict[str, tuple[tuple[float, str], ...]] = {
    "": ((0.01, "%"),),
    "ms": ((3_600_000.0, "h"), (1000.0, "s")),
    "s": ((3600 * YEAR_H, "years"), (86_400.0, "days"), (3600.0, "h"), (60.0, "min"), (1e-3, "ms")),
    "h": ((YEAR_H, "years"), (24.0, "days")),
    "Gbps": ((1e6, "Pbps"), (1e3, "Tbps"), (1.0, "Gbps"), (1e-3, "Mbps"), (1e-6, "kbps")),
}


def refused_rate(found: str) -> str:
    """Return the message about a rate above ``MOST_GBPS``."""
    return f"at most {MOST_GBPS:g} Gbps is within reason, found {found}"


def in_words(value: float, unit: str) -> str:
    """Return a value and the same in a unit that says more: `86,400 h is 9.9 years`."""
    size, word = next((each for each in _LARGER[unit] if value >= each[0]), _LARGER[unit][-1])
    return f"{amount(value, unit)} is {float(f'{value / size:.3g}'):,.10g} {word}"


def did_you_mean_unit(unit: str, value: float, of: str) -> str:
    """Return the question whether a number was meant in another unit: *value* of unit *of*."""
    if not of:
        return f"did you mean {value:.4g}?"
    return f"were {unit} meant ({amount(value, of)})?"


def amount(value: float, unit: str) -> str:
    """Return a number with its unit."""
    return f"{value:,.12g} {unit}".rstrip()
