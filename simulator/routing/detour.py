"""Detours round full exits: leave routing alone, and override it where an exit would overflow."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from simulator.base.schema import NonNegative, NonNegativeInt, Positive
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.path_problem import nine_digits, without_zero_capacity
from simulator.paths.candidates import Paths, exit_paths
from simulator.paths.shortest import HOP_MS, destinations_of, shortest_to
from simulator.routing.scheme import Scheme, scheme

_ROUNDING = 1e-9


@scheme("detour")
class Detour(Scheme):
    """Greedy overrides: whole groups of traffic leave exits that are too full, least latency first.

    Every demand starts on its fastest path, or on its shortest by IGP metric. It consists of groups
    of ``group_share`` of it (think of prefixes), each of which takes one path. Then, for every exit
    direction above ``high``, the fullest first, until it is no fuller than ``high``:

    - among all moves of a group from this exit to another one that it may use, take the one that
      adds the least latency, the larger group of two that add as much;
    - make it if the other exit direction stays at or below ``low`` with the group on it, else
      skip it.

    An exit that receives groups never gets above ``low``, so nothing is moved twice and the order
    of exits hardly matters. Every call starts afresh, without the overrides of the call before.
    Only exits are relieved, and all load on them counts, steered or not. This is a heuristic
    without a certificate.

    Source: Schlinker et al., Engineering Egress with Edge Fabric, SIGCOMM 2017, section 4.

    Attributes
    ----------
    start : str
        ``fastest``: by way of the exit with the least latency; ``igp``: of the least metric. Paths
        to and from the exits follow the same measure.
    high : float
        Utilisation of an exit direction above which groups leave it.
    low : float
        Utilisation up to which another exit may receive them.
    group_share : float
        Share of a demand that moves as one piece; the last piece is what is left.
    max_moves : int, optional
        Most groups that are moved in one call; no limit when left out.
    """

    start: Literal["fastest", "igp"] = "fastest"
    high: Positive = 0.95
    low: NonNegative = 0.80
    group_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    max_moves: NonNegativeInt | None = None

    demand_aware: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low must not be above high, found {self.low} and {self.high}")

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares."""
        able = without_zero_capacity(network)
        weight = able.delay_ms + HOP_MS if self.start == "fastest" else able.metric
        destinations, row = destinations_of(able, demands)
        near = shortest_to(able, weight, destinations)
        straight = Paths(np.arange(len(demands)), *near.follow(row, demands.source))
        # Every path across the border: its demand, its exit direction, its length.
        paths, exits, lengths = straight, [np.full(len(demands), -1)], [np.zeros(len(demands))]
        for by_exit in exit_paths(able, demands, weight, row, near):
            place, which = np.nonzero(np.isfinite(by_exit.length))
            paths = paths.join(by_exit.paths(place, which))
            exits.append(by_exit.crossing[place])
            lengths.append(by_exit.length[place, which])
        latency = paths.sums(able.delay_ms)
        table = _ExitPaths(paths, np.concatenate(exits), np.concatenate(lengths), latency)
        return _Overrides(self, able, demands, table).routes()


class _ExitPaths(NamedTuple):
    """Paths of all demands with their exits: path *w* crosses ``exit[w]``, -1 for the shortest."""

    paths: Paths
    exit: np.ndarray
    length: np.ndarray
    latency_ms: np.ndarray


class _Overrides:
    """One run of the allocator: load on the exits, and where the groups of every demand go."""

    def __init__(
        self, options: Detour, network: Network, demands: Demands, table: _ExitPaths
    ) -> None:
        self.options, self.network, self.table = options, network, table
        self.demands = len(demands)
        # To nine digits, so that the rounding of another unit does not decide a close call.
        unit = float(demands.gbps.max(initial=0.0)) or 1.0
        self.rate = nine_digits(demands.gbps / unit)
        self.capacity = nine_digits(network.capacity_gbps / unit)
        self.load = nine_digits(network.background_gbps / unit)
        self.names = (demands.source, demands.target, demands.traffic_class.astype(str))

        #: The path on which every demand starts: by its best exit, if it needs one.
        self.start = np.arange(self.demands)
        order = np.lexsort((table.length, table.paths.demand))
        order = order[table.exit[order] >= 0]
        best = order[np.flatnonzero(np.diff(table.paths.demand[order], prepend=-1))]
        self.start[table.paths.demand[best]] = best
        self.share = np.zeros(len(table.exit))
        self.share[self.start] = 1.0
        at = table.exit[self.start]
        np.add.at(self.load, at[at >= 0], self.rate[at >= 0])
        # Whole groups, then what is left of the demand.
        whole = int(1.0 / options.group_share + _ROUNDING)
        rest = 1.0 - whole * options.group_share
        self.sizes = [options.group_share] * whole + ([rest] if rest > _ROUNDING else [])
        self.taken = np.zeros(self.demands, dtype=np.int64)
        self.moves = 0

    def routes(self) -> Routes:
        """Relieve every exit that is too full, and return the routes."""
        exits = np.unique(self.table.exit[self.table.exit >= 0])
        full = self.load[exits] / self.capacity[exits]
        for place in np.lexsort((exits, -np.round(full, 9))):
            self._relieve(exits[place])
        paths = self.table.paths
        return Routes.from_paths(
            self.network, self.demands, paths.demand, self.share, paths.arcs, paths.starts
        )

    def _relieve(self, exit_arc: int) -> None:
        """Move groups away from one exit direction until it is no fuller than it may be."""
        too_full = self.options.high * self.capacity[exit_arc] * (1.0 + _ROUNDING)
        for path in self._alternatives(exit_arc):
            while self.load[exit_arc] > too_full and self._move(path):
                pass

    def _alternatives(self, exit_arc: int) -> np.ndarray:
        """Other paths of the demands that start on this exit, in the order they are tried."""
        table = self.table
        leaves = (table.exit[self.start] == exit_arc) & (self.rate > 0)
        elsewhere = (table.exit >= 0) & (table.exit != exit_arc)
        alternatives = np.flatnonzero(leaves[table.paths.demand] & elsewhere)
        k = table.paths.demand[alternatives]
        added = table.latency_ms[alternatives] - table.latency_ms[self.start[k]]
        source, target, traffic_class = (name[k] for name in self.names)
        order = (table.exit[alternatives], traffic_class, target, source, -self.rate[k])
        return alternatives[np.lexsort((*order, np.round(added, 9)))]

    def _move(self, path: int) -> bool:
        """Move the next group of a demand to this path, if there is one and it fits."""
        k, onto = self.table.paths.demand[path], self.table.exit[path]
        if self.taken[k] == len(self.sizes) or self.moves == self.options.max_moves:
            return False
        size = self.sizes[self.taken[k]]
        room = self.options.low * self.capacity[onto] * (1.0 + _ROUNDING)
        if self.load[onto] + size * self.rate[k] > room:
            return False
        self.taken[k] += 1
        self.moves += 1
        start = self.start[k]
        self.share[path] += size
        self.share[start] = 0.0 if self.taken[k] == len(self.sizes) else self.share[start] - size
        self.load[onto] += size * self.rate[k]
        self.load[self.table.exit[start]] -= size * self.rate[k]
        return True
