"""Paths to hedge over, what faults may do to a network, and which paths then die together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Literal

import numpy as np
from scipy import sparse

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.paths.candidates import Paths, fastest_paths, remembered
from simulator.paths.shortest import HOP_MS, destinations_of, shortest_to

FaultKind = Literal["exits", "cables", "both"]

_NOTHING_LEFT = 1e-12


@dataclass(frozen=True, eq=False)
class FaultSets:
    """What may fail at once.

    Attributes
    ----------
    dead : ndarray of bool, shape (sets, arcs)
        Arcs that each set of faults takes down; sets that take none down are left out.
    least_left : ndarray, shape (arcs,)
        Smallest share of its capacity that an arc has left after faults that leave it up.
    """

    dead: np.ndarray
    least_left: np.ndarray


def fault_sets(network: Network, of: FaultKind, faults: int) -> FaultSets:
    """Find what up to *faults* faults of exits, cables or both may do to the network.

    What cables take are shares of what is installed (see :meth:`Network.failed`): of a link that
    one cable has left 0.3, another one with a share of 0.3 takes the rest. A cable that is cut
    already is no fault to come; of one that is cut in part, what is left of it is.
    """
    links, lost = len(network.links), []
    up = network.up[::2] | network.up[1::2]
    if of in ("exits", "both"):
        lost += list(np.eye(links)[network.exits[up[network.exits]]])
    if of in ("cables", "both"):
        for cable in network.cables:
            share = (1.0 - network.cut.get(cable, 0.0)) * network.cable_share(cable)
            if np.any(share[up] > _NOTHING_LEFT):
                lost.append(share)
    one_each = np.array(lost).reshape(-1, links)
    now = network.capacity_left
    least, dead = np.ones(links), np.zeros((0, links), dtype=bool)
    for count in range(1, min(faults, len(one_each)) + 1):
        which = np.array(list(combinations(range(len(one_each)), count)))
        left = np.clip(now - one_each[which].sum(axis=1), 0.0, 1.0)
        down = (left < _NOTHING_LEFT) & (now > 0)
        left = left / np.where(now > 0, now, 1.0)
        least = np.minimum(least, np.where(down, 1.0, left).min(axis=0))
        dead = np.unique(np.concatenate([dead, down[down.any(axis=1)]]), axis=0)
    return FaultSets(np.repeat(dead, 2, axis=1), np.repeat(least, 2))


@dataclass(frozen=True, eq=False)
class Hedge:
    """Paths to hedge over, and what faults do to them.

    Attributes
    ----------
    paths : Paths
        Of every demand by delay, gathered by demand.
    member : csr_array, shape (kills, paths)
        Paths that die together, a row for every largest such set of a demand that leaves it others.
    owner : ndarray of int, shape (kills,)
        Demand of each of these sets.
    exposed : ndarray of bool, shape (demands,)
        Demands that some faults leave without any path.
    """

    paths: Paths
    member: sparse.csr_array
    owner: np.ndarray
    exposed: np.ndarray

    @cached_property
    def index(self) -> dict[tuple[int, bytes], int]:
        """Position of every path, by demand and arcs."""
        paths = self.paths
        return {mark: place for place, mark in enumerate(paths.marks())}


def hedge(
    network: Network,
    demands: Demands,
    sets: FaultSets,
    *,
    count: int,
    stretch_ms: float | None = None,
    more: Paths | None = None,
) -> Hedge:
    """Choose the paths, and find which of them die together.

    A demand has its *count* fastest paths by way of different exits (:func:`fastest_paths`), *more*
    on top, and for faults that kill all of these the fastest path that survives them. Paths slower
    than the fastest by more than *stretch_ms* are dropped, but for the fastest ones that survive
    what no other does.

    Depends on no rates: kept with the network for the next solve.
    """
    extra = Paths.of([]) if more is None else more
    mark = hashlib.blake2b(sets.dead.tobytes(), digest_size=16).digest()
    added = extra.demand.tobytes(), extra.arcs.tobytes(), extra.starts.tobytes()
    key = remembered(network, demands, "hedge", count, stretch_ms, mark, added)
    if key not in network.memo:
        paths = fastest_paths(network, demands, count).join(extra)
        network.memo[key] = _find_hedge(network, demands, sets, paths, stretch_ms)
    return network.memo[key]


def _find_hedge(
    network: Network, demands: Demands, sets: FaultSets, paths: Paths, stretch_ms: float | None
) -> Hedge:
    paths = _with_survivors(network, demands, sets, paths)
    weight = network.delay_ms + HOP_MS
    paths = paths.take(np.lexsort((paths.sums(weight), paths.demand)))
    killed = _killed(network, sets, paths)
    if stretch_ms is not None:
        near = _within(paths, paths.sums(weight), stretch_ms + HOP_MS * len(network.nodes))
        _spare_survivors(paths, killed, near)
        paths, killed = paths.take(np.flatnonzero(near)), killed[near]
    member, owner = _kills(paths, killed)
    exposed = np.asarray(_all_killed(paths, killed, len(demands)).any(axis=1))
    return Hedge(paths, member, owner, exposed)


def _killed(network: Network, sets: FaultSets, paths: Paths) -> np.ndarray:
    """Whether each path dies in each set of faults, shape (paths, sets)."""
    return np.asarray(paths.passes(len(network.tail)) @ sets.dead.T.astype(float)) > 0


def _all_killed(paths: Paths, killed: np.ndarray, demands: int) -> np.ndarray:
    """Whether the faults of each set kill all paths of each demand, shape (demands, sets)."""
    each = np.arange(len(paths.demand))
    own = sparse.csr_array((np.ones(len(each)), (paths.demand, each)), shape=(demands, len(each)))
    survivors = np.asarray(own @ (~killed).astype(float))
    return (np.bincount(paths.demand, minlength=demands) > 0)[:, None] & (survivors == 0)


def _with_survivors(network: Network, demands: Demands, sets: FaultSets, paths: Paths) -> Paths:
    """Add, for faults that kill all paths of a demand, the fastest one that survives them."""
    missing = _all_killed(paths, _killed(network, sets, paths), len(demands))
    for place in np.flatnonzero(missing.any(axis=0)):
        whose = np.flatnonzero(missing[:, place])
        left = network.under(up=network.up & ~sets.dead[place])
        destinations, row = destinations_of(left, demands.take(whose))
        near = shortest_to(left, network.delay_ms + HOP_MS, destinations)
        found = Paths(whose, *near.follow(row, demands.source[whose]))
        found = found.take(np.flatnonzero(np.diff(found.starts) > 0))
        saved = ~_killed(network, sets, found)
        missing[found.demand] &= ~saved
        paths = paths.join(found)
    return paths.distinct()


def _within(paths: Paths, length: np.ndarray, stretch: float) -> np.ndarray:
    """Which paths are longer than the shortest of their demand by at most *stretch*."""
    best = np.full(int(paths.demand.max(initial=-1)) + 1, np.inf)
    np.minimum.at(best, paths.demand, length)
    return length <= best[paths.demand] + stretch


def _spare_survivors(paths: Paths, killed: np.ndarray, near: np.ndarray) -> None:
    """Mark as *near* the fastest path that survives faults that no other such path does."""
    for dies in killed.T:
        served = np.isin(paths.demand, paths.demand[near & ~dies])
        able = np.flatnonzero(~dies & ~served)
        near[able[np.flatnonzero(np.diff(paths.demand[able], prepend=-1))]] = True


def _kills(paths: Paths, killed: np.ndarray) -> tuple[sparse.csr_array, np.ndarray]:
    """Largest sets of paths of a demand that die together and leave it others: rows and owners."""
    count = len(paths.demand)
    first = np.searchsorted(paths.demand, paths.demand)
    place = np.arange(count) - first
    whose, row = np.unique(paths.demand, return_inverse=True)
    width = int(place.max(initial=0)) + 1
    table = np.zeros((len(whose), killed.shape[1], width), dtype=bool)
    table[row, :, place] = killed
    own = np.zeros((len(whose), width), dtype=bool)
    own[row, place] = True
    who, which = np.nonzero(table.any(axis=2) & (own[:, None, :] & ~table).any(axis=2))
    bits = np.packbits(table[who, which], axis=1)
    rows = np.concatenate([who.astype(">i8").view(np.uint8).reshape(-1, 8), bits], axis=1)
    once = np.unique(rows, axis=0, return_index=True)[1]
    who, dies = who[once], table[who[once], which[once]]
    # Rows of one demand stand together: compare each with those at every distance.
    largest = np.ones(len(who), dtype=bool)
    for step in range(1, int(np.bincount(who).max(initial=0))):
        a, b = slice(None, -step), slice(step, None)
        same = who[a] == who[b]
        largest[a] &= ~(same & ~(dies[a] & ~dies[b]).any(axis=1))
        largest[b] &= ~(same & ~(dies[b] & ~dies[a]).any(axis=1))
    who, dies = who[largest], dies[largest]
    kill, position = np.nonzero(dies)
    start = np.searchsorted(paths.demand, whose)
    at = kill, start[who[kill]] + position
    return sparse.csr_array((np.ones(len(kill)), at), shape=(len(who), count)), whose[who]
