"""Steering: a controller measures, predicts, makes routes for some demands and installs them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from simulator.control.bill_account import account_of
from simulator.control.caps import restrained, update_steps
from simulator.control.carrying import Loss, as_carried
from simulator.control.cycle_block import CycleBlock, goes_in_blocks
from simulator.control.decision_log import Row
from simulator.control.granularity import in_pieces
from simulator.control.hysteresis import HysteresisTrigger
from simulator.control.inbound_steering import InboundSteering
from simulator.control.predictors.predictor import Outlook
from simulator.control.process import Context, Installs, Layer, first_route, timed_route
from simulator.control.settings import Announcements, LoopSettings
from simulator.control.telemetry import Telemetry
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.simulation.clock import micros


class Steering:
    """A controller: routes for predicted demands, made anew every cycle.

    Parameters
    ----------
    steered : ndarray of int
        Positions of the demands that this layer steers.
    share : float
        Share of each of them that it steers.
    announcements : Announcements, optional
        Steer them by announcements, which have a cycle and an install time of their own.
    """

    def __init__(
        self,
        context: Context,
        settings: LoopSettings,
        steered: np.ndarray,
        share: float = 1.0,
        announcements: Announcements | None = None,
    ) -> None:
        scene, self._table, self._log = context.scene, context.route_table, context.log
        self._name = "announcements" if announcements else "controller"
        self._scheme, self._settings = context.scheme, settings
        self._steered, self._share = steered, share
        self._clock, self._source = scene.clock, scene.source
        self._network_state, self._at_start = scene.network_state, scene.at_start
        timing = announcements or settings
        assert timing.every_s is not None
        self._every_s, self._install_s = timing.every_s, timing.install_s
        if settings.update == "instant" and not announcements:
            self._install_s = 0.0
        #: Without the planning window, which is for the static routes.
        self._base = replace(self._table.demands, window_gbps=None)
        self._telemetry = Telemetry(scene.source, scene.streams, self._base, settings)
        age_s = settings.window_s / 2.0 + settings.staleness_s
        late_s = age_s + self._compute_s(0.0) + self._install_s
        # Routes are in force from their installation for a cycle: forecast its middle.
        outlook = Outlook(self._every_s, late_s + self._every_s / 2.0, self._source.expected)
        self._predict = settings.predict.start(outlook)
        self._hysteresis = HysteresisTrigger(settings.hysteresis)
        self._delays = scene.streams.generator("install", self._name)
        network = scene.network_state.network
        self._inbound: InboundSteering | None = None
        if announcements:
            mine = self._base.take(steered)
            self._inbound = InboundSteering(network, mine, scene.streams, announcements)
        self._account = account_of(context, steered)
        self._decided: Routes | None = None
        self._unsteered: tuple[Routes, Routes] | None = None
        self._cycle = -1
        self._predicted_gbps = self._base.gbps
        #: What was measured of capacities: without telemetry, the last of it.
        self._measured = network
        self._capacity_gbps = np.where(
            network.capacity_gbps > 0, network.capacity_gbps, network.installed_gbps
        )
        self._open_prediction: tuple[Row, int, np.ndarray] | None = None
        self._block = self._cycle_block(context)

    def _cycle_block(self, context: Context) -> CycleBlock | None:
        """Return what decides many cycles at once; None where they depend on each other."""
        delay_s = self._compute_s(0.0) + self._install_s
        alone = self._inbound is None and self._account is None
        if not (alone and self._table.takes_series and goes_in_blocks(self._settings, delay_s)):
            return None
        return CycleBlock(
            context,
            self._settings,
            self._name,
            self._steered,
            self._share,
            every_s=self._every_s,
            delay_s=delay_s,
            telemetry=self._telemetry,
            predict=self._predict,
            look=self._look,
        )

    @property
    def layer(self) -> Layer:
        """What the control process runs."""
        detect_s = self._settings.detect_s
        ahead = None if self._block is None else self._decide_ahead
        return Layer(self._decide, self._every_s, detect_s, route_table=self._table, ahead=ahead)

    def _decide_ahead(self) -> int | None:
        """Decide all cycles of a block; return when the next one is due, None for no block."""
        assert self._block is not None
        count = self._block.count()
        if not count:
            return None
        self._close_prediction()
        made = self._block.decide(count, self._decided)
        self._cycle, self._predicted_gbps = made.cycle, made.predicted_gbps
        self._decided = made.routes
        predicted = made.predicted_gbps[self._steered]
        self._open_prediction = (made.row, made.installed_us, predicted)
        return made.until_us

    def _decide(self, trigger: str) -> Installs | None:
        """Return new routes and when to install them; None where the old ones are left alone."""
        self._close_prediction()
        if self._table.halts:
            return None
        predicted = self._forecast()
        network, demands = self._look(), self._base.with_gbps(predicted)
        acts = self._hysteresis.active(
            self._fullest_exit(network, demands), self._throttles(demands)
        )
        if not acts and trigger != "topology":
            self._open(self._log.write(self._name, trigger, None, None, np.nan), predicted)
            return None
        below = self._table.below(self._name)
        seen, mine = steer(network, demands, self._steered, below, self._share)
        if self._account:
            seen = seen.allowing(self._account.allowance(network))
        current = self._decided if self._name in self._table.steering else None
        routes, old, solve_s = self._new_routes(seen, mine, below, current, trigger)
        loss: Loss | None = None
        if self._settings.carried_by is not None and self._inbound is None:
            unsteered = self._without_steering(below)
            routes, loss = as_carried(self._settings.carried_by, routes, unsteered, seen, mine)
        at_once = trigger == "topology" or current is None or self._inbound is not None
        steps = 1 if at_once else update_steps(self._settings)
        installs = []
        for step in range(1, steps + 1):
            target = routes if step == steps else routes.blend(old, step / steps)
            delay_s = self._delay_s(target, old, mine) + (self._compute_s(solve_s) * (step == 1))
            install = partial(self._install, target, below, predicted, trigger, solve_s, loss)
            installs.append((delay_s, install))
        return installs

    def _new_routes(
        self,
        network: Network,
        demands: Demands,
        below: Routes,
        current: Routes | None,
        trigger: str,
    ) -> tuple[Routes, Routes, float]:
        """Return routes for the steered demands, those they replace, and the time to solve."""
        settings, inbound, static = self._settings, self._inbound, self._without_steering(below)
        old = static
        if current is not None:
            # Of what announcements could steer, some may not have been announced anywhere.
            old = current.with_fallback(static) if inbound else current
        given = None if current is None else old
        known = self._at_start if trigger == "start" else None
        routes, solve_s = first_route(
            known,
            f"steering: {self._name}",
            partial(timed_route, self._scheme.route, network, demands, given),
        )
        if not inbound:
            routes = restrained(routes, old, network, demands, settings)
        if settings.pieces is not None:
            routes = in_pieces(routes, demands, settings.pieces)
        if inbound:
            routes = inbound.announce(routes, static, current, network, demands, settings)
        return routes, old, solve_s

    def _without_steering(self, below: Routes) -> Routes:
        """What the steered demands follow without this layer; the routes below seldom change."""
        if self._unsteered is None or self._unsteered[0] is not below:
            self._unsteered = below, below.take(self._steered)
        return self._unsteered[1]

    def _forecast(self) -> np.ndarray:
        """Predicted rates: one measurement a cycle, however many decisions it serves.

        Without telemetry the last forecast stands, whatever its age.
        """
        now = self._clock.now
        cycle = now // micros(self._every_s)
        if cycle != self._cycle and not self._table.blinds:
            self._cycle = cycle
            measured = self._telemetry.measure(now)
            self._predicted_gbps = self._predict(self._telemetry.middle_s(now), measured)
        return self._predicted_gbps

    def _look(self) -> Network:
        """The network as the controller sees it.

        Topology and delays are as detected, capacities as measured.

        A link that was cut whole when capacities were measured, and has been detected as up since,
        counts with the last capacity above zero that was measured of it.
        """
        settings = self._settings
        if not self._table.blinds:
            self._measured = self._network_state.seen(micros(settings.staleness_s))
        measured = self._measured
        noticed = self._network_state.seen(micros(settings.detect_s))
        measured, up = measured.delayed_like(noticed), noticed.up
        gone = ~measured.up & (measured.capacity_gbps == 0)
        if settings.staleness_s <= settings.detect_s:
            up = up & ~gone  # the measurement is the later news
        capacity = np.where(gone, self._capacity_gbps, measured.capacity_gbps)
        self._capacity_gbps = capacity
        back = (up & gone)[::2]
        faults = [f for f in measured.faults if not measured.fault_share(f)[back].any()]
        return measured.under(up=up & (capacity > 0), capacity_gbps=capacity, faults=faults)

    def _install(
        self,
        routes: Routes,
        below: Routes,
        predicted: np.ndarray,
        trigger: str,
        solve_s: float,
        loss: Loss | None,
    ) -> None:
        """Put routes in force."""
        self._decided = routes
        if self._inbound:
            static = self._without_steering(below)
            routes = self._inbound.arrive(routes, static, self._network_state.network)
        steering = routes.scaled(self._share).scattered(self._steered, len(self._table.demands))
        if self._log.decided is not None and self._inbound is None:
            mine = self._base.take(self._steered).with_gbps(predicted[self._steered])
            network = self._network_state.network
            self._log.decided.install(routes.scaled(self._share), network, mine)
        moved = self._table.install_steering(self._name, steering)
        row = self._log.write(self._name, trigger, routes, moved, solve_s)
        if loss is not None:
            row |= loss._asdict()
        self._open(row, predicted)

    def _open(self, row: Row, predicted: np.ndarray) -> None:
        """Keep the row of a decision, to complete it by the prediction error a cycle later."""
        self._open_prediction = (row, self._clock.now, predicted[self._steered])

    def _close_prediction(self) -> None:
        """Write by how much the traffic differed from its prediction in the last cycle."""
        if self._open_prediction is None:
            return
        (row, since, predicted), self._open_prediction = self._open_prediction, None
        until = min(self._clock.now, since + micros(self._every_s))
        if until > since:
            actual = self._source.mean(since, until)[self._steered]
            total = actual.sum()
            row["prediction_error"] = (
                float(np.abs(predicted - actual).sum() / total) if total > 0 else 0.0
            )

    def _fullest_exit(self, network: Network, demands: Demands) -> float:
        """Utilisation of the fullest exit direction, as predicted under the routes in force."""
        if self._settings.hysteresis is None or not len(network.exits):
            return np.inf
        assert self._table.in_force is not None
        arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
        load, capacity = self._table.in_force.loads(demands.gbps)[arcs], network.capacity_gbps[arcs]
        live = network.up[arcs]
        return float((load[live] / capacity[live]).max(initial=0.0))

    def _throttles(self, demands: Demands) -> bool:
        """Whether the routes of this layer throttle any of this traffic at its source."""
        routes = self._table.steering.get(self._name)
        if routes is None or routes.throttled is None:
            return False
        # Less than this share of all traffic is a solver's rounding.
        return bool(routes.throttled @ demands.gbps > 1e-7 * demands.gbps.sum())

    def _compute_s(self, solve_s: float) -> float:
        fixed = self._settings.compute_s
        return solve_s if fixed == "measured" else fixed

    def _delay_s(self, new: Routes, old: Routes, demands: Demands) -> float:
        """Time that this installation takes."""
        delay_s, settings = self._install_s, self._settings
        if settings.install_sigma > 0:
            delay_s *= float(np.exp(settings.install_sigma * self._delays.standard_normal()))
        if settings.rule_ms > 0 and settings.update != "instant":
            written = new.entries[new.moved(old, demands.gbps).which].sum()
            delay_s += float(written) * settings.rule_ms / 1000.0
        return delay_s


def steer(
    network: Network, demands: Demands, steered: np.ndarray, under: Routes, part: float = 1.0
) -> tuple[Network, Demands]:
    """Return the input of a scheme that steers some demands around the load of the others.

    It is the network with that load in the background, and the demands to route.

    Parameters
    ----------
    demands : Demands
        All demands, as predicted.
    steered : ndarray of int
        Positions of the demands to route.
    under : Routes
        Routes that all others follow.
    part : float
        Share of each steered demand that is steered; the rest is among the others.
    """
    rest = demands.gbps.copy()
    rest[steered] *= 1.0 - part
    mine = demands.take(steered)
    if part != 1.0:
        mine = mine.with_gbps(mine.gbps * part)
    return network.carrying(under.loads(rest)), mine
