"""Ladder: how low the fullest exit could be held at one instant, with more and more command.

Each step relaxes the one before: what neighbours choose is known; it is commanded, in pieces; it is
commanded without pieces. So differences between them say what each lack costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from simulator.inbound.choices import Choices
from simulator.inbound.planner import PlanSettings, plan
from simulator.inbound.preferences import Preferences

_NEAR = 1.05
"""A second plan aims at so much above the level of all exits."""
_NO_GUARD = 1e9
_LEAST_GAIN = 1e-3
"""What a change must gain at the least, in Gbps: nobody is troubled by one that is not made."""


class Ladder(NamedTuple):
    """Utilisation of the fullest exit at one instant.

    Attributes
    ----------
    known : float
        With announcements, if what neighbours choose were known: the least of some plans, and of
        what any strategy announces.
    pieces : float
        If the groups of each region and province were sent to exits at will.
    direct : float
        If traffic were: a proven bound on all others.
    """

    known: float
    pieces: float
    direct: float


def fullest(
    lands: Preferences,
    announced: np.ndarray,
    prepends: np.ndarray,
    province: np.ndarray,
    up: np.ndarray,
    gbps: np.ndarray,
    capacity_gbps: np.ndarray,
) -> float:
    """Return the utilisation of the fullest exit under announcements; see `ladder`."""
    landed = lands.lands(announced, prepends, province, up)[0]
    there = landed >= 0
    load = np.bincount(landed[there], gbps[there], len(up))
    return float(np.divide(load, capacity_gbps, out=np.zeros(len(up)), where=up).max(initial=0.0))


def ladder(
    lands: Preferences,
    choices: Choices,
    province: np.ndarray,
    up: np.ndarray,
    gbps: np.ndarray,
    capacity_gbps: np.ndarray,
    tried: Iterable[tuple[np.ndarray, np.ndarray]],
) -> Ladder:
    """Return how low the fullest exit could be held.

    Parameters
    ----------
    lands : Preferences
        What is so: a single draw.
    choices : Choices
    province : ndarray of int, shape (groups,)
    up : ndarray of bool, shape (exits,)
    gbps : ndarray, shape (sources, groups)
    capacity_gbps : ndarray, shape (exits,)
    tried : iterable of (announced, prepends)
        What strategies announce, each of shape (groups, exits): knowing all is never worse.
    """
    told = province, up, gbps, capacity_gbps
    direct = _level(choices, *told)
    pieces = max(_in_pieces(choices, *told), direct)
    everywhere = np.ones((len(province), len(up)), dtype=bool)
    nothing = np.zeros(everywhere.shape, dtype=np.int64)
    states = [(everywhere, nothing), *tried]
    free = PlanSettings(target=_NO_GUARD, latency_weight=0.0, least_gain=_LEAST_GAIN)
    for settings in (free, replace(free, theta=_NEAR * direct)):
        made = plan(
            lands,
            everywhere,
            nothing,
            province,
            up,
            now_gbps=gbps,
            soon_gbps=gbps,
            peak_gbps=gbps,
            capacity_gbps=capacity_gbps,
            base_gbps=np.zeros(len(up)),
            detour_ms=np.zeros(choices.metric_ms.shape),
            resting=np.zeros(len(province), dtype=bool),
            most_groups=len(province),
            settings=settings,
        )
        states.append((made.announced, made.prepends))
    known = min(fullest(lands, *state, *told) for state in states)
    return Ladder(known, min(pieces, known), direct)


def _reaches(choices: Choices, up: np.ndarray) -> np.ndarray:
    """Return which exits there is a way by; bool, shape (regions, provinces, exits)."""
    return np.isfinite(choices.metric_ms) & up


def _level(
    choices: Choices,
    province: np.ndarray,
    up: np.ndarray,
    gbps: np.ndarray,
    capacity_gbps: np.ndarray,
) -> float:
    """Return the least utilisation of the fullest exit if traffic is split at will.

    A transport problem: minimise theta, with x[k, e] >= 0 the traffic of kind k by exit e, the sum
    over e of x[k, e] that of the kind, and the sum over k of x[k, e] at most theta c[e]. All pairs
    of a region and a province with the same exits to choose from are one kind.
    """
    shape = choices.metric_ms.shape
    pair = choices.region[:, None] * shape[1] + province
    total = np.bincount(pair.ravel(), gbps.ravel(), shape[0] * shape[1])
    reach = _reaches(choices, up).reshape(-1, shape[2])
    some = (total > 0) & reach.any(axis=1)
    kinds, kind = np.unique(reach[some], axis=0, return_inverse=True)
    kind = kind.reshape(-1)  # NumPy 2.0 gives it a second axis
    if not len(kinds):
        return 0.0
    volume = np.bincount(kind.reshape(-1), total[some], len(kinds))
    of, exit_ = np.nonzero(kinds & (capacity_gbps > 0))
    count, place = len(of), np.arange(len(of))
    sums = np.zeros((len(kinds), count + 1))
    sums[of, place] = 1.0
    loads = np.zeros((shape[2], count + 1))
    loads[exit_, place], loads[:, -1] = 1.0, -capacity_gbps
    used = np.unique(exit_)
    cost = np.append(np.zeros(count), 1.0)
    found = linprog(cost, loads[used], np.zeros(len(used)), sums, volume, method="highs")
    return float(found.fun)


def _in_pieces(
    choices: Choices,
    province: np.ndarray,
    up: np.ndarray,
    gbps: np.ndarray,
    capacity_gbps: np.ndarray,
) -> float:
    """Return the utilisation of the fullest exit if whole groups are sent to exits at will.

    The largest piece first, each to the exit that it leaves the least full: near the level, as
    pieces are many and small (Graham, SIAM J. Applied Mathematics 17, 1969, for equal exits).
    """
    regions = len(choices.metric_ms)
    volume = np.zeros((regions, len(province)))
    np.add.at(volume, choices.region, gbps)
    reach = _reaches(choices, up)[:, province] & (capacity_gbps > 0)
    load = np.zeros(len(up))
    room = np.where(capacity_gbps > 0, capacity_gbps, 1.0)
    for at in np.argsort(-volume, axis=None, kind="stable"):
        region, group = np.unravel_index(at, volume.shape)
        piece = volume[region, group]
        if piece <= 0:
            break
        if reach[region, group].any():
            after = np.where(reach[region, group], (load + piece) / room, np.inf)
            load[int(after.argmin())] += piece
    return float((load / room).max(initial=0.0))
