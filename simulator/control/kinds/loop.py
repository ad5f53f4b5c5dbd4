"""The control loop: static without a cycle, SDN with one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from simulator.base.document import KeyPath
from simulator.control.announcing import Announcing
from simulator.control.kinds.control import Control, control
from simulator.control.outages import stale_for_s
from simulator.control.process import Context, Layer
from simulator.control.settings import LoopSettings
from simulator.control.static import static_layer
from simulator.control.steering import Steering
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.simulation.clock import Priority
from simulator.simulation.faults import Event

STEERED_IN = (
    "steers international_in as directly as international_out; in practice inbound traffic is "
    "moved only by announcements, coarser, slower and less sure. Read it as a best case."
)
MEASURED = (
    "computes for as long as it took on this machine: another run will not be the same to the last "
    "digit."
)


@control("loop")
class Loop(LoopSettings, Control):
    """Measure, predict, decide and install every so often; without ``every_s``, static routes."""

    @property
    def has_controller(self) -> bool:
        """Whether there is a cycle."""
        return self.every_s is not None

    @property
    def at_will(self) -> bool:
        """Whether a controller steers inbound traffic itself: a bound."""
        return (
            self.has_controller and "international_in" in self.steers and self.announcements is None
        )

    @property
    def memory_s(self) -> float:
        """How far back the controller looks: to its measurements, and to what it predicted."""
        cycle_s = max(
            self.every_s or 0.0, self.announcements.every_s if self.announcements else 0.0
        )
        return self.staleness_s + self.window_s + 2.0 * cycle_s

    @property
    def steered_share(self) -> float:
        """Share of each steered demand that is steered."""
        return self.coverage.share if self.coverage.of == "traffic" else 1.0

    def steered(self, network: Network, demands: Demands) -> np.ndarray:
        """Return positions of the demands that the controller reaches, all or in part."""
        if not self.has_controller:
            return np.empty(0, dtype=np.int64)
        mask = demands.of_class(self.steers)
        if self.services:
            mask &= demands.of_service(self.services)
        if self.coverage.of == "provinces" and self.coverage.share < 1.0:
            home = np.where(network.is_abroad[demands.source], demands.target, demands.source)
            traffic = np.bincount(home[mask], demands.gbps[mask], len(network.nodes))
            homes = np.unique(home[mask])
            count = math.floor(self.coverage.share * len(homes) + 1e-9)
            reached = homes[np.lexsort((homes, -traffic[homes]))][:count]
            mask &= np.isin(home, reached)
        return np.flatnonzero(mask)

    def layers(self, context: Context) -> Iterator[Layer]:
        """Return the static routes and, above them, what the controller steers directly or not."""
        yield static_layer(context, self.detect_s, self.converge_s, self.local_repair_s)
        demands = context.route_table.demands
        steered = self.steered(context.scene.network_state.network, demands)
        if context.scene.inbound is not None and not self.at_will:
            yield Announcing(context, self).layer
            steered = steered[~demands.of_class("international_in")[steered]]
        announced = np.zeros(len(steered), dtype=bool)
        if self.announcements:
            announced = demands.of_class("international_in")[steered]
        for mine, announcements in (
            (steered[~announced], None),
            (steered[announced], self.announcements),
        ):
            if len(mine):
                yield Steering(context, self, mine, self.steered_share, announcements).layer

    def halt(self, context: Context, event: Event, down: bool) -> None:
        """Stop the controller or start it again.

        Of overlapping outages the first one counts, and each that says how the controller stops.
        """
        table = context.route_table
        table.halt(down)
        if event.how:
            self._stop_by(context, event, down)
        if event.how or not down or table.halts > 1:
            return
        if self.on_outage == "withdraw":
            _withdraw(context)
        elif self.stale_limit_s is not None:
            context.scene.clock.process(_withdraw_when_stale(context, self.stale_limit_s))

    def _stop_by(self, context: Context, event: Event, down: bool) -> None:
        """Let routers drop the routes of the controller some time later, by how it stops."""
        if not down:
            context.route_table.outages.remove(event)
            return
        context.route_table.outages.append(event)
        stale_s = stale_for_s(self, event, context.scene.streams)
        if stale_s is not None:
            context.scene.clock.process(_withdraw_if_lasting(context, event, stale_s))

    def problems(self, network: Network) -> Iterable[tuple[KeyPath, str]]:
        """Return settings of a controller that contradict each other."""
        reaction_s = self.detect_s + self.converge_s
        if self.local_repair_s is not None and self.local_repair_s >= reaction_s:
            message = (
                f"does nothing: static routes reconverge {reaction_s:g} s after a failure"
                " (detect_s + converge_s); name less, or leave it out"
            )
            yield ("local_repair_s",), message
        if self.announcements and self.announcements.plan != "once" and not self.has_controller:
            message = "only plan: once is possible without a cycle; set every_s"
            yield ("announcements", "plan"), message
        if not self.has_controller:
            return
        if not self.steers:
            yield ("steers",), "steers nothing; name a class"
        if self.announcements and "international_in" not in self.steers:
            message = "only inbound traffic follows announcements; add international_in to steers"
            yield ("announcements",), message
        if self.stale_limit_s is not None and self.on_outage == "withdraw":
            message = (
                "routes are withdrawn at once when on_outage is withdraw; leave one of them out"
            )
            yield ("stale_limit_s",), message

    def notes(self) -> Iterator[str]:
        """Return what is idealised, and what depends on this machine."""
        if self.has_controller and not self.announcements and "international_in" in self.steers:
            yield STEERED_IN
        if self.has_controller and self.compute_s == "measured":
            yield MEASURED


def _withdraw_when_stale(context: Context, limit_s: float) -> Iterator[Any]:
    """Return to the static routes when the outage lasts too long."""
    table = context.route_table
    next_stop = table.stopped
    yield context.scene.clock.after(limit_s, Priority.CONTROL)
    if table.halts and not next_stop.triggered:
        _withdraw(context)


def _withdraw_if_lasting(context: Context, event: Event, stale_s: float) -> Iterator[Any]:
    """Return to the static routes if the controller has not come back before."""
    yield context.scene.clock.after(stale_s, Priority.CONTROL)
    if event in context.route_table.outages:
        _withdraw(context)


def _withdraw(context: Context) -> None:
    moved = context.route_table.withdraw()
    context.log.write("controller", "withdrawal", context.route_table.static, moved, np.nan)
