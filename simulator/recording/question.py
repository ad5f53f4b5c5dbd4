"""Question: how much the traffic of a strategy can grow on a network in one state."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from simulator.control.settled import installs_what_it_decides, settled
from simulator.control.steering import steer
from simulator.control.strategy import Strategy
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.recording.growth import Growth
from simulator.recording.limit import Limit
from simulator.recording.relief import Relief
from simulator.routing.scheme import Scheme
from simulator.simulation.route_store import RouteStore
from simulator.simulation.traffic_source import BLOCK

PRECISION, FINE = 1e-3, 1e-6
"""How near a bracket comes: of schemes that promise nothing, and of those that hold a limit."""
_MARGIN = 2e-7
"""Traffic less by this is what routes are asked to hold, where the last Gbps fills every exit."""
_TOUCH = 1.0 + 1e-6
"""What a solver's tolerance makes of a limit that is reached."""
_WITNESSES = 8
_PATIENCE = 4
"""Instants in a row without room to spare, after which none is looked for."""
_HARD = 0.05
"""Share of room to spare below which an instant is asked about by itself."""
_ALONE = 4
"""Instants that no known routes hold, from which on all others are asked about together."""
WAYS = ("out", "in")


class Question:
    """How much a strategy can grow on a network in one state.

    Parameters
    ----------
    target : float
        Utilisation of an exit direction.
    growth : Growth
    ways : sequence of str
        Directions of exits that count.
    store : RouteStore, optional
        Routes that follow from the topology alone.
    """

    def __init__(
        self,
        strategy: Strategy,
        network: Network,
        demands: Demands,
        target: float,
        streams: Streams,
        growth: Growth,
        ways: Sequence[str] = WAYS,
        *,
        store: RouteStore | None = None,
    ) -> None:
        self._network, self._demands, self._streams = network, demands, streams
        self._target, self._growth, self._ways = target, growth, tuple(ways)
        scheme = strategy.scheme if strategy.is_static else _holding(strategy.scheme, target)
        self._strategy = replace(strategy, scheme=scheme)
        static = scheme if strategy.perfect_information else strategy.static_scheme
        once = _Once(static, store or RouteStore())
        self._static = static if strategy.perfect_information else once
        plain = installs_what_it_decides(strategy)
        self.linear = strategy.is_static or (plain and not scheme.demand_aware)
        self._arcs = np.concatenate([network.exit_arcs[way] for way in self._ways])
        self._names = [
            f"exit:{network.links[arc // 2]}:{way}"
            for way in self._ways
            for arc in network.exit_arcs[way]
        ]
        capacity = network.capacity_gbps * network.up
        self._room = capacity.copy()  # links that are no exit may be full
        self._room[self._arcs] *= target
        self._inner = np.ones(len(capacity), dtype=bool)
        self._inner[np.concatenate([network.exit_arcs[way] for way in WAYS])] = False
        promised = scheme.limits(network, target) if plain else None
        if promised is not None and np.any(promised[self._arcs] > target):
            promised = None
        self._promised = None if promised is None else promised * capacity
        self._witnesses: list[Routes] = []
        self._last: Routes | None = None  # where to start from

    @property
    def exact(self) -> bool:
        """Whether the answer is exact, and not a bracket."""
        return self.linear or self._promised is not None

    # -- the least of many instants ---------------------------------------------------------------

    def least(self, rates: np.ndarray, start_s: np.ndarray, limit: Limit) -> Limit:
        """Return the limit, or a lower one that some of these instants put."""
        if not len(self._network.exits):
            return Limit(math.nan)
        if self.linear:
            return self._least_of_linear(rates, start_s, limit)
        held, in_vain = self._held(rates, limit.factor, self._witnesses), 0
        asked = 0
        for instant in np.argsort(self.bound(rates), kind="stable"):
            if held[instant]:
                continue
            asked += 1
            if asked == _ALONE and self._asks_many and math.isfinite(limit.factor):
                # In the order of time, in which routes change least.
                still = np.flatnonzero(~held & self._is_hard(rates, limit.factor))
                held[still] = self._held_when_asked(rates[:, still], limit.factor)
                if held[instant]:
                    continue
            known = list(self._witnesses)
            spared = in_vain < _PATIENCE and self._spared(rates[:, instant], limit.factor)
            in_vain = 0 if spared else in_vain + 1
            if not spared:
                factor, high = self._largest(rates[:, instant], limit.factor)
                if factor < limit.factor:
                    limit = self._explained(rates[:, instant], factor, float(start_s[instant]))
                    limit = limit._replace(factor_high=high)
            new = [each for each in self._witnesses if each not in known]
            still = np.flatnonzero(~held)
            held[still] = self._held(rates[:, still], limit.factor, new)
        return limit

    @cached_property
    def _asks_many(self) -> bool:
        """Whether the scheme can be asked about many instants at once."""
        if self._promised is None or self._strategy.perfect_information:
            return False
        mine = self._demands.take(self._steered)
        return self._strategy.scheme.answers_many(self._network, mine)

    def _is_hard(self, rates: np.ndarray, factor: float) -> np.ndarray:
        """Instants with so little room to spare that routes for one hold hardly any other."""
        bound = self.bound(rates).tolist()
        return np.array([self._growth.apart(factor, each) < _HARD for each in bound], dtype=bool)

    def _held_when_asked(self, rates: np.ndarray, factor: float) -> np.ndarray:
        """Instants that the routes of the scheme for each of them hold."""
        grown = self._growth.grown(rates, self._growth.less(factor, _MARGIN))
        parts = [
            self._held_by_own_routes(grown[:, first : first + BLOCK])
            for first in range(0, grown.shape[1], BLOCK)
        ]
        return np.concatenate([*parts, np.zeros(0, dtype=bool)])

    def _held_by_own_routes(self, rates: np.ndarray) -> np.ndarray:
        assert self._promised is not None
        part, static = self._strategy.steered_share, self._static_routes
        rest, mine = rates.copy(), rates[self._steered] * part
        rest[self._steered] *= 1.0 - part
        under, demands = static.loads(rest), self._demands.take(self._steered)
        answers = self._strategy.scheme.route_many(self._network, demands, mine, under, self._last)
        self._last = answers.last
        loads = under + answers.series.loads(mine)
        return np.asarray((loads <= self._promised[:, None] * _TOUCH).all(axis=0))

    @cached_property
    def _static_routes(self) -> Routes:
        return self._static.route(self._network, self._demands)

    def bound(self, rates: np.ndarray) -> np.ndarray:
        """Growth of every instant beyond which no routing can go, by what is known so far."""
        return self._relief.largest(rates)[0]

    @cached_property
    def _relief(self) -> Relief:
        scheme = self._strategy.scheme
        mine = self._demands.take(self._steered)
        paths = scheme.only_paths(self._network, mine) if self._promised is not None else None
        return Relief(
            self._network,
            self._demands,
            self._growth,
            self._static_routes,
            self._steered,
            1.0 if self._strategy.perfect_information else self._strategy.steered_share,
            self._room,
            self._ways,
            paths,
        )

    # -- routes that do not look at demand --------------------------------------------------------

    def linear_limits(self, rates: np.ndarray) -> np.ndarray:
        """Growth at which each arc is at its limit, at each instant (arcs x instants)."""
        return self._limits_at(np.arange(len(self._room)), rates)

    def exit_limits(self, rates: np.ndarray) -> np.ndarray:
        """Growth at which each exit direction is at its target (:attr:`names` x instants)."""
        return self._limits_at(self._arcs, rates)

    def _limits_at(self, arcs: np.ndarray, rates: np.ndarray) -> np.ndarray:
        """Growth at which some arcs are at their limit (these arcs x instants)."""
        matrix, group = sparse.csr_array(self._linear_shares[arcs]), self._growth.group
        mine = (np.flatnonzero(group == each) for each in range(self._growth.groups))
        loads = np.stack([matrix[:, which] @ rates[which] for which in mine])
        return self._growth.largest(loads, np.broadcast_to(self._room[arcs, None], loads.shape[1:]))

    @cached_property
    def _linear_shares(self) -> sparse.csr_array:
        """Share of each demand that crosses each arc, whatever the traffic (arcs x demands)."""
        return self._routes(self._demands.gbps)[-1].matrix

    @property
    def names(self) -> list[str]:
        """Scopes of the exit directions that count."""
        return self._names

    def _least_of_linear(self, rates: np.ndarray, start_s: np.ndarray, limit: Limit) -> Limit:
        """Least factor in one step: loads are linear in it."""
        exits = self.exit_limits(rates)
        place, instant = np.unravel_index(np.argmin(exits), exits.shape)
        least = float(exits[place, instant])
        if not least < limit.factor:
            return limit
        name = self._names[int(place)]
        found = Limit(least, float(start_s[instant]), name, factor_high=least, full=(name,))
        factor = self.linear_limits(rates)
        inner = np.where(self._inner[:, None], factor, np.inf).min(axis=1)
        arc = int(np.argmin(inner))
        if inner[arc] < self._growth.less(found.factor, _TOUCH - 1.0):
            found = found._replace(link=self._link(arc), link_factor=float(inner[arc]))
        return found

    # -- routes that do ---------------------------------------------------------------------------

    def _largest(self, rates: np.ndarray, at_most: float) -> tuple[float, float]:
        """Largest growth that fits, if it is below *at_most*, and the least that does not."""
        # No routing carries more than all exits of a direction together: often that is reached.
        bound = float(self.bound(rates[:, None])[0])
        high = min(at_most, bound)
        if not math.isfinite(high):
            return at_most if high > 0 else self._growth.least, high
        if self._promised is None:
            start = min(at_most, self._growth.less(bound, PRECISION / 2))
            return self._bracketed(rates, start, bound, PRECISION)
        if self._fits(rates, self._growth.less(high, _MARGIN)):
            return high, high
        high = self._relief.exact(rates, high)
        if not high > self._growth.least:
            return self._growth.least, self._growth.least
        if self._fits(rates, self._growth.less(high, _MARGIN)):
            return high, high
        # Links that are no exits fill before: the scheme gives way there, and exits may still hold.
        kept = self._relief.exact(rates, high, self._limits)
        kept = self._growth.less(kept, _MARGIN)
        low = kept if kept > self._growth.least and self._fits(rates, kept) else None
        return self._bracketed(rates, high, high, FINE, low)

    @property
    def _limits(self) -> np.ndarray:
        """Load that the scheme promises on every arc that has capacity."""
        assert self._promised is not None
        return np.where(self._promised > 0, self._promised, np.inf)

    def _bracketed(
        self,
        rates: np.ndarray,
        high: float,
        top: float,
        precision: float,
        low: float | None = None,
    ) -> tuple[float, float]:
        """Halve the bracket until it is as near as *precision*; a low end is known or looked for.

        *top* is known to be too much whatever the routing, and nothing is known yet of *high*.
        """
        growth = self._growth
        if low is None:
            if high > growth.least and self._fits(rates, high):
                return high, top
            # Often it is only just too much: look near it first.
            step = precision
            low = growth.less(high, step)
            while low > growth.least and not self._fits(rates, low):
                high, step = low, 4.0 * step
                low = max(growth.less(high, min(step, 1.0)), growth.least)
        while growth.apart(low, high) > precision:
            middle = (low + high) / 2.0
            low, high = (middle, high) if self._fits(rates, middle) else (low, middle)
        return low, high

    def _fits(self, rates: np.ndarray, factor: float) -> bool:
        grown = self._growth.grown(rates, factor)
        room = self._room[self._arcs] * _TOUCH
        routes = self._routes(
            grown, lambda routes: bool(np.all(routes.loads(grown)[self._arcs] <= room))
        )[-1]
        if routes.throttled is not None and routes.throttled @ grown > 1e-6 * grown.sum():
            return False  # room made by keeping traffic out is none
        loads = routes.loads(grown)
        fits = bool(np.all(loads[self._arcs] <= room))
        if fits and self._promised is not None and np.all(loads <= self._promised * _TOUCH):
            self._witnesses = [routes, *self._witnesses[: _WITNESSES - 1]]
        return fits

    def _spared(self, rates: np.ndarray, factor: float) -> bool:
        """Whether the scheme holds an instant with room to spare, which makes a good witness.

        Routes that fill exits to the brim hold no other instant: one has a little more here, one
        there. So the scheme is asked to stay half as far below the target as it can be.
        """
        if self._promised is None or not math.isfinite(factor):
            return False
        grown = self._growth.grown(rates, factor)
        scheme = _holding(
            self._strategy.scheme, self._target * (1.0 + min(self._level(grown), 1.0)) / 2.0
        )
        if scheme == self._strategy.scheme:
            return False
        # Routes that take long to find spare nothing: the instant can as well be asked about.
        routes = self._at_once(scheme, grown)
        if routes is None or not np.all(routes.loads(grown) <= self._promised * _TOUCH):
            return False
        self._witnesses = [routes, *self._witnesses[: _WITNESSES - 1]]
        return True

    def _level(self, rates: np.ndarray) -> float:
        """International traffic over the target on all exits of its direction together."""
        level = 0.0
        for way in self._ways:
            asked = float(rates[self._demands.of_class(f"international_{way}")].sum())
            total = float(self._room[self._network.exit_arcs[way]].sum())
            level = max(level, asked / total if total > 0 else float(asked > 0))
        return level

    def _at_once(self, scheme: Scheme, rates: np.ndarray) -> Routes | None:
        """Routes of all demands under a controller whose one decision leads to its goal.

        None where the scheme has no quick way to them.
        """
        strategy, demands = self._strategy, self._demands.with_gbps(rates)
        static, part = self._static_routes, strategy.steered_share
        seen, mine = steer(self._network, demands, self._steered, static, part)
        upper = scheme.quick_route(seen, mine, self._last)
        if upper is None:
            return None
        self._last = upper
        return upper.scaled(part).scattered(self._steered, len(demands)).with_fallback(static)

    @cached_property
    def _steered(self) -> np.ndarray:
        if self._strategy.perfect_information:
            return np.arange(len(self._demands))
        return self._strategy.steered(self._network, self._demands)

    def _held(self, rates: np.ndarray, factor: float, witnesses: list[Routes]) -> np.ndarray:
        """Instants that the scheme is sure to hold, as these routes of its own hold them."""
        held = np.zeros(rates.shape[1], dtype=bool)
        if self._promised is not None and math.isfinite(factor):
            grown = self._growth.grown(rates, factor)
            room = self._promised[:, None] * _TOUCH
            for routes in witnesses:
                held |= (routes.loads(grown) <= room).all(axis=0)
        return held

    def _routes(
        self, rates: np.ndarray, enough: Callable[[Routes], bool] | None = None
    ) -> list[Routes]:
        """Return the routes of the first cycle that is enough, or all up to the last one."""
        if self._promised is not None and not self._strategy.perfect_information:
            routes = self._at_once(self._strategy.scheme, rates)
            if routes is not None:
                return [routes]
        made = []
        for routes in settled(
            self._strategy, self._static, self._network, self._demands, rates, self._streams
        ):
            made.append(routes)
            if enough is not None and enough(routes):
                break
        return made

    # -- what ends growth -------------------------------------------------------------------------

    def _explained(self, rates: np.ndarray, factor: float, at_s: float) -> Limit:
        """Return the limit with the exits that are at their target, and what is full first."""
        near = self._growth.less(factor, _MARGIN)
        full = self._loads(rates, near) / np.where(self._room > 0, self._room, np.inf)
        at = full[self._arcs]
        # The first of those that are full to the tolerance: equals are told apart by the file. An
        # exit that nothing relieves goes before one that is full by choice.
        relieved = self._full(rates, factor, at)
        mine = np.isin(self._names, relieved) if relieved else np.ones(len(at), dtype=bool)
        most = np.where(mine, at, -np.inf)
        name = self._names[int(np.argmax(most >= most.max() / _TOUCH))]
        found = Limit(factor, at_s, name, full=relieved or (name,))
        inner = np.where(self._inner, full, 0.0)
        if inner.max() <= _TOUCH:
            return found
        low, high = self._growth.least, factor
        while self._growth.apart(low, high) > PRECISION:
            middle = (low + high) / 2.0
            loads = self._loads(rates, middle)
            fits = bool(np.all(loads[self._inner] <= self._room[self._inner] * _TOUCH))
            low, high = (middle, high) if fits else (low, middle)
        over = self._loads(rates, high) / np.where(self._room > 0, self._room, np.inf)
        arc = int(np.argmax(np.where(self._inner, over, 0.0)))
        return found._replace(link=self._link(arc), link_factor=low)

    def _full(self, rates: np.ndarray, factor: float, at: np.ndarray) -> tuple[str, ...]:
        """Exits that no routing relieves: those of the line that ends growth, or the full ones."""
        bound, line = self._relief.largest(rates[:, None])
        if self._growth.apart(factor, float(bound[0])) <= _TOUCH - 1.0:
            arcs = self._relief.exits_of(int(line[0]))
            return tuple(n for n, arc in zip(self._names, self._arcs, strict=True) if arc in arcs)
        return tuple(n for n, u in zip(self._names, at, strict=True) if u >= 1.0 - 2 * PRECISION)

    def _loads(self, rates: np.ndarray, factor: float) -> np.ndarray:
        grown = self._growth.grown(rates, factor)
        return self._routes(grown)[-1].loads(grown)

    def _link(self, arc: int) -> str:
        """A link in one direction, in words."""
        network = self._network
        return f"{network.links[arc // 2]} from {network.nodes[network.tail[arc]]}"


class _Once(Scheme):
    """A scheme for the static routes of one network, which are made once."""

    def __init__(self, scheme: Scheme, store: RouteStore) -> None:
        self._scheme, self._store = scheme, store
        self._made: Routes | None = None

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return the routes of the first call."""
        if self._made is None:
            self._made = self._store.route(self._scheme, network, demands, current)
        return self._made


def _holding(scheme: Any, target: float) -> Scheme:
    """Return the scheme, asked to hold *target* where it has a cap to set."""
    if any(field.name == "utilisation_cap" for field in fields(scheme)):
        return replace(scheme, utilisation_cap=target)
    return scheme
