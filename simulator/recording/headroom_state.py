"""Headroom in one state of a network: by how much traffic could grow while it stands like this."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simulator.control.settled import settled
from simulator.control.steering import steer
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.recording.headroom_linear import LeastOfLinear
from simulator.recording.headroom_plan import TOUCH, Limit, Once, Plan, holding
from simulator.routing.scheme import Scheme

PRECISION = 1e-3
WITNESSES, MOST_SHARED = 8, 3
_PATIENCE = 4
"""Instants in a row without room to spare, after which none is looked for."""
_SPARE = 1.0 - 2.0 * PRECISION
"""Part of the room that routes of another state may fill to answer for this one: so far below it,
asking the scheme would find that it holds, whatever the precision of the search."""


class _Instants(NamedTuple):
    """Instants at which the network stood in one state.

    ``holds`` (instants,) is a factor that routes of another state are known to hold there.
    """

    rates_gbps: np.ndarray
    start_s: np.ndarray
    holds: np.ndarray

    @classmethod
    def joined(cls, parts: list[_Instants]) -> _Instants:
        return cls(*(np.concatenate(column, axis=-1) for column in zip(*parts, strict=True)))


class Question:
    """How much a strategy can grow on a network in one state."""

    def __init__(self, plan: Plan, network: Network) -> None:
        self.network, self._plan = network, plan
        static, strategy = plan.static_scheme, plan.strategy
        self._static = static if strategy.perfect_information else Once(static, plan.store)
        capacity = network.capacity_gbps * network.up
        self._room = capacity.copy()  # links that are no exit may be full
        self._room[plan.arcs] *= plan.target
        promised = strategy.scheme.limits(network, plan.target) if plan.plain else None
        if promised is not None and np.any(promised[plan.arcs] > plan.target):
            promised = None
        self._promised = None if promised is None else promised * capacity * TOUCH
        self._witnesses: list[Routes] = []
        self._last: Routes | None = None  # where to start from
        self._upper: tuple[Routes, Routes] | None = None
        self._seen: list[_Instants] = []
        self._linear: LeastOfLinear | None = None
        self.hardest = 0.0

    # -- the least of many instants ---------------------------------------------------------------

    def see(self, rates: np.ndarray, start_s: np.ndarray, shared: Sequence[Routes] = ()) -> None:
        """Take note of instants (demands x instants).

        *shared* are steered routes of other states, which may hold these instants as well.
        """
        self.hardest = max(self.hardest, float(self._pressure(rates).max(initial=0.0)))
        if not len(self.network.exits):
            return
        if self._plan.linear:
            if self._linear is None:
                self._linear = LeastOfLinear(self._plan, self._room)
            routes = self._routes(self._plan.demands.gbps)[-1]
            self._linear.see(routes, rates, start_s)
        else:
            self._seen.append(_Instants(rates, start_s, self._held_by_others(rates, shared)))

    def least(self, limit: Limit, shared: list[Routes]) -> Limit:
        """Return the limit, or a lower one that some of the instants put; forget them.

        Parameters
        ----------
        shared : list of Routes
            Steered routes of this and other states, the latest first: they may answer for these
            instants, and new ones join them.
        """
        seen, linear, self.hardest = self._seen, self._linear, 0.0
        self._seen, self._linear = [], None
        if not len(self.network.exits):
            return Limit(math.nan)
        if linear is not None:
            return linear.limit(limit)
        return self._least_of(_Instants.joined(seen), limit, shared)

    def _least_of(self, seen: _Instants, limit: Limit, shared: list[Routes]) -> Limit:
        rates, start_s = seen.rates_gbps, seen.start_s
        held = (seen.holds >= limit.factor) & math.isfinite(limit.factor)
        held |= self._held(rates, limit.factor, self._witnesses)
        if held.all():
            return limit
        in_vain, before = 0, list(self._witnesses)
        for instant in np.argsort(-self._pressure(rates), kind="stable"):
            if held[instant]:
                continue
            known = list(self._witnesses)
            spared = in_vain < _PATIENCE and self._spared(rates[:, instant], limit.factor)
            in_vain = 0 if spared else in_vain + 1
            if not spared:
                factor = self._factor(rates[:, instant], limit.factor)
                if factor < limit.factor:
                    limit = self._explained(rates[:, instant], factor, float(start_s[instant]))
            new = [each for each in self._witnesses if each not in known]
            still = np.flatnonzero(~held)
            held[still] = self._held(rates[:, still], limit.factor, new)
        self._share([each for each in self._witnesses if each not in before], shared)
        return limit

    def _pressure(self, rates: np.ndarray) -> np.ndarray:
        """International traffic over the target on all exits of its direction together."""
        worst = np.zeros(rates.shape[1])
        for way, mine in self._plan.by_direction.items():
            asked = mine @ rates
            total = float(self._room[self.network.exit_arcs[way]].sum())
            with np.errstate(divide="ignore", invalid="ignore"):
                worst = np.maximum(worst, np.where(asked > 0, asked / total, 0.0))
        return worst

    # -- routes that answer for many instants -----------------------------------------------------

    @property
    def may_share(self) -> bool:
        """Whether steered routes of one state may answer for another.

        Only where the scheme promises to hold what any routes would.
        """
        strategy = self._plan.strategy
        exact = strategy.scheme.over_all_paths and not strategy.perfect_information
        return self._promised is not None and exact

    def example(self) -> Routes | None:
        """Return steered routes that hold the hardest instant noted, with room to spare."""
        rates = np.concatenate([each.rates_gbps for each in self._seen], axis=1)
        hardest = rates[:, int(np.argmax(self._pressure(rates)))]
        asked, found = Question(self._plan, self.network), list[Routes]()
        if asked._spared(hardest, asked._factor(hardest, math.inf)):
            asked._share(asked._witnesses[:1], found)
        return found[0] if found else None

    def _share(self, witnesses: list[Routes], shared: list[Routes]) -> None:
        """Let the steered part of a new witness join those that answer for other states.

        Only where it carries all it may, so that static routes carry what is left.
        """
        if not self.may_share or self._upper is None:
            return
        whole, upper = self._upper
        if any(each is whole for each in witnesses):
            served = upper.served + self._plan.below
            if np.all(np.abs(served - 1.0) <= 1e-12) and upper.throttled is None:
                shared.insert(0, upper)
                del shared[MOST_SHARED:]

    def _held_by_others(self, rates: np.ndarray, shared: Sequence[Routes]) -> np.ndarray:
        """Return the largest factor that steered routes of another state hold, with some room.

        Of these routes demands leave a dead path for the static routes. What carries all traffic
        within the promise is proof that the scheme does: so high, it need not be asked.
        """
        held = np.full(rates.shape[1], -np.inf)
        if self._promised is None or not self.may_share or not shared:
            return held
        plan, room = self._plan, (self._promised * _SPARE)[:, None]
        static = self._static.route(self.network, plan.demands)
        if not self._serves_all_it_can(static):
            return held
        for upper in shared:
            here, below = self._divided(upper)
            fixed, growing = (
                upper.loads(mine * here) + static.loads(mine * below)
                for mine in (np.where(plan.grows[:, None] == way, rates, 0.0) for way in (0, 1))
            )
            left = room - fixed
            factor = np.full_like(left, np.inf)
            np.divide(left, growing, out=factor, where=growing > 0)
            factor[left < 0] = -np.inf
            held = np.maximum(held, factor.min(axis=0))
        return held

    def _divided(self, upper: Routes) -> tuple[np.ndarray, np.ndarray]:
        """Return ones where a demand follows *upper*, and the shares that static routes carry."""
        dead = ~self.network.up if self._promised is None else self._promised == 0
        alive = (dead.astype(float) @ upper.matrix) == 0
        below = np.where(alive, self._plan.below, 1.0)
        return alive.astype(float)[:, None], below[:, None]

    def _serves_all_it_can(self, static: Routes) -> bool:
        """Whether static routes lack a path only where an end of the demand is cut off."""
        network, demands = self.network, self._plan.demands
        lacking = np.flatnonzero(static.served < 1.0 - 1e-9)
        if not len(lacking):
            return True
        live = self._promised > 0 if self._promised is not None else network.up
        leaves, enters = np.zeros((2, len(network.nodes)), dtype=bool)
        leaves[network.tail[live]] = True
        enters[network.head[live]] = True
        return not np.any(leaves[demands.source[lacking]] & enters[demands.target[lacking]])

    def _spared(self, rates: np.ndarray, factor: float) -> bool:
        """Whether the scheme holds an instant with room to spare, which makes a good witness.

        Routes that fill exits to the brim hold no other instant: one has a little more here, one
        there. So the scheme is asked to stay half as far below the target as it can be.
        """
        if self._promised is None or not math.isfinite(factor) or factor <= 0:
            return False
        plan = self._plan
        level = float(self._pressure(rates[:, None])[0]) * factor
        scheme = holding(plan.strategy.scheme, plan.target * (1.0 + min(level, 1.0)) / 2.0)
        if scheme == plan.strategy.scheme:
            return False
        grown = plan.grown(rates, factor)
        # Routes that take long to find spare nothing: the instant can as well be asked about.
        routes = self._at_once(scheme, grown)
        if routes is None or not np.all(routes.loads(grown) <= self._promised):
            return False
        self._witnesses = [routes, *self._witnesses[: WITNESSES - 1]]
        return True

    def _held(self, rates: np.ndarray, factor: float, witnesses: list[Routes]) -> np.ndarray:
        """Instants that the scheme is sure to hold, as these routes of its own hold them."""
        held = np.zeros(rates.shape[1], dtype=bool)
        if self._promised is not None and math.isfinite(factor) and witnesses:
            grown = self._plan.grown(rates, factor)
            for routes in witnesses:
                held |= (routes.loads(grown) <= self._promised[:, None]).all(axis=0)
        return held

    # -- routes that look at demand ---------------------------------------------------------------

    def _factor(self, rates: np.ndarray, at_most: float) -> float:
        """Largest factor that fits, if it is below *at_most*."""
        # No routing carries more than all exits of a direction together: often that is reached.
        pressure = float(self._pressure(rates[:, None])[0])
        if pressure == 0:
            return at_most
        high = min(at_most, (1.0 - PRECISION / 2) / pressure)
        if high > 0 and self._fits(rates, high):
            return high
        # Often it is only just too much: look near it first.
        step = PRECISION
        low = high * (1.0 - step)
        while low > 0 and not self._fits(rates, low):
            high, step = low, 4.0 * step
            low = max(high * (1.0 - step), 0.0)
        while high - low > PRECISION * high and high > 1e-6:
            middle = (low + high) / 2.0
            low, high = (middle, high) if self._fits(rates, middle) else (low, middle)
        return low

    def _fits(self, rates: np.ndarray, factor: float) -> bool:
        arcs, grown = self._plan.arcs, self._plan.grown(rates, factor)
        room = self._room[arcs] * TOUCH
        routes = self._routes(
            grown, lambda routes: bool(np.all(routes.loads(grown)[arcs] <= room))
        )[-1]
        if routes.throttled is not None and routes.throttled @ grown > 1e-6 * grown.sum():
            return False  # room made by keeping traffic out is none
        loads = routes.loads(grown)
        fits = bool(np.all(loads[arcs] <= room))
        if fits and self._promised is not None and np.all(loads <= self._promised):
            self._witnesses = [routes, *self._witnesses[: WITNESSES - 1]]
        return fits

    def _at_once(self, scheme: Scheme, rates: np.ndarray) -> Routes | None:
        """Routes of all demands under a controller whose one decision leads to its goal.

        None where the scheme has no quick way to them.
        """
        plan, demands = self._plan, self._plan.demands.with_gbps(rates)
        static = self._static.route(self.network, plan.demands)
        part = plan.strategy.steered_share
        seen, mine = steer(self.network, demands, plan.steered, static, part)
        steered = scheme.quick_route(seen, mine, self._last)
        if steered is None:
            return None
        self._last = steered
        upper = steered.scaled(part).scattered(plan.steered, len(demands))
        routes = upper.with_fallback(static)
        self._upper = routes, replace(upper, warm_start=None)
        return routes

    def _routes(
        self, rates: np.ndarray, enough: Callable[[Routes], bool] | None = None
    ) -> list[Routes]:
        """Return the routes of the first cycle that is enough, or all up to the last one."""
        strategy, plan = self._plan.strategy, self._plan
        if self._promised is not None and not strategy.perfect_information:
            routes = self._at_once(strategy.scheme, rates)
            if routes is not None:
                return [routes]
        made = []
        for routes in settled(
            strategy, self._static, self.network, plan.demands, rates, plan.streams
        ):
            made.append(routes)
            if enough is not None and enough(routes):
                break
        return made

    def _explained(self, rates: np.ndarray, factor: float, at_s: float) -> Limit:
        """Return the limit with the exit that is at its target, and the link that is full first."""
        plan, room = self._plan, self._room
        full = self._loads(rates, factor) / np.where(room > 0, room, np.inf)
        found = Limit(factor, at_s, plan.exit_name(int(np.argmax(full[plan.arcs]))))
        inner = np.where(plan.inner, full, 0.0)
        arc = int(np.argmax(inner))
        if inner[arc] <= TOUCH:
            return found
        low, high = 0.0, factor
        while high - low > PRECISION * high and high > 1e-6:
            middle = (low + high) / 2.0
            loads = self._loads(rates, middle)
            fits = bool(np.all(loads[plan.inner] <= room[plan.inner] * TOUCH))
            low, high = (middle, high) if fits else (low, middle)
        over = self._loads(rates, high) / np.where(room > 0, room, np.inf)
        arc = int(np.argmax(np.where(plan.inner, over, 0.0)))
        return found._replace(link=plan.arc_name(arc), link_factor=low)

    def _loads(self, rates: np.ndarray, factor: float) -> np.ndarray:
        grown = self._plan.grown(rates, factor)
        return self._routes(grown)[-1].loads(grown)
