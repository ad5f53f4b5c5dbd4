"""Warm: a scenario kept in memory, with all that answers have in common worked out once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from simulator.engines.case import Case
from simulator.explore.asked import Asked, settings_changes, without_noise
from simulator.jobs import silent
from simulator.model.faults import Fault
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.scenario.scenario import Scenario
from simulator.simulation.inbound_world import InboundWorld
from simulator.simulation.traffic_source import Source
from simulator.study.busiest import Moment, moments
from simulator.study.failure_cases import FailureCase, States
from simulator.study.failure_play import Player

MOST_VARIANTS, MOST_ANSWERS, MOST_SHARED = 12, 4000, 4
_ALL_S = 1e12
"""How far back traffic is remembered: any hour may be asked for."""
_ROUNDING = 1e-9
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Answered:
    """What a state does to a strategy at an instant.

    Attributes
    ----------
    load_gbps, capacity_gbps : ndarray, shape (arcs,)
        What is asked for, before any is lost on full links; capacity that stands, 0 for down.
    offered_gbps, lost_gbps : float
        Of all traffic; lost after the strategy has answered.
    latency_ms, abroad_latency_ms : float
        Mean propagation of what is delivered, of all and of international traffic; NaN for none.
    cut_off_gbps : float
        Traffic without a way, whatever the routes.
    cut_off : tuple of (str, float)
        Places whose traffic has no way, and which part of it, the largest first.
    work_s : float
        How long it took to work out.
    """

    load_gbps: np.ndarray
    capacity_gbps: np.ndarray
    offered_gbps: float
    lost_gbps: float
    latency_ms: float
    abroad_latency_ms: float
    cut_off_gbps: float
    cut_off: tuple[tuple[str, float], ...]
    work_s: float


class Kept(Generic[T]):
    """The last values that were asked for, by key."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, OrderedDict[Hashable, T]()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of a key, made if it is not there."""
        if key not in self._held:
            self._held[key] = make()
            if len(self._held) > self._most:
                self._held.popitem(last=False)
        self._held.move_to_end(key)
        return self._held[key]


class Shared:
    """What variants have in common that differ in capacities, target and schemes alone."""

    def __init__(self) -> None:
        self._sources, self._worlds = Kept[Source](MOST_SHARED), Kept[InboundWorld](MOST_SHARED)

    def source(self, case: Case) -> Source:
        """Return the traffic of a case; it follows from the base demands, without noise."""
        return self._sources.get(
            case.demands.gbps.tobytes(),
            lambda: Source(case.series, Streams(case.seed, 0), case.steps, case.step_s, _ALL_S),
        )

    def inbound(self, case: Case) -> InboundWorld | None:
        """Return where neighbours hand over; it follows from ways, and not from how wide they are.

        An exit without capacity is no way.
        """
        if case.inbound is None:
            return None
        network = case.network
        ways = (network.up, network.capacity_gbps > 0, network.metric, network.delay_ms)
        key = tuple(each.tobytes() for each in ways)
        return self._worlds.get(key, lambda: _inbound(case))


def _inbound(case: Case) -> InboundWorld:
    world = case.inbound_world(Streams(case.seed, 0))
    assert world is not None
    return world


class Variant:
    """A scenario with changed capacities, traffic, target or schemes; nothing has failed yet."""

    def __init__(self, scenario: Scenario, shared: Shared) -> None:
        self.case: Case = scenario.case
        self._shared = shared
        self._moments: dict[float, Moment] = {}
        self._players: dict[tuple[str, float], Player] = {}

    def moment(self, at_h: float) -> Moment:
        """Return the traffic and the network of an instant, with what the scenario's events do."""
        if at_h not in self._moments:
            if self.case.events:  # they are the same for all strategies
                self._moments[at_h] = next(iter(moments(self.case, at_h, silent).values()))
            else:
                self._moments[at_h] = Moment(at_h, self.case.network, self._rates(at_h))
        return self._moments[at_h]

    def player(self, strategy: str, at_h: float) -> Player:
        """Return a strategy at an instant."""
        key = strategy, at_h
        if key not in self._players:
            moment = self.moment(at_h)
            self._players[key] = Player(
                self.case, strategy, moment, inbound=self._shared.inbound(self.case)
            )
        return self._players[key]

    def _rates(self, at_h: float) -> np.ndarray:
        step = min(int(3600.0 * at_h / self.case.step_s + _ROUNDING), self.case.steps - 1)
        return self._shared.source(self.case).rates(step).copy()


class Explorer:
    """Answers questions about a scenario, in the world as stated and without noise.

    Parameters
    ----------
    scenario : Scenario
        As stated.

    Attributes
    ----------
    scenario : Scenario
    calm : Scenario
        The same without what is random in its traffic.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.calm = scenario.with_changes(without_noise(scenario))
        self._variants, self._answers = Kept[Variant](MOST_VARIANTS), Kept[Answered](MOST_ANSWERS)
        self._lock, self._shared = threading.Lock(), Shared()

    def answer(self, asked: Asked) -> Answered:
        """Return what a state does to a strategy; a state that was asked before is not worked out.

        Raises
        ------
        InputError
            The changes do not make a sound scenario.
        """
        changes = settings_changes(asked, self.scenario)
        of = tuple((key, repr(value)) for key, value in changes.items())
        key = of, asked.faults, asked.strategy, asked.at_h
        with self._lock:
            return self._answers.get(key, lambda: self._work_out(of, changes, asked))

    def _work_out(self, of: Hashable, changes: dict[str, Any], asked: Asked) -> Answered:
        began = time.perf_counter()
        variant = self._variants.get(of, lambda: self._variant(changes))
        return answered(variant, asked.strategy, asked.at_h, asked.faults, began)

    def _variant(self, changes: dict[str, Any]) -> Variant:
        scenario = self.calm.with_changes(changes) if changes else self.calm
        return Variant(scenario, self._shared)

    def traffic_gbps(self, at_h: float) -> float:
        """Return all traffic of the scenario as stated at an instant."""
        with self._lock:
            variant = self._variants.get((), lambda: self._variant({}))
            return float(variant.moment(at_h).rates.sum())


def answered(
    variant: Variant, strategy: str, at_h: float, faults: tuple[Fault, ...], began: float
) -> Answered:
    """Let a strategy meet faults at an instant, through the code of the study of failures."""
    player, moment = variant.player(strategy, at_h), variant.moment(at_h)
    states = States.of(moment.network, [FailureCase("", faults)])
    place = int(states.of_case[0])
    load, lost, latency_ms, abroad_ms = player.row(faults if place else ())
    screened = player.by_changes(states).whole
    cut = screened.cut_demand[screened.cut_case == place]
    return Answered(
        load, states.capacity_gbps[place], float(moment.rates.sum()), float(lost.sum()),
        latency_ms, abroad_ms, float(moment.rates[cut].sum()),
        _cut_places(variant.case, moment, cut), time.perf_counter() - began,
    )  # fmt: skip


def _cut_places(case: Case, moment: Moment, cut: np.ndarray) -> tuple[tuple[str, float], ...]:
    """Return the places whose traffic has no way, and which part of it, the largest first."""
    if not len(cut):
        return ()
    every = _by_place(case, moment.rates, np.arange(len(moment.rates)))
    part = _by_place(case, moment.rates, cut) / np.where(every > 0, every, 1.0)
    order = np.argsort(-part, kind="stable")[: int((part > _ROUNDING).sum())]
    return tuple((_city(moment.network, int(node)), float(part[node])) for node in order)


def _by_place(case: Case, rates: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return the traffic from and to every node, of some demands."""
    ends, count = (case.demands.source[which], case.demands.target[which]), len(case.network.nodes)
    return np.asarray(sum(np.bincount(end, rates[which], count) for end in ends))


def _city(network: Network, node: int) -> str:
    name = network.nodes[node]
    return str(network.graph.nodes[name].get("city") or name)
