"""Settled routes: where a strategy leads traffic that stands still, once it has had time to act.

The control of the strategy itself is asked, with its coverage, pieces, caps on moves, hysteresis
and announcements; only what comes of time is taken away: delays, noise and lost reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from simulator.control.decision_log import DecisionLog
from simulator.control.process import Context, control
from simulator.control.route_table import RouteTable
from simulator.control.strategy import Strategy
from simulator.model.demands import Demands
from simulator.model.faults import Fault
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.routing.scheme import Scheme
from simulator.simulation.clock import Clock, Priority, micros
from simulator.simulation.inbound_world import InboundWorld
from simulator.simulation.network_state import NetworkState
from simulator.simulation.route_store import RouteStore
from simulator.simulation.scene import Scene
from simulator.simulation.traffic_source import Still

MOST_CYCLES = 50
"""Cycles that a controller has to act in."""
_PATIENT = ("max_moves", "max_moved_gbps", "hysteresis", "announcements")
"""Settings that can keep a controller from reaching its goal in one cycle."""
_INSTANT = {
    "noise_sigma": 0.0,
    "telemetry_loss": 0.0,
    "window_s": 0.0,
    "staleness_s": 0.0,
    "compute_s": 0.0,
    "install_s": 0.0,
    "install_sigma": 0.0,
    "rule_ms": 0.0,
    "detect_s": 0.0,
    "converge_s": 0.0,
    "local_repair_s": None,
    "update": "instant",
}


def acts_at_once(strategy: Strategy) -> bool:
    """Whether one decision leads to the goal: nothing limits what a cycle can do."""
    return not any(getattr(strategy.control, name, None) is not None for name in _PATIENT)


def installs_what_it_decides(strategy: Strategy) -> bool:
    """Whether one decision leads to the goal, and routers carry it as the scheme made it."""
    coarse = (getattr(strategy.control, name, None) for name in ("pieces", "carried_by"))
    return acts_at_once(strategy) and all(each is None for each in coarse)


class Trial:
    """A strategy under traffic that stands still, with all the time that it needs.

    Parameters
    ----------
    static : Scheme
        Makes the routes below those of the controller.
    network : Network
        As it stands, with what is down.
    demands : Demands
        Base demands, which static routes are planned for and coverage is counted by.
    rates_gbps : ndarray, shape (demands,)
        The traffic.
    streams : Streams
        Those of the replication: the same announcements go astray.
    inbound : InboundWorld, optional
        Where neighbours abroad hand over traffic, which follows what the strategy announces; where
        routes say so when left out.
    store : RouteStore, optional
        Shared by trials, for routes that follow from the topology alone.
    at_start : dict, optional
        Shared by trials of one strategy under the same traffic, empty at first: what it plans and
        learns before the start is worked out once.
    """

    def __init__(
        self,
        strategy: Strategy,
        static: Scheme,
        network: Network,
        demands: Demands,
        rates_gbps: np.ndarray,
        streams: Streams,
        *,
        inbound: InboundWorld | None = None,
        store: RouteStore | None = None,
        at_start: dict[str, Any] | None = None,
    ) -> None:
        self._clock, self._next_us = Clock(), 1
        self._has_cycles = strategy.has_controller
        state, still = NetworkState(self._clock, network), Still(rates_gbps)
        scene = Scene(self._clock, state, still, streams, inbound, at_start=at_start)
        scene.store = store or scene.store
        self._state, self._most = state, 1 if acts_at_once(strategy) else MOST_CYCLES
        self._table = RouteTable(self._clock, demands, lambda: None, lambda: rates_gbps)
        log = DecisionLog(self._clock, state, self._table)
        instant, self._every_s = _without_delays(strategy.control)
        for layer in instant.layers(Context(scene, strategy.scheme, static, self._table, log)):
            self._clock.process(control(scene, layer))

    @property
    def network(self) -> Network:
        """The network as it stands."""
        return self._state.network

    def settle(self) -> Iterator[Routes]:
        """Yield the routes of all demands after each cycle, until they stay as they are."""
        last = None
        for _ in range(self._most):
            self._clock.env.run(until=self._clock.at(self._next_us, Priority.END))
            self._next_us += micros(self._every_s)
            routes = self._table.in_force
            assert routes is not None
            if last is not None and not len(routes.changed(last)):
                return
            yield routes
            last = routes

    def fail(self, faults: Iterable[Fault]) -> None:
        """Begin faults, all at this instant; the next :meth:`settle` answers them.

        Static routes and controllers notice at once that links are down; controllers decide again a
        cycle later, when the routes below have followed. Of a cable that is cut in part only what
        looks at capacities takes notice.
        """
        for fault in faults:
            self._state.begin(fault)
        if not self._has_cycles:
            self._next_us = self._clock.now + 1


def settled(
    strategy: Strategy,
    static: Scheme,
    network: Network,
    demands: Demands,
    rates_gbps: np.ndarray,
    streams: Streams,
) -> Iterator[Routes]:
    """Yield the routes of all demands after each cycle, until they stay as they are.

    Parameters are those of :class:`Trial`.
    """
    return Trial(strategy, static, network, demands, rates_gbps, streams).settle()


def _without_delays(settings: Any) -> tuple[Any, float]:
    """Return a control that acts on the truth at once, and the length of its cycles."""
    known = {field.name for field in fields(settings)}
    changes = {name: value for name, value in _INSTANT.items() if name in known}
    every_s = getattr(settings, "every_s", None) or 1.0
    announcements = getattr(settings, "announcements", None)
    if announcements is not None:
        changes["announcements"] = replace(announcements, every_s=every_s, install_s=0.0)
    return replace(settings, **changes), every_s
