"""Headroom value: what a Gbps does to the headroom of one strategy."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from simulator.control.steering import steer
from simulator.control.strategy import Strategy
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.schedule import runs
from simulator.model.streams import Streams
from simulator.optimise.least_use import least_use
from simulator.paths.candidates import Paths
from simulator.recording.growth import Uniform
from simulator.recording.limit import Limit
from simulator.recording.question import Question
from simulator.recording.relief import Relief
from simulator.recording.slopes import (
    FINE_STEP,
    HAIR,
    NONE,
    UNKNOWN,
    Slope,
    added,
    difference,
    of_least,
)

_EQUAL, _THETA = 1e-9, 1e-5


class HeadroomPart(ABC):
    """Some of what headroom is the least of."""

    factor: float
    exact: bool = True

    @abstractmethod
    def slope(self, gbps: np.ndarray) -> Slope:
        """Return the change of the factor per Gbps, where an installed Gbps adds *gbps*."""


class FixedPart(HeadroomPart):
    """Exits under routes that do not follow traffic: the factor is linear in the room of each.

    Parameters
    ----------
    network : Network
        In the one state in which it is asked about.
    rates : ndarray, shape (demands, instants)
    followed : sequence of Routes
        Those of every instant.
    ways : sequence of str
        Directions of the exits that count.
    """

    def __init__(
        self,
        network: Network,
        demands: Demands,
        rates: np.ndarray,
        followed: Sequence[Routes],
        target: float,
        ways: Sequence[str],
    ) -> None:
        self._network, self._target = network, target
        self._growth = Uniform(demands.of_class(INTERNATIONAL))
        self._arcs = np.concatenate([network.exit_arcs[way] for way in ways])
        self._loads = np.zeros((2, len(self._arcs), rates.shape[1]))
        for routes, at in runs(list(followed)):
            self._loads[:, :, at] = self._growth.by_group(rates[:, at], routes.loads)[:, self._arcs]
        self.factor = self._at(network)

    def _at(self, network: Network) -> float:
        room = self._target * (network.capacity_gbps * network.up)[self._arcs]
        wide = np.broadcast_to(room[:, None], self._loads.shape[1:])
        return float(self._growth.largest(self._loads, wide).min(initial=math.inf))

    def slope(self, gbps: np.ndarray) -> Slope:
        """Return the change of the least factor of all exits."""
        gbps = added(self._network, gbps)
        if not np.any(gbps[self._arcs] > 0):
            return NONE
        return difference(self._at, self._network, gbps, HAIR)


class SteeredPart(HeadroomPart):
    """A strategy that moves traffic, in one state of the network.

    Parameters
    ----------
    rates : ndarray, shape (demands, instants)
    static : Routes
        What is not steered follows them.
    ways : sequence of str
        Directions of the exits that count.
    """

    def __init__(
        self,
        strategy: Strategy,
        network: Network,
        demands: Demands,
        rates: np.ndarray,
        static: Routes,
        target: float,
        streams: Streams,
        ways: Sequence[str],
    ) -> None:
        self._strategy, self._network, self._demands = strategy, network, demands
        self._static, self._target, self._streams = static, target, streams
        self._growth, self._ways = Uniform(demands.of_class(INTERNATIONAL)), ways
        question = self._question(network)
        start_s = np.arange(rates.shape[1], dtype=float)
        limit = question.least(rates, start_s, Limit(math.inf))
        self.exact, self.factor = question.exact, limit.factor
        at = 0 if math.isnan(limit.at_s) else int(limit.at_s)
        self._rates, self._start_s = rates[:, at : at + 1], np.zeros(1)
        self._price = self._prices() if self.exact and 0 < self.factor < math.inf else None

    def _question(self, network: Network) -> Question:
        return Question(
            self._strategy, network, self._demands, self._target, self._streams, self._growth,
            self._ways,
        )  # fmt: skip

    def _at(self, network: Network) -> float:
        if network is self._network:
            return self.factor
        if self._price is not None:  # the end is a cut of exits: no routes need be made
            relief = self._relief(network)
            most = float(relief.largest(self._rates)[0][0])
            return relief.exact(self._rates[:, 0], most)
        question = self._question(network)
        return question.least(self._rates, self._start_s, Limit(math.inf)).factor

    def slope(self, gbps: np.ndarray) -> Slope:
        """Return the change of the factor; unknown where it is only found by halving."""
        if not self.exact:
            return UNKNOWN
        gbps = added(self._network, gbps)
        exits = np.concatenate([self._network.exit_arcs[way] for way in self._ways])
        if self._price is not None and not np.any(gbps[exits] > 0):
            return NONE  # the cut that ends growth is of exits alone
        found = difference(self._at, self._network, gbps, FINE_STEP)
        return found if self._price is None else found._replace(middle=float(self._price @ gbps))

    def _relief(self, network: Network) -> Relief:
        steered, part, paths = self._moved()
        return Relief(
            network, self._demands, self._growth, self._static, steered, part,
            self._room(network), self._ways, paths,
        )  # fmt: skip

    def _moved(self) -> tuple[np.ndarray, float, Paths | None]:
        """Demands that are steered, which part of them, and the only paths they may take."""
        strategy, demands = self._strategy, self._demands
        steered, part = np.arange(len(demands)), 1.0
        if not strategy.perfect_information:
            steered, part = strategy.steered(self._network, demands), strategy.steered_share
        paths = strategy.scheme.only_paths(self._network, demands.take(steered))
        return steered, part, paths

    def _room(self, network: Network) -> np.ndarray:
        """Load allowed on every exit that counts; infinite elsewhere."""
        room = np.full(len(network.tail), np.inf)
        exits = np.concatenate([network.exit_arcs[way] for way in self._ways])
        room[exits] = self._target * (network.capacity_gbps * network.up)[exits]
        return room

    def _prices(self) -> np.ndarray | None:
        """Factor per Gbps of every arc, by the line that ends growth; None where exits do not."""
        steered, part, paths = self._moved()
        grown = self._demands.with_gbps(self._growth.grown(self._rates[:, 0], self.factor))
        seen, mine = steer(self._network, grown, steered, self._static, part)
        line = least_use(seen, mine, self._room(self._network), paths)
        if not abs(line.theta - 1.0) <= _THETA:
            return None
        rates = np.where(self._growth.group == 1, self._rates[:, 0], 0.0)
        rest = rates.copy()
        rest[steered] *= 1.0 - part
        cost = line.length @ (rates[steered] * part) + line.price @ self._static.loads(rest)
        return np.asarray(self._target * line.price / cost) if cost > 0 else None


def headroom_slope(parts: Sequence[HeadroomPart], gbps: np.ndarray) -> Slope:
    """Return the change of the least factor of all parts."""
    least = min((part.factor for part in parts), default=math.nan)
    if not math.isfinite(least) or not all(part.exact for part in parts):
        return UNKNOWN
    binding = [part for part in parts if part.factor <= least * (1.0 + _EQUAL)]
    return of_least([part.slope(gbps) for part in binding])
