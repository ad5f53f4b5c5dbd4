"""Capacity value: what a Gbps does to the fullest link and the latency of one strategy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from simulator.control.settled import installs_what_it_decides, settled
from simulator.control.steering import steer
from simulator.control.strategy import Strategy
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.optimise.marginal import Marginal
from simulator.recording.slopes import (
    FINE_STEP,
    HAIR,
    NONE,
    STEP,
    UNKNOWN,
    Slope,
    added,
    difference,
    of_largest,
    of_mean,
    step_gbps,
    widened,
)
from simulator.routing.scheme import Scheme

_EQUAL, _SAME = 1e-7, 1e-6
_MOST_PEAKS = 4
"""Moments that share the highest utilisation, as under a cap, of which slopes are taken."""
_THETA = 1e-7
"""A utilisation this near to the optimum of the program is that optimum."""


class Fixed(Scheme):
    """A scheme whose routes were made before."""

    def __init__(self, routes: Routes) -> None:
        self._made = routes

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return them."""
        return self._made


class Situation(NamedTuple):
    """A moment that a strategy is asked about.

    Attributes
    ----------
    network : Network
    rates : ndarray, shape (demands,)
    below : Routes
        What is not steered follows them: they stay as planned, and inbound traffic where it landed.
    """

    network: Network
    rates: np.ndarray
    below: Routes


class CapacityValue:
    """What a Gbps does to one strategy, with the traffic known and time to act.

    Parameters
    ----------
    strategy : Strategy
        Without the traffic that it does not route itself.
    demands : Demands
        Base demands.
    """

    def __init__(self, strategy: Strategy, demands: Demands, streams: Streams) -> None:
        self._strategy, self._demands, self._streams = strategy, demands, streams
        self._known: dict[int, tuple[Situation, Marginal | None]] = {}
        self._mlus: dict[int, tuple[Situation, float]] = {}
        self._at_once = installs_what_it_decides(strategy) and not strategy.is_static

    @property
    def follows(self) -> bool:
        """Whether routes follow the traffic."""
        return not self._strategy.is_static

    def has_program(self, situation: Situation) -> bool:
        """Whether prices of a program say what capacity is worth."""
        return self._marginal(situation) is not None

    # -- the figures ------------------------------------------------------------------------------

    def routes(self, situation: Situation, network: Network) -> Routes:
        """Return the routes of a moment, on a network of other capacities."""
        if not self.follows:
            return situation.below
        if self._at_once:
            seen, mine, steered, share = self._seen(situation, network)
            upper = self._strategy.scheme.route(seen, mine).scaled(share)
            return upper.scattered(steered, len(self._demands)).with_fallback(situation.below)
        static = Fixed(situation.below)
        *_, last = settled(
            self._strategy, static, network, self._demands, situation.rates, self._streams
        )
        return last

    def mlu(self, situation: Situation, network: Network | None = None) -> float:
        """Return the utilisation of the fullest link, by what is asked for."""
        network = situation.network if network is None else network
        load = self.routes(situation, network).loads(situation.rates)
        able = network.up & (network.capacity_gbps > 0)
        return float((load[able] / network.capacity_gbps[able]).max(initial=0.0))

    def gbps_ms(self, situation: Situation, network: Network) -> float:
        """Return the sum of flow times propagation delay."""
        load = self.routes(situation, network).loads(situation.rates)
        return float(load @ network.delay_ms)

    # -- their slopes -----------------------------------------------------------------------------

    def mlu_slope(self, peaks: Sequence[Situation], gbps: np.ndarray) -> Slope:
        """Return the change of the highest utilisation, which all *peaks* share."""
        return of_largest([self._mlu_slope(each, gbps) for each in peaks])

    def latency_slope(self, sample: Sequence[Situation], gbps: np.ndarray) -> Slope:
        """Return the change of the mean latency in ms, weighted by traffic."""
        if not self.follows:
            return NONE
        total = float(sum(each.rates.sum() for each in sample))
        return of_mean([self._latency_slope(each, gbps) for each in sample], total or 1.0)

    def _mlu_slope(self, situation: Situation, gbps: np.ndarray) -> Slope:
        gbps = added(situation.network, gbps)
        prices = self._marginal(situation)
        held = prices is not None and prices.theta >= self._mlu_here(situation) * (1.0 - _THETA)
        if held:
            return self._by_prices(situation, gbps)[0]
        if prices is not None and not np.any(gbps[prices.full | self._fullest(situation)] > 0):
            return NONE
        step = HAIR if not self.follows else STEP if prices is None else FINE_STEP
        figure = partial(self.mlu, situation)
        return difference(figure, situation.network, gbps, step, inverse=True)

    def _fullest(self, situation: Situation) -> np.ndarray:
        """Arcs that are as full as the fullest."""
        network = situation.network
        load = self.routes(situation, network).loads(situation.rates)
        least = self._mlu_here(situation) * (1.0 - _SAME) * network.capacity_gbps
        return np.asarray(network.up & (network.capacity_gbps > 0) & (load >= least))

    def _mlu_here(self, situation: Situation) -> float:
        """Utilisation at a moment, worked out once."""
        if id(situation) not in self._mlus:
            self._mlus[id(situation)] = situation, self.mlu(situation)
        return self._mlus[id(situation)][1]

    def _latency_slope(self, situation: Situation, gbps: np.ndarray) -> Slope:
        gbps = added(situation.network, gbps)
        if self._marginal(situation) is not None:
            return self._by_prices(situation, gbps)[1]
        return difference(partial(self.gbps_ms, situation), situation.network, gbps, STEP)

    # -- prices of a program ----------------------------------------------------------------------

    def _seen(
        self, situation: Situation, network: Network
    ) -> tuple[Network, Demands, np.ndarray, float]:
        """The network and the demands as the scheme sees them, and which and how much of them."""
        strategy, demands = self._strategy, self._demands.with_gbps(situation.rates)
        steered, share = np.arange(len(demands)), 1.0
        if not strategy.perfect_information:
            steered, share = strategy.steered(network, self._demands), strategy.steered_share
        demands = replace(demands, window_gbps=None)
        return *steer(network, demands, steered, situation.below, share), steered, share

    def _marginal(self, situation: Situation) -> Marginal | None:
        """Prices at a moment, worked out once."""
        if not self._at_once:
            return None
        key = id(situation)
        if key not in self._known:
            seen, mine, *_ = self._seen(situation, situation.network)
            self._known[key] = situation, self._strategy.scheme.marginal(seen, mine)
        return self._known[key][1]

    def _by_prices(self, situation: Situation, gbps: np.ndarray) -> tuple[Slope, Slope]:
        """Slopes of the least utilisation and of flow times delay."""
        here = self._marginal(situation)
        assert here is not None, "prices were asked for where there is no program"
        middle = here.theta_per_gbps @ gbps, here.gbps_ms_per_gbps @ gbps
        if not np.any(gbps[here.full] > 0):
            return NONE, NONE
        if here.theta_unique and here.latency_unique:
            return Slope(*[float(middle[0])] * 3), Slope(*[float(middle[1])] * 3)
        above, below = (self._prices_beside(situation, gbps, sign) for sign in (1.0, -1.0))
        theta, delay = (
            UNKNOWN._replace(middle=float(m), more=u, less=d)
            for m, u, d in zip(middle, above, below, strict=True)
        )
        return theta, delay

    def _prices_beside(
        self, situation: Situation, gbps: np.ndarray, sign: float
    ) -> tuple[float, float]:
        """Both slopes a hair's breadth to one side, where prices are those of that side alone."""
        step = sign * step_gbps(situation.network, gbps, HAIR)
        seen, mine, *_ = self._seen(situation, widened(situation.network, gbps, step))
        found = self._strategy.scheme.marginal(seen, mine)
        if found is None:
            return np.nan, np.nan
        return float(found.theta_per_gbps @ gbps), float(found.gbps_ms_per_gbps @ gbps)


def highest(value: CapacityValue, situations: Sequence[Situation]) -> tuple[float, list[Situation]]:
    """Return the highest utilisation of some moments, and those that share it, busiest first."""
    each = [value.mlu(situation) for situation in situations]
    most = max(each)
    found = [s for s, mlu in zip(situations, each, strict=True) if mlu >= most * (1.0 - _EQUAL)]
    distinct: list[Situation] = []
    for one in found:
        if not any(one.network is s.network and np.array_equal(one.rates, s.rates)
                   for s in distinct):  # fmt: skip
            distinct.append(one)
    busiest = sorted(distinct, key=lambda one: -float(one.rates.sum()))
    return most, busiest[:_MOST_PEAKS]
