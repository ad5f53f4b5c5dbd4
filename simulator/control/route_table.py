"""The desk: where a strategy keeps its layers of routes, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import simpy

from simulator.control.strategy import Strategy
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Moved, Routes
from simulator.simulation.clock import Clock


class RouteTable:
    """Where a strategy keeps its layers of routes.

    The lowest layer is the static rules, kept by the IGP. Above it lies what the controller steers,
    a layer each for what it does in different ways. Traffic follows the uppermost layer that leads
    it over live links. Routes that rescale leave dead links as soon as these are noticed, all
    others when the static rules have reconverged.

    Parameters
    ----------
    clock : Clock
    name : str
    strategy : Strategy
    network : Network
    demands : Demands
        Base demands, with the planning window: what the static rules are planned for.
    settle : callable
        Called before the routes in force change, so that time so far is accounted for.
    rates : callable
        Gives the rates of this moment, to tell how much traffic a change moves.

    Attributes
    ----------
    steered : ndarray of int
        Positions of the demands that the controller steers.
    lower : Routes or None
        The static rules.
    uppers : dict of str to Routes
        The controller's routes, by layer.
    in_force : Routes or None
        What all demands follow.
    halts : int
        Reasons for which the controller stands still.
    stops : int
        How often it has come to a stop.
    stopped : simpy.Event
        Fires at the next stop; another takes its place when it has fired.
    """

    def __init__(
        self,
        clock: Clock,
        name: str,
        strategy: Strategy,
        network: Network,
        demands: Demands,
        settle: Callable[[], None],
        rates: Callable[[], np.ndarray],
    ) -> None:
        self.name, self.strategy, self.demands = name, strategy, demands
        self.steered = strategy.steered(network, demands)
        self.lower: Routes | None = None
        self.uppers: dict[str, Routes] = {}
        self.in_force: Routes | None = None
        self.halts, self.stops = 0, 0
        self.stopped: simpy.Event = clock.env.event()
        self._clock = clock
        self._dead: np.ndarray | None = None
        self._noticed: np.ndarray | None = None
        self._settle, self._rates = settle, rates

    def install_rules(self, routes: Routes, dead: np.ndarray) -> Moved | None:
        """Put new static routes in place, and take steered traffic off arcs now known as dead."""
        self.lower, self._dead = routes, dead
        if self._noticed is None:
            self._noticed = dead
        return self._compose()

    def notice(self, dead: np.ndarray) -> None:
        """Take note of dead arcs; sources whose routes rescale act on it at once, by themselves."""
        self._noticed = dead
        if self.lower is not None and any(r.rescales for r in (self.lower, *self.uppers.values())):
            self._compose()

    def install_steering(self, layer: str, routes: Routes) -> Moved | None:
        """Put new steered routes in place."""
        self.uppers[layer] = routes
        return self._compose()

    def withdraw(self) -> Moved | None:
        """Return all steered traffic to the static rules."""
        self.uppers.clear()
        return self._compose()

    def halt(self, down: bool) -> None:
        """Add or take away a reason for the controller to stand still."""
        self.halts += 1 if down else -1
        if down and self.halts == 1:
            self.stops += 1
            told, self.stopped = self.stopped, self._clock.env.event()
            told.succeed()

    def below(self, layer: str) -> Routes:
        """What traffic follows where this layer of steering does not lead it."""
        assert self.lower is not None and self._dead is not None
        routes = self._alive(self.lower) if self.lower.rescales else self.lower
        for name, upper in self.uppers.items():
            if name != layer:
                routes = self._alive(upper).with_fallback(routes)
        return routes

    @property
    def rules(self) -> int:
        """Entries at the sources: one for every demand and first hop of the steered routes."""
        return sum(int(routes.entries.sum()) for routes in self.uppers.values())

    def _compose(self) -> Moved | None:
        """Stack the layers, and tell how much traffic that moves."""
        assert self.lower is not None and self._dead is not None
        self._settle()
        old = self.in_force
        self.in_force = self._alive(self.lower) if self.lower.rescales else self.lower
        for routes in self.uppers.values():
            self.in_force = self._alive(routes).with_fallback(self.in_force)
        return None if old is None else self.in_force.moved(old, self._rates())

    def _alive(self, routes: Routes) -> Routes:
        """Return what is left of routes by what their sources know to be dead."""
        dead = self._noticed if routes.rescales else self._dead
        assert dead is not None
        return routes.without_arcs(dead)
