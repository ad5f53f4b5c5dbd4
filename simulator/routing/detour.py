"""Detours round full exits: leave routing alone, and override it where an exit would overflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

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
    - do it if the other exit direction stays at or below ``low`` with the group on it, else pass it
      over.

    An exit that takes groups in never gets above ``low``, so nothing is moved twice and the order
    of exits hardly matters. Nothing is remembered from call to call: all overrides are made anew.
    Only exits are minded, and all load on them counts, also what is not steered. Exact optimisation
    is not claimed, and there is no certificate.

    Source: Schlinker et al., Engineering Egress with Edge Fabric, SIGCOMM 2017, section 4.

    Attributes
    ----------
    start : str
        ``fastest``: by way of the exit with the least latency; ``igp``: of the least metric. Paths
        to and from the exits follow the same measure.
    high : float
        Utilisation of an exit direction above which groups leave it.
    low : float
        Utilisation up to which another exit takes them in.
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
        # Every way across the border: who, by which exit direction, over which path, how long.
        paths, exits, lengths = straight, [np.full(len(demands), -1)], [np.zeros(len(demands))]
        for ways in exit_paths(able, demands, weight, row, near):
            place, which = np.nonzero(np.isfinite(ways.length))
            paths = paths.join(ways.paths(place, which))
            exits.append(ways.crossing[place])
            lengths.append(ways.length[place, which])
        latency = paths.sums(able.delay_ms)
        table = _Ways(paths, np.concatenate(exits), np.concatenate(lengths), latency)
        return _Overrides(self, able, demands, table).routes()


@dataclass(frozen=True, eq=False)
class _Ways:
    """Ways to route demands: *w* runs along path *w* by ``exit[w]``, -1 for none in particular."""

    paths: Paths
    exit: np.ndarray
    length: np.ndarray
    latency_ms: np.ndarray


class _Overrides:
    """One run of the allocator: load on the exits, and where the groups of every demand go."""

    def __init__(self, options: Detour, network: Network, demands: Demands, ways: _Ways) -> None:
        self.options, self.network, self.ways = options, network, ways
        self.demands = len(demands)
        # To nine digits, so that the rounding of another unit does not decide a close call.
        unit = float(demands.gbps.max(initial=0.0)) or 1.0
        self.rate = nine_digits(demands.gbps / unit)
        self.capacity = nine_digits(network.capacity_gbps / unit)
        self.load = nine_digits(network.background_gbps / unit)
        self.names = (demands.source, demands.target, demands.traffic_class.astype(str))

        #: The way on which every demand starts: by its best exit, if it needs one.
        self.start = np.arange(self.demands)
        order = np.lexsort((ways.length, ways.paths.demand))
        order = order[ways.exit[order] >= 0]
        best = order[np.flatnonzero(np.diff(ways.paths.demand[order], prepend=-1))]
        self.start[ways.paths.demand[best]] = best
        self.share = np.zeros(len(ways.exit))
        self.share[self.start] = 1.0
        at = ways.exit[self.start]
        np.add.at(self.load, at[at >= 0], self.rate[at >= 0])
        # Whole groups, then what is left of the demand.
        whole = int(1.0 / options.group_share + _ROUNDING)
        rest = 1.0 - whole * options.group_share
        self.sizes = [options.group_share] * whole + ([rest] if rest > _ROUNDING else [])
        self.taken = np.zeros(self.demands, dtype=np.int64)
        self.moves = 0

    def routes(self) -> Routes:
        """Relieve every exit that is too full, and return where everything goes."""
        exits = np.unique(self.ways.exit[self.ways.exit >= 0])
        full = self.load[exits] / self.capacity[exits]
        for place in np.lexsort((exits, -np.round(full, 9))):
            self._relieve(exits[place])
        paths = self.ways.paths
        return Routes.from_paths(
            self.network, self.demands, paths.demand, self.share, paths.arcs, paths.starts
        )

    def _relieve(self, exit_arc: int) -> None:
        """Move groups away from one exit direction until it is no fuller than it may be."""
        too_full = self.options.high * self.capacity[exit_arc] * (1.0 + _ROUNDING)
        for way in self._ways_out(exit_arc):
            while self.load[exit_arc] > too_full and self._move(way):
                pass

    def _ways_out(self, exit_arc: int) -> np.ndarray:
        """Other ways for the demands that start on this exit, in the order they are tried."""
        ways = self.ways
        leaves = (ways.exit[self.start] == exit_arc) & (self.rate > 0)
        ways_out = np.flatnonzero(
            leaves[ways.paths.demand] & (ways.exit >= 0) & (ways.exit != exit_arc)
        )
        k = ways.paths.demand[ways_out]
        added = ways.latency_ms[ways_out] - ways.latency_ms[self.start[k]]
        source, target, traffic_class = (name[k] for name in self.names)
        order = (ways.exit[ways_out], traffic_class, target, source, -self.rate[k])
        return ways_out[np.lexsort((*order, np.round(added, 9)))]

    def _move(self, way: int) -> bool:
        """Move the next group of a demand to this way, if there is one and it has room."""
        k, onto = self.ways.paths.demand[way], self.ways.exit[way]
        if self.taken[k] == len(self.sizes) or self.moves == self.options.max_moves:
            return False
        size = self.sizes[self.taken[k]]
        room = self.options.low * self.capacity[onto] * (1.0 + _ROUNDING)
        if self.load[onto] + size * self.rate[k] > room:
            return False
        self.taken[k] += 1
        self.moves += 1
        start = self.start[k]
        self.share[way] += size
        self.share[start] = 0.0 if self.taken[k] == len(self.sizes) else self.share[start] - size
        self.load[onto] += size * self.rate[k]
        self.load[self.ways.exit[start]] -= size * self.rate[k]
        return True
