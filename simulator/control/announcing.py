"""Announcing: what a strategy announces to neighbours abroad, and how traffic then arrives."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from simulator.control.arrival_routes import ArrivalRoutes
from simulator.control.process import Context, Installs, Layer
from simulator.control.settings import LoopSettings
from simulator.control.telemetry import Telemetry
from simulator.inbound.belief import Belief
from simulator.inbound.planner import Plan, PlanSettings, perfect, plan
from simulator.model.network import Network
from simulator.model.routes import Moved, Routes
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.simulation.clock import US_PER_S, micros
from simulator.simulation.inbound_world import Announced

LAYER = "announcements"
_DAY_S, _HOUR_S, _HALF_S = 86400.0, 3600.0, 1800.0
_REMEMBERED = 0.6
"""Power of the ratio of measured to expected traffic that holds until the next change."""
_MEMORY = ("_announced", "_planned", "_made", "_belief", "_rests_until", "_last_toggles")
"""What planning before the start leaves behind."""


class Announcing:
    """Announcements of one strategy, in a world whose neighbours choose among them.

    Without a plan all is announced everywhere at all times. A plan is made once before the start,
    or at every cycle: observe where traffic lands, forecast, plan, announce.
    """

    def __init__(self, context: Context, settings: LoopSettings) -> None:
        scene, self._table, self._log = context.scene, context.route_table, context.log
        assert scene.inbound is not None
        self._world, self._clock, self._source = scene.inbound, scene.clock, scene.source
        self._network_state, self._settings = scene.network_state, settings
        self._at_start = scene.at_start
        self._knobs = settings.announcements
        self._detect, self._stale = micros(settings.detect_s), micros(settings.staleness_s)
        demands = self._table.demands.take(self._world.mine)
        self._arrivals = ArrivalRoutes(demands, self._world.exit_arcs)
        groups = max(1, round(1.0 / self._knobs.group_share)) if self._knobs else 1
        #: Its static routes lead inbound traffic by natural exits already.
        self._by_metric = isinstance(context.static_scheme, IgpEcmp)
        self._announced = self._world.everywhere(groups)
        self._planned = self._announced
        self._made: Plan | None = None
        self._table.announced = lambda: self._announced
        self._followed = self._network_state.network
        self._world.changed.append(self._follow)
        self._table.withdrawn.append(self._withdraw)
        if self._knobs is None:
            return
        self._plan_settings = PlanSettings(
            theta=self._knobs.aim, target=self._knobs.most, prepends=self._knobs.prepends
        )
        self._telemetry = Telemetry(scene.source, scene.streams, self._table.demands, settings)
        self._belief = Belief.at_start(
            self._world.choices,
            self._world.settings,
            scene.streams.generator("belief", ""),
        )
        size = self._announced.exits.shape
        self._rests_until = np.full(size[0], np.iinfo(np.int64).min)
        self._last_toggles = np.zeros(size, dtype=bool)

    @property
    def layer(self) -> Layer:
        """What the control process runs."""
        every_s, cycles = None, False
        if self._knobs is not None and self._knobs.plan != "once":
            every_s, cycles = self._knobs.every_s, True
        return Layer(self._decide, every_s, self._settings.detect_s, sees_capacity=cycles)

    # -- when -------------------------------------------------------------------------------------

    def _decide(self, trigger: str) -> Installs | None:
        """Return what to announce and when it has an effect; None where it stays."""
        knobs, began = self._knobs, time.perf_counter()
        if trigger == "start":
            self._before_start()
            return [(0.0, partial(self._announce, trigger, np.nan, self._told()))]
        install_s = knobs.install_s if knobs else 0.0
        calm = True
        silent = self._table.halts or self._table.blinds
        if knobs is not None and knobs.plan != "once" and not silent:
            calm = self._replan(trigger)
        if (gone := self._gone()).any():
            self._land(gone)
        if calm and trigger == "cycle":
            solve_s = time.perf_counter() - began
            self._log.write(LAYER, trigger, None, None, solve_s).update(self._told())
            return None
        solve_s, told = time.perf_counter() - began, self._told()
        return [(install_s, partial(self._announce, trigger, solve_s, told))]

    def _told(self) -> dict[str, Any]:
        """What the decision log says of the last plan."""
        if (made := self._made) is None:
            return {}
        return {"groups": made.changed, "toggles": made.toggles, "promise": made.guard}

    def _announce(
        self, trigger: str, solve_s: float = np.nan, told: Mapping[str, Any] | None = None
    ) -> None:
        """Let what was planned have its effect."""
        if trigger != "start" and (gone := self._gone()).any():
            self._land(np.zeros_like(gone))  # what was lost comes back: that moves nothing
        self._announced = self._planned
        routes, moved = self._arrive()
        # What stands at the start was announced before, and moves nothing.
        moved = None if trigger == "start" else moved
        # Without a plan nobody decides: neighbours follow what has changed.
        row = self._log.write(LAYER if self._knobs else "static", trigger, routes, moved, solve_s)
        row.update(told or {})

    def _gone(self) -> np.ndarray:
        """Where exits have no route for a group already, and the Internet has not followed.

        It follows from what is planned and what is in force alone: it ends with the installation,
        and when all is announced again, whatever happens in between.
        """
        by_withdrawal = self._knobs is not None and self._knobs.withdraw_by == "withdrawal"
        return self._announced.exits & ~self._planned.exits & by_withdrawal

    def _arrive(self) -> tuple[Routes, Moved | None]:
        """Let traffic land by what is announced, in the world as it is now."""
        self._followed = self._network_state.network
        return self._land(self._gone())

    def _land(self, gone: np.ndarray) -> tuple[Routes, Moved | None]:
        """Let traffic land as the Internet has followed so far; it is lost where it is *gone*."""
        network = self._followed
        share, lost = self._world.shares(self._announced, network, gone if gone.any() else None)
        routes = self._arrivals.over(network, share, lost)
        arrivals = None
        if not (self._by_metric and self._arrivals.are_static(routes)):
            arrivals = routes.scattered(self._world.mine, len(self._table.demands))
        return routes, self._table.install_landings(arrivals)

    def _follow(self) -> None:
        """Let traffic land anew after neighbours have changed what they prefer."""
        if self._table.static is not None:
            self._arrive()

    def _withdraw(self) -> None:
        """Announce everything everywhere again."""
        groups = len(self._announced.province) // len(self._world.choices.provinces)
        self._announced = self._planned = self._world.everywhere(groups)
        self._arrive()

    # -- what -------------------------------------------------------------------------------------

    def _before_start(self) -> None:
        """Plan, and learn, before the start; once for all scenes that share what was known then."""
        if self._knobs is None:
            return
        kept = self._at_start
        if kept is None or LAYER not in kept:
            self._plan_once() if self._knobs.plan == "once" else self._learn_before_start()
        if kept is not None:
            kept.setdefault(LAYER, self._memory())
            self._recall(kept[LAYER])

    def _memory(self) -> dict[str, Any]:
        """What was planned and learned, apart from what comes of it later."""
        world = self._world
        shared = {id(each): each for each in (world, world.choices, world.settings)}
        return copy.deepcopy({name: vars(self)[name] for name in _MEMORY}, shared)

    def _recall(self, memory: Mapping[str, Any]) -> None:
        vars(self).update(memory)
        vars(self).update(self._memory())

    def _plan_once(self) -> None:
        """Plan for the busy hour, before anything was observed."""
        assert self._knobs is not None
        peak = self._volumes(self._peak_gbps())
        size = len(self._announced.province)
        self._planned = self._next_plan(
            peak, peak, peak, resting=np.zeros(size, dtype=bool), most_groups=size
        )

    def _learn_before_start(self) -> None:
        """Plan and learn for some days of the expected traffic, in the world as it starts."""
        knobs = self._knobs
        assert knobs is not None
        cycles = round(knobs.learned_days * _DAY_S / knobs.every_s)
        for cycle in range(-cycles, 0):
            # The expected curve repeats: the days before the start are like the first one.
            at_s = cycle * knobs.every_s % _DAY_S
            expected = self._source.expected(at_s + np.linspace(0.0, _HOUR_S, 5))
            self._plan_cycle(cycle, expected[:, 0], self._largest(expected))
            self._announced = self._planned

    def _replan(self, trigger: str) -> bool:
        """Learn from where traffic lands, and plan again; return whether nothing changes.

        After a change of topology or capacity the plan rests on what is known so far: where traffic
        lands now is not seen before the Internet has followed.
        """
        assert self._knobs is not None
        now, soon = self._forecast()
        cycle = self._clock.now // micros(self._knobs.every_s)
        return self._plan_cycle(cycle, now, soon, changed=trigger == "topology")

    def _plan_cycle(
        self, cycle: int, now: np.ndarray, soon: np.ndarray, *, changed: bool = False
    ) -> bool:
        """Plan in a cycle; all groups may change at once where an exit is too full, or may be."""
        knobs, world = self._knobs, self._world
        assert knobs is not None
        network = self._network_state.network
        landed, volumes = world.landed(self._announced, network), self._volumes(now)
        if knobs.plan == "learn" and not changed:
            self._belief.observe(
                landed,
                self._announced.exits,
                self._announced.prepends,
                self._announced.province,
                world.up(network),
            )
        urgent = changed or self._overfull(landed, volumes)
        before = self._planned
        self._planned = self._next_plan(
            volumes,
            self._volumes(soon),
            self._volumes(self._peak_gbps()),
            resting=(self._rests_until > cycle) & (not urgent),
            most_groups=len(before.province) if urgent else knobs.max_groups,
            changed=changed,
        )
        toggles = self._planned.differs(before)
        self._rests_until[toggles.any(axis=1)] = cycle + knobs.hold
        self._last_toggles = toggles
        return not toggles.any()

    def _overfull(self, landed: np.ndarray, volumes: np.ndarray) -> bool:
        """Whether more lands at an exit than it may hold, as the controller sees its capacity."""
        arcs = self._world.exit_arcs
        capacity = self._network_state.seen(self._stale).capacity_gbps[arcs]
        lands = landed >= 0
        load = np.bincount(landed[lands], volumes[lands], len(arcs))
        return bool(np.any(load > self._plan_settings.target * capacity))

    def _next_plan(
        self,
        now: np.ndarray,
        soon: np.ndarray,
        peak: np.ndarray,
        *,
        resting: np.ndarray,
        most_groups: int,
        changed: bool = False,
    ) -> Announced:
        seen = self._network_state.seen(self._detect)
        # A change that was noticed a moment ago is seen at once, not when it is next measured.
        measured = self._network_state.seen(self._detect if changed else self._stale)
        arcs, knobs = self._world.exit_arcs, self._knobs
        knows = knobs is not None and knobs.plan == "know"
        made = plan(
            perfect(self._world.catchment) if knows else self._belief,
            self._planned.exits,
            self._planned.prepends,
            self._planned.province,
            self._world.up(seen),
            now_gbps=now,
            soon_gbps=soon,
            peak_gbps=peak,
            capacity_gbps=measured.capacity_gbps[arcs],
            base_gbps=np.zeros(len(arcs)),
            detour_ms=self._detours_ms(seen),
            resting=resting,
            most_groups=most_groups,
            settings=self._plan_settings,
            undo=self._last_toggles,
        )
        self._made = made
        return self._planned._replace(exits=made.announced, prepends=made.prepends)

    def _detours_ms(self, network: Network) -> np.ndarray:
        """How much slower every exit is than the fastest, shape (regions, provinces, exits)."""
        delay = self._world.by_pair(self._arrivals.delays_ms(network), np.inf)
        least = delay.min(axis=2, keepdims=True)
        ways = np.isfinite(delay)
        return np.subtract(delay, least, out=np.full(delay.shape, np.inf), where=ways)

    # -- forecasts --------------------------------------------------------------------------------

    def _volumes(self, gbps: np.ndarray) -> np.ndarray:
        return self._world.volumes(gbps[self._world.mine], self._planned.province)

    def _forecast(self) -> tuple[np.ndarray, np.ndarray]:
        """Traffic now, and at its largest within the next hour: the expected curve, corrected."""
        now_us = self._clock.now
        measured = self._telemetry.measure(now_us)
        times = now_us / US_PER_S + np.linspace(0.0, _HOUR_S, 5)
        expected = self._source.expected(np.append(self._telemetry.middle_s(now_us), times))
        ratio = np.ones(len(measured))
        np.divide(measured, expected[:, 0], out=ratio, where=expected[:, 0] > 0)
        corrected = expected[:, 1:] * (ratio**_REMEMBERED)[:, None]
        return corrected[:, 0], self._largest(corrected)

    def _largest(self, gbps: np.ndarray) -> np.ndarray:
        """The instant at which most arrives, of several."""
        return np.asarray(gbps[:, int(gbps[self._world.mine].sum(axis=0).argmax())])

    def _peak_gbps(self) -> np.ndarray:
        """Expected traffic of the busy hour of the next day."""
        times = self._clock.now / US_PER_S + np.arange(0.0, 24.0 * _HOUR_S, _HALF_S)
        busiest = times[int(self._source.expected(times)[self._world.mine].sum(axis=0).argmax())]
        around = busiest + np.array([-_HALF_S, 0.0, _HALF_S])
        return np.asarray(self._source.expected(around).mean(axis=1))
