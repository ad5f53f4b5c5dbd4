"""Bursts: the least bill of a month that is known beforehand, with 5 % of its slots free.

A *port* is one direction of an exit. Traffic that may use the same ports is a *group*. Variables:
``z[p]``, the billed level of a port; ``w[x]``, the billed rate of an exit; ``f[g, p, t]``, what a
group sends over a port in slot *t*; ``y[p, t]``, one where the slot is free at that port; and
``s[p, t]``, what a port is asked for beyond its capacity ``C``, at a price above all others.
Minimise the sum of ``price[x] w[x]`` subject to ::

    sum over p of f[g, p, t]                        =  volume[g, t]
    load[p, t] = sum over g of f + fixed[p, t]     <=  C[p] + s[p, t]
    load[p, t]  <=  z[p] + C[p] y[p, t] + s[p, t]
    sum over t of y[p, t]                          <=  free slots
    w[x] covers the levels of x, by the rule of ``Billing.directions``

With ``y`` whole this is the least bill that any routing can have. With ``y`` between 0 and 1 it is
a linear program and a bound below it. With ``y`` given it is a linear program and a plan that can
be kept. The inside of the network is left out, so that bounds hold whatever it is.

Source: Singh et al., Cost-Effective Cloud Edge Traffic Engineering with Cascara, NSDI 2021.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import sparse

from simulator.base.errors import SimulatorError
from simulator.model.billing import MBPS_PER_GBPS, Billing
from simulator.optimise.integer import solve

MOST_SLOTS = 400
"""Slots of a plan; more are taken together, those with about as much traffic."""
_FEW_SLOTS = 96
"""Slots of a bound."""
_BEYOND = 1000.0
"""Cost of a unit beyond capacity, in units of the highest price."""
_Join = Callable[[np.ndarray], np.ndarray]
_Part = tuple[np.ndarray, np.ndarray, np.ndarray | float]
"""Rows, columns and values of some entries of a matrix."""
_WHOLE = 1e-10
_NODES = 2000
"""Branches of the exact program: a limit that does not depend on the machine."""


@dataclass(frozen=True, eq=False)
class Month:
    """Traffic of the slots of a month, and the ports that may carry it.

    Attributes
    ----------
    volume_gbps : ndarray, shape (groups, slots)
    allowed : ndarray of bool, shape (groups, ports)
    fixed_gbps : ndarray, shape (ports, slots)
        Load that stays where it is.
    capacity_gbps : ndarray, shape (ports,)
    exit_of : ndarray of int, shape (ports,)
    outward : ndarray of bool, shape (ports,)
    price_usd_per_mbps : ndarray, shape (exits,)
    billing : Billing
    free : float
        Free slots of each port.
    """

    volume_gbps: np.ndarray
    allowed: np.ndarray
    fixed_gbps: np.ndarray
    capacity_gbps: np.ndarray
    exit_of: np.ndarray
    outward: np.ndarray
    price_usd_per_mbps: np.ndarray
    billing: Billing
    free: float

    @property
    def slots(self) -> int:
        """How many slots there are."""
        return self.volume_gbps.shape[1]


class Plan(NamedTuple):
    """Billed levels and what they cost.

    Attributes
    ----------
    level_gbps : ndarray, shape (ports,)
    cost_usd : float
        Of a month; of traffic beyond capacity nothing.
    bound_usd : float
        No bill is below it.
    bursts : ndarray, shape (ports, slots)
        Which slots are free at each port, or how far.
    """

    level_gbps: np.ndarray
    cost_usd: float
    bound_usd: float
    bursts: np.ndarray


def least_bill(month: Month) -> Plan:
    """The least bill of all, for some hundred slots at most; its bound is below it if unfinished.

    Raises
    ------
    SimulatorError
        No plan was found within the limit.
    """
    return _solved(month, np.ones((len(month.capacity_gbps), month.slots)), whole=True)


def least_bound_usd(month: Month, most: int = _FEW_SLOTS) -> float:
    """Return a bound on every bill: slots may be free in part, and like slots are alike."""
    if month.slots > most:
        month = _together(month, most, _mean, min)
    return _solved(month, np.ones((len(month.capacity_gbps), month.slots)), whole=False).cost_usd


def planned(month: Month, most: int = MOST_SLOTS) -> Plan:
    """Return levels that can be kept: the cheapest of some ways to choose the free slots.

    They are turns; the peak, for all ports at once; and for each port the slots that a bound uses
    most of. The bound is that of :func:`least_bound_usd`, without taking slots together.
    """
    if month.slots > most:
        month = _together(month, most, _most, max)
    bound = _solved(month, np.ones((len(month.capacity_gbps), month.slots)), whole=False)
    peak = np.where(month.outward[:, None], *_totals(month))
    ways = turns(month), _largest(peak, month.free), _largest(bound.bursts, month.free)
    plans = [_solved(month, way, whole=False) for way in ways]
    return min(plans, key=lambda plan: plan.cost_usd)._replace(bound_usd=bound.cost_usd)


def _totals(month: Month) -> tuple[np.ndarray, np.ndarray]:
    """Traffic of each slot, out and in."""
    out, back = (
        month.volume_gbps[month.allowed[:, month.outward == way].any(axis=1)].sum(axis=0)
        for way in (True, False)
    )
    return out, back


def _largest(values: np.ndarray, free: float) -> np.ndarray:
    """One at the so many largest values of every row, else zero."""
    order = np.argsort(-values, axis=1, kind="stable")[:, : int(free)]
    chosen = np.zeros(values.shape)
    np.put_along_axis(chosen, order, 1.0, axis=1)
    return chosen


def turns(month: Month) -> np.ndarray:
    """Which port bursts when, shape (ports, slots): one of each direction, the fullest slots first.

    The port with the most free slots left is next, of equals the one with the largest capacity.
    """
    chosen = np.zeros((len(month.capacity_gbps), month.slots))
    for way, total in zip((True, False), _totals(month), strict=True):
        ports = np.flatnonzero(month.outward == way)
        left = np.full(len(ports), int(month.free))
        for slot in np.argsort(-total, kind="stable"):
            if not len(ports) or not total[slot] > 0 or not left.any():
                break
            at = np.lexsort((-month.capacity_gbps[ports], -left))[0]
            chosen[ports[at], slot], left[at] = 1.0, left[at] - 1
    return chosen


def _together(month: Month, most: int, join: _Join, size: Callable[..., int]) -> Month:
    """Take slots together that have about as much traffic, into at most *most*."""
    order = np.argsort(-month.volume_gbps.sum(axis=0), kind="stable")
    parts = np.array_split(order, most)
    return replace(
        month,
        volume_gbps=np.stack([join(month.volume_gbps[:, part]) for part in parts], axis=1),
        fixed_gbps=np.stack([join(month.fixed_gbps[:, part]) for part in parts], axis=1),
        free=month.free / size(len(part) for part in parts),
    )


def _mean(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.mean(axis=1))


def _most(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.max(axis=1))


def _solved(month: Month, may: np.ndarray, *, whole: bool) -> Plan:
    """Solve with ``y`` up to *may*; where not whole and *may* are turns, these are kept."""
    ports, slots, exits = len(month.capacity_gbps), month.slots, len(month.price_usd_per_mbps)
    unit = max(float(month.volume_gbps.sum(axis=0).max(initial=0.0)), 1e-12)
    top = float(month.price_usd_per_mbps.max(initial=0.0)) or 1.0
    group, port = np.nonzero(month.allowed)
    lanes = len(group)
    sizes = np.cumsum([0, ports, exits, lanes * slots, ports * slots, ports * slots])
    level, billed, flow, burst, beyond = (
        np.arange(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)
    )
    cost = np.zeros(sizes[-1])
    cost[billed], cost[beyond] = month.price_usd_per_mbps / top, _BEYOND
    upper = np.full(sizes[-1], np.inf)
    upper[burst] = may.ravel()
    rows = _rows(month, unit, (group, port), (level, billed, flow, burst, beyond))
    is_whole = np.zeros(sizes[-1], dtype=bool)
    is_whole[burst] = True
    found = solve(cost, rows.matrix, rows.lower, rows.upper, upper, gap=1e-9, nodes=_NODES,
                  whole=is_whole if whole else None, tolerance=_WHOLE)  # fmt: skip
    if found is None:
        raise SimulatorError("no plan of bursts was found: HiGHS finds none that is possible")
    spent = float(found.columns[beyond].sum()) * _BEYOND
    scale = unit * top * MBPS_PER_GBPS
    least = max(0.0, min(found.bound, found.cost) - spent) * scale
    levels = np.maximum(found.columns[level], 0.0) * unit
    share = found.columns[burst].reshape(ports, slots)
    return Plan(levels, (found.cost - spent) * scale, least, share)


class _Rows(NamedTuple):
    """Rows ``lower <= matrix @ columns <= upper``."""

    matrix: sparse.csr_array
    lower: np.ndarray
    upper: np.ndarray


def _rows(
    month: Month,
    unit: float,
    lanes: tuple[np.ndarray, np.ndarray],
    columns: tuple[np.ndarray, ...],
) -> _Rows:
    """Rows of the program; see the module."""
    (group, port), (level, billed, flow, burst, beyond) = lanes, columns
    ports, slots, width = len(month.capacity_gbps), month.slots, beyond[-1] + 1
    each = np.arange(ports * slots)
    capacity = np.repeat(month.capacity_gbps / unit, slots)
    fixed = (month.fixed_gbps / unit).ravel()
    served = np.flatnonzero(month.allowed.any(axis=1))
    place = np.full(len(month.allowed), -1)
    place[served] = np.arange(len(served))

    at_slot = np.tile(np.arange(slots), len(group))
    by_group = np.repeat(place[group], slots) * slots + at_slot
    by_port = np.repeat(port, slots) * slots + at_slot
    volume = (month.volume_gbps[served] / unit).ravel()
    whole_load = (by_port, flow, 1.0), (each, beyond, -1.0)
    over = (each, level[each // slots], -1.0), (each, burst, -capacity)
    exact = _matrix((len(volume), width), (by_group, flow, 1.0))
    free = _matrix((ports, width), (each // slots, burst, 1.0))
    room = _matrix((len(each), width), *whole_load)
    paid = _matrix((len(each), width), *whole_load, *over)
    covers = _covers(month, level, billed, width)
    upper = np.concatenate([volume, capacity - fixed, -fixed, np.full(ports, month.free),
                            np.zeros(covers.shape[0])])  # fmt: skip
    lower = np.where(np.arange(len(upper)) < len(volume), upper, -np.inf)
    matrix = sparse.vstack([exact, room, paid, free, covers], format="csr")
    return _Rows(sparse.csr_array(matrix), lower, upper)


def _matrix(shape: tuple[int, int], *parts: _Part) -> sparse.csc_array:
    row, column = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    value = np.concatenate([np.broadcast_to(part[2], len(part[0])) for part in parts])
    return sparse.csc_array((value.astype(float), (row, column)), shape=shape)


def _covers(month: Month, level: np.ndarray, billed: np.ndarray, width: int) -> sparse.csc_array:
    """Rows, none above 0, by which the billed rate of an exit covers the levels of its ports."""
    rule, ports = month.billing.directions, np.arange(len(level))
    counted = {"out": month.outward, "in": ~month.outward}.get(rule, np.ones(len(level), bool))
    mine = ports[counted]
    if rule == "sum":
        count, rows = len(billed), month.exit_of[mine]
        parts: tuple[_Part, _Part] = (rows, level[mine], 1.0), (np.arange(count), billed, -1.0)
    else:
        count, rows = len(mine), np.arange(len(mine))
        parts = (rows, level[mine], 1.0), (rows, billed[month.exit_of[mine]], -1.0)
    return _matrix((count, width), *parts)
