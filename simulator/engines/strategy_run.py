"""One strategy on the stage: its meter, its route table, its control and its decision log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simulator.control.decided_routes import WORDS, DecidedRoutes
from simulator.control.decision_log import DecisionLog
from simulator.control.process import Context, Layer
from simulator.control.route_table import RouteTable
from simulator.control.strategy import Strategy
from simulator.engines.engine import Meter
from simulator.model.demands import Demands
from simulator.model.route_series import RouteSeries
from simulator.model.routes import Routes
from simulator.results.metrics import Figures
from simulator.results.writer import SOLVE_TIMES, Coded
from simulator.simulation.faults import Event
from simulator.simulation.inbound_world import Announced
from simulator.simulation.scene import Scene


class StrategyRun:
    """One strategy in one replication.

    Parameters
    ----------
    demands : Demands
        Base demands, with the planning window.
    make_meter : callable
        Takes a function that returns the routes in force.
    emit : callable
        Takes a table's name and its columns.
    takes_series : bool
        Whether the meter reads :attr:`series`, where many changes of routes stand that it is not
        told of one by one.
    keeps_decisions : bool
        Whether the routes of every decision go into the table ``routes``; all cycles are then
        decided one by one.

    Attributes
    ----------
    meter : Meter
    layers : tuple of Layer
        Layers of routes that the control processes keep, lowest first.
    """

    def __init__(
        self,
        scene: Scene,
        strategy: Strategy,
        demands: Demands,
        make_meter: Callable[[Callable[[], Routes]], Meter],
        emit: Callable[[str, dict[str, Any]], None],
        *,
        takes_series: bool = False,
        keeps_decisions: bool = False,
    ) -> None:
        self._control, self._emit = strategy.control, emit
        self.meter = meter = make_meter(self.routes)
        self._table = RouteTable(
            scene.clock,
            demands,
            meter.cut,
            meter.current_rates,
            takes_series=takes_series and not keeps_decisions,
        )
        self._decided = DecidedRoutes(scene.clock) if keeps_decisions else None
        if self._decided is not None:
            self._table.withdrawn.append(self._decided.withdraw)
        self._log = DecisionLog(scene.clock, scene.network_state, self._table, self._decided)
        self._context = Context(
            scene, strategy.scheme, strategy.static_scheme, self._table, self._log
        )
        self.layers: tuple[Layer, ...] = tuple(strategy.control.layers(self._context))

    def routes(self) -> Routes:
        """Return the routes in force."""
        assert self._table.in_force is not None
        return self._table.in_force

    @property
    def series(self) -> RouteSeries | None:
        """Routes of many instants, the present one among them; None where one set is in force."""
        return self._table.series

    def halt(self, event: Event, down: bool) -> None:
        """Begin (*down*) or end an outage of the controller or of its telemetry."""
        if event.telemetry:
            self._table.blind(down)
        else:
            self._control.halt(self._context, event, down)

    def cost_gbit_ms(self) -> float:
        """Return the cost so far, by the yardstick of the case."""
        self.meter.settle()
        return self.meter.cost_gbit_ms

    @property
    def announced(self) -> Announced | None:
        """What is announced at this instant; None where nobody abroad is told."""
        return self._table.announced() if self._table.announced else None

    def close(self, best_gbit_ms: float | None) -> Figures:
        """Close the meter at the horizon, and write the decisions; see :meth:`Meter.close`."""
        columns = self._log.columns()
        figures = self.meter.close(columns, best_gbit_ms)
        words = {key: Coded.of(columns[key]) for key in ("layer", "trigger", "status")}
        self._emit("control", {**columns, **words})
        routes = self._decided.columns() if self._decided else {}
        if routes:
            coded = {name: Coded.of(routes[name]) for name in WORDS if name in routes}
            self._emit("routes", {**routes, **coded})
        self._emit(SOLVE_TIMES, {"solve_s": np.array(self._log.solve_s)})
        return figures
