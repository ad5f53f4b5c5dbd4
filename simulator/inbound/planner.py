"""Planner: which groups to withdraw at which exits, to announce there again, or to prepend.

A plan is for the busy hour, and its guard for what comes soon. The load of a particle is exact for
any announcements, as landings do not depend on load. At night almost anything may be tried, and at
the peak only what is known to be safe; so exploration needs no reward of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.inbound.belief import Belief
from simulator.inbound.catchment import Catchment
from simulator.inbound.plan_settings import PlanSettings
from simulator.inbound.preferences import Preferences
from simulator.inbound.search import Search
from simulator.inbound.toggles import Toggles

NO_CAPACITY_GBPS = 1e-6
"""Stands for no capacity, so that any load there is a very large utilisation."""


class Plan(NamedTuple):
    """What to announce from now on.

    Attributes
    ----------
    announced : ndarray of bool, shape (groups, exits)
    prepends : ndarray of int, shape (groups, exits)
        As they were where the settings allow no prepends.
    changed : int
        Groups announced otherwise than before.
    toggles : int
        Pairs of a group and an exit that are withdrawn, announced again or prepended otherwise.
    guard : float
        Largest utilisation soon that is not exceeded at the chance ``quantile``.
    calm : bool
        Whether nothing changes.
    """

    announced: np.ndarray
    prepends: np.ndarray
    changed: int
    toggles: int
    guard: float
    calm: bool


def perfect(catchment: Catchment) -> Preferences:
    """Return perfect knowledge of a world: one particle, and it is true."""
    return catchment.preferences


def plan(
    lands: Belief | Preferences,
    announced: np.ndarray,
    prepends: np.ndarray,
    province: np.ndarray,
    up: np.ndarray,
    *,
    now_gbps: np.ndarray,
    soon_gbps: np.ndarray,
    peak_gbps: np.ndarray,
    capacity_gbps: np.ndarray,
    base_gbps: np.ndarray,
    detour_ms: np.ndarray,
    resting: np.ndarray,
    most_groups: int = 10,
    settings: PlanSettings | None = None,
    undo: np.ndarray | None = None,
) -> Plan:
    """Return what to announce: the best toggle, again and again, while there is one.

    The cost of loads L is f = sum over exits of c max(0, L / c - theta)^2, for exits of capacity c.
    That of a plan is R[f(peak)] + R[f(now)] + latency weight x detours at the peak in Gbps x ms.
    R is half the mean over particles and half the mean over the worst quarter of them (conditional
    value at risk: Rockafellar and Uryasev, 2000). A group that is withdrawn at an exit, announced
    again or prepended must lower the cost by more than ``least_gain``, and keep the guard. The
    guard is a quantile over particles of the largest utilisation soon. It must be within the
    target, or within that without changes.

    Parameters
    ----------
    lands : Belief or Preferences
        Where traffic may land: what a controller believes, or what is so (`perfect`).
    announced : ndarray of bool, shape (groups, exits)
    prepends : ndarray of int, shape (groups, exits)
    province : ndarray of int, shape (groups,)
    up : ndarray of bool, shape (exits,)
    now_gbps, soon_gbps, peak_gbps : ndarray, shape (sources, groups)
        Forecasts of the traffic now, at its largest soon, and in the busy hour.
    capacity_gbps : ndarray, shape (exits,)
    base_gbps : ndarray, shape (exits,) or (3, exits)
        Load that is not steered: the same at all times, or now, soon and at the peak.
    detour_ms : ndarray, shape (regions or sources, provinces, exits)
        How much longer the way by each exit is than the shortest.
    resting : ndarray of bool, shape (groups,)
        Groups that may not change.
    most_groups : int
        Groups that may change at once.
    settings : PlanSettings, optional
    undo : ndarray of bool, shape (groups, exits), optional
        Toggles that are allowed to resting groups too: those to be rolled back.
    """
    worlds = lands.preferences if isinstance(lands, Belief) else lands
    allowed = np.repeat(~resting[:, None], announced.shape[1], axis=1)
    settings = settings or PlanSettings()
    made = Toggles(
        worlds,
        (announced, prepends, province, up),
        np.stack([now_gbps, soon_gbps, peak_gbps]),
        np.broadcast_to(base_gbps, (3, len(up))),
        _by_source(detour_ms, worlds.region),
        (allowed if undo is None else allowed | undo) & up,
        settings.prepends,
    )
    capacity = np.where(up, np.maximum(capacity_gbps, NO_CAPACITY_GBPS), np.inf)
    search = Search(made, capacity, settings)
    search.run(most_groups)
    differs = made.differs
    changed, toggles = int(differs.any(axis=1).sum()), int(differs.sum())
    return Plan(made.announced, made.prepends, changed, toggles, search.guard, not toggles)


def _by_source(detour_ms: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Return detours by province, source and exit; nothing lands where there is no way."""
    each = detour_ms if len(detour_ms) == len(region) else detour_ms[region]
    return np.ascontiguousarray(np.where(np.isfinite(each), each, 0.0).swapaxes(0, 1))
