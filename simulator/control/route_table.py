"""The route table: where a strategy keeps its layers of routes, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import simpy

from simulator.control.local_repair import locally_repaired
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.route_series import RouteSeries
from simulator.model.routes import Moved, Routes
from simulator.simulation.clock import Clock
from simulator.simulation.faults import Event
from simulator.simulation.inbound_world import Announced


class RouteTable:
    """Where a strategy keeps its layers of routes.

    The lowest layer are the static routes, kept by the IGP. Above them lie those that a controller
    steers, one layer for each way of steering. Traffic follows the uppermost layer that leads it
    over live links. Routes that rescale leave dead links as soon as these are noticed, all others
    when the static routes have reconverged. Meanwhile the nodes before dead links may repair them
    by themselves.

    Parameters
    ----------
    demands : Demands
        Base demands, with the planning window: what the static routes are planned for.
    before_change : callable
        Called before the routes in force change, so that time so far is accounted for.
    rates : callable
        Returns the rates of this instant, by which moved traffic is measured.
    takes_series : bool
        Whether what reads the routes in force can read a series of them.

    Attributes
    ----------
    before_change : list of callable
        Called before the routes in force change; the first is the one given.
    static : Routes or None
        The static routes.
    landings : Routes or None
        Routes of inbound traffic by where neighbours abroad hand it over, above the static routes;
        None where the static routes say where that is.
    withdrawn : list of callable
        Called when all steered traffic returns to the static routes.
    announced : callable or None
        Returns what is announced at this instant; None where nobody abroad is told.
    steering : dict of str to Routes
        Steered routes, by layer.
    in_force : Routes or None
        What all demands follow; of a series, in the end.
    series : RouteSeries or None
        What all demands follow from some instant on, where that was decided for many cycles.
    halts : int
        Outages of the controller that last at this instant.
    outages : list of Event
        Those of them of which the event says how the controller stops.
    blinds : int
        Outages of its telemetry that last at this instant.
    stopped : simpy.Event
        Fires at the next stop; another takes its place when it has fired.
    """

    def __init__(
        self,
        clock: Clock,
        demands: Demands,
        before_change: Callable[[], None],
        rates: Callable[[], np.ndarray],
        *,
        takes_series: bool = False,
    ) -> None:
        self.demands, self.takes_series = demands, takes_series
        self.static: Routes | None = None
        self.landings: Routes | None = None
        self.withdrawn: list[Callable[[], None]] = []
        self.announced: Callable[[], Announced] | None = None
        self.steering: dict[str, Routes] = {}
        self.in_force: Routes | None = None
        self.series: RouteSeries | None = None
        self.halts = self.blinds = 0
        self.outages: list[Event] = []
        self.stopped: simpy.Event = clock.env.event()
        self._clock = clock
        self._dead: np.ndarray | None = None
        self._noticed: np.ndarray | None = None
        self._local: Network | None = None
        self.before_change: list[Callable[[], None]] = [before_change]
        self._rates = rates

    def install_static(self, routes: Routes, dead: np.ndarray) -> Moved | None:
        """Install static routes, and take steered traffic off arcs now detected as dead."""
        self.static, self._dead = routes, dead
        if self._noticed is None:
            self._noticed = dead
        return self._compose()

    def notice(self, dead: np.ndarray) -> None:
        """Record dead arcs; sources whose routes rescale act on them at once, by themselves."""
        self._noticed = dead
        layers = (self.static, *self.steering.values())
        if self.static is not None and any(r.rescales for r in layers if r is not None):
            self._compose()

    def repair(self, network: Network) -> None:
        """Let the nodes before dead links repair all routes by themselves, from this instant on.

        Parameters
        ----------
        network : Network
            As these nodes have noticed it.
        """
        self._local = network
        if self.static is not None:
            self._compose()

    def install_steering(self, layer: str, routes: Routes) -> Moved | None:
        """Install steered routes."""
        self.steering[layer] = routes
        return self._compose()

    def install_series(self, layer: str, last: Routes, series: RouteSeries) -> None:
        """Let routes change at many instants from now on, by one layer of steering.

        Parameters
        ----------
        last : Routes
            What that layer has in the end.
        series : RouteSeries
            What all demands follow, from this instant on.
        """
        for each in self.before_change:
            each()
        self.steering[layer] = last
        self.in_force, self.series = series.at(-1), series

    def install_landings(self, routes: Routes | None) -> Moved | None:
        """Let inbound traffic arrive elsewhere; by the static routes where None."""
        self.landings = routes
        return self._compose()

    def withdraw(self) -> Moved | None:
        """Return all steered traffic to the static routes."""
        self.steering.clear()
        for each in self.withdrawn:
            each()
        return self._compose()

    def halt(self, down: bool) -> None:
        """Begin (*down*) or end an outage of the controller."""
        self.halts += 1 if down else -1
        if down and self.halts == 1:
            stopped, self.stopped = self.stopped, self._clock.env.event()
            stopped.succeed()

    def blind(self, down: bool) -> None:
        """Begin (*down*) or end an outage of the telemetry."""
        self.blinds += 1 if down else -1

    def below(self, layer: str | None) -> Routes:
        """What traffic follows where this layer of steering, if any, does not lead it."""
        assert self.static is not None
        routes = self._alive(self.static) if self.static.rescales else self.static
        if self.landings is not None:
            routes = self._alive(self.landings).with_fallback(routes)
        for name, steering in self.steering.items():
            if name != layer:
                routes = self._alive(steering).with_fallback(routes)
        return routes

    @property
    def entries(self) -> int:
        """Entries at the sources: one for every demand and first hop of the steered routes."""
        return sum(int(routes.entries.sum()) for routes in self.steering.values())

    def _compose(self) -> Moved | None:
        """Put the layers in force, one above the other; return what that moves."""
        for each in self.before_change:
            each()
        old, new = self.in_force, self.below(None)
        if self._local is not None:
            new = locally_repaired(new, self._local, self.demands)
        self.in_force, self.series = new, None
        return None if old is None else new.moved(old, self._rates())

    def _alive(self, routes: Routes) -> Routes:
        """Return what is left of routes by the arcs that their sources have noticed as dead."""
        dead = self._noticed if routes.rescales else self._dead
        assert dead is not None
        return routes.without_arcs(dead)
