"""Failure play: what each state of a network after failures does to one strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from simulator.control.local_repair import locally_repaired
from simulator.control.settled import Trial
from simulator.engines.case import Case
from simulator.jobs import Progress
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.faults import Fault
from simulator.model.link_state import link_state, loss_fixed_point
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.paths.ecmp_screen import EcmpScreen, Screened
from simulator.queues.none import NoQueue
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.simulation.inbound_world import InboundWorld
from simulator.simulation.route_store import RouteStore
from simulator.study.busiest import Moment
from simulator.study.failure_cases import States

_AT_ONCE = 64
"""States whose loss before the reaction is solved together."""
_ROUNDING = 1e-9
_FULL = 1.0 + 1e-12
"""Utilisation above which a link loses traffic."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What states do to a strategy.

    Attributes
    ----------
    load_gbps : ndarray, shape (states, arcs)
        What is asked for on every arc after the reaction, before any is lost on full links.
    lost_before_gbps, lost_gbps : ndarray, shape (states,)
        Not delivered: with routes as they were, and after the reaction.
    repaired_lost_gbps, repaired_utilisation : ndarray, shape (states,)
        While the nodes before dead links repair routes by themselves: what is not delivered, and
        the utilisation of the fullest exit (link without exits). NaN where they do not.
    repaired_arc : ndarray of int, shape (states,)
        Where it is; -1 for nowhere.
    latency_ms, abroad_latency_ms : ndarray, shape (states,)
        Mean propagation of what is delivered, of all traffic and of international traffic.
    hurt_state, hurt_demand : ndarray of int
        Demands that lose traffic after the reaction.
    hurt_gbps : ndarray
        How much of each.
    cut_state, cut_demand : ndarray of int
        Demands without a way on what is left of the network, whatever the routes.
    """

    load_gbps: np.ndarray
    lost_before_gbps: np.ndarray
    lost_gbps: np.ndarray
    repaired_lost_gbps: np.ndarray
    repaired_utilisation: np.ndarray
    repaired_arc: np.ndarray
    latency_ms: np.ndarray
    abroad_latency_ms: np.ndarray
    hurt_state: np.ndarray
    hurt_demand: np.ndarray
    hurt_gbps: np.ndarray
    cut_state: np.ndarray
    cut_demand: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Mapping[str, np.ndarray]]) -> Outcome:
        """Return the outcome of all states from :meth:`arrays` of parts of them, in order."""
        before = np.cumsum([0, *(len(part["lost_gbps"]) for part in parts)])
        found = {}
        for each in fields(cls):
            shift = before if each.name in ("hurt_state", "cut_state") else np.zeros(len(before))
            columns = [part[each.name] + by for part, by in zip(parts, shift, strict=False)]
            kind = parts[0][each.name].dtype
            found[each.name] = np.concatenate(columns).astype(kind)
        return cls(**found)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def outcome(case: Case, name: str, moment: Moment, states: States, progress: Progress) -> Outcome:
    """Let a strategy meet every state, from the moment at which all traffic stands still."""
    player = Player(case, name, moment)
    lost_before = player.lost_before(states)
    screened = player.by_changes(states)
    known = screened if player.is_igp else None
    rows = []
    for i, faults in enumerate(states.faults):
        row = None if known is None else known.row(i, states.capacity_gbps[i])
        rows.append(player.row(faults) if row is None else row)
        progress((i + 1) / len(states))
    load, lost, latency, abroad = zip(*rows, strict=True)
    repaired = player.repaired(states)
    hurt = np.array(lost).reshape(len(states), -1)
    state, demand = np.nonzero(hurt > 0)
    return Outcome(
        np.array(load), lost_before, hurt.sum(axis=1), *repaired,
        np.array(latency), np.array(abroad),
        state, demand, hurt[state, demand], screened.whole.cut_case, screened.whole.cut_demand,
    )  # fmt: skip


class Player:
    """One strategy at a moment, before and after failures.

    Parameters
    ----------
    inbound : InboundWorld, optional
        Where neighbours abroad hand over traffic in the first replication of the case; made here
        when left out.
    """

    def __init__(
        self, case: Case, name: str, moment: Moment, *, inbound: InboundWorld | None = None
    ) -> None:
        self._case, self._moment = case, moment
        self._strategy = case.strategies[name]
        self._streams = Streams(case.seed, 0)
        self._inbound = inbound or case.inbound_world(self._streams)
        self._store, self._at_start = RouteStore(), dict[str, Any]()
        self._abroad = case.demands.of_class(INTERNATIONAL)
        static = self._strategy.is_static and type(self._strategy.scheme) is IgpEcmp
        self.is_igp = static and self._inbound is None

    # -- routes ---------------------------------------------------------------------------------

    def _trial(self) -> Trial:
        strategy, case = self._strategy, self._case
        return Trial(
            strategy, strategy.static_scheme, self._moment.network, case.demands,
            self._moment.rates, self._streams, store=self._store, at_start=self._at_start,
            inbound=None if self._inbound is None else self._inbound.apart(),
        )  # fmt: skip

    def _reacted(self, faults: Sequence[Fault]) -> tuple[Network, Routes]:
        """Return the network with faults, and the routes when all have answered them."""
        trial = self._trial()
        *_, routes = trial.settle()
        if faults:
            trial.fail(faults)
            *_, routes = trial.settle()
        return trial.network, routes

    # -- what becomes of the traffic ------------------------------------------------------------

    def row(self, faults: Sequence[Fault]) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Return loads, what each demand loses, and latency of all and international traffic."""
        network, routes = self._reacted(faults)
        rates = self._moment.rates
        load = np.where(network.up, routes.loads(rates), 0.0)
        qos = self._case.series.qos
        state = link_state(routes, network, rates[:, None], NoQueue(), qos)
        got, delay = state.delivered_gbps[:, 0], np.nan_to_num(state.latency_ms[:, 0])
        lost = _lost(rates, got)
        return load, lost, _mean(got, delay), _mean(got[self._abroad], delay[self._abroad])

    def lost_before(self, states: States) -> np.ndarray:
        """Return what is not delivered with routes as they were, shape (states,)."""
        qos = self._case.series.qos
        *_, routes = self._trial().settle()
        if qos is not None and not qos.uniform:
            return np.array([self._lost_by_priority(routes, faults) for faults in states.faults])
        found = []
        for first in range(0, len(states), _AT_ONCE):
            capacity = states.capacity_gbps[first : first + _AT_ONCE].T
            rates = np.repeat(self._moment.rates[:, None], capacity.shape[1], axis=1)
            passes, _ = loss_fixed_point(routes, capacity, rates)
            share, _ = routes.arrivals(np.zeros_like(passes), passes)
            found.append(_lost(rates, rates * share).sum(axis=0))
        return np.concatenate(found)

    def repaired(self, states: States) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what is lost, and what is the fullest and where, while nodes repair locally."""
        lost, used = np.full((2, len(states)), np.nan)
        arc = np.full(len(states), -1)
        if self._strategy.control.local_repair_s is None:
            return lost, used, arc
        *_, routes = self._trial().settle()
        for i, faults in enumerate(states.faults):
            network = self._moment.network.after(faults)
            now = locally_repaired(routes, network, self._case.demands)
            lost[i] = self._lost_on(network, now)
            used[i], arc[i] = _fullest(network, now.loads(self._moment.rates))
        return lost, used, arc

    def _lost_by_priority(self, routes: Routes, faults: Sequence[Fault]) -> float:
        return self._lost_on(self._moment.network.after(faults), routes)

    def _lost_on(self, network: Network, routes: Routes) -> float:
        """Return what is not delivered in all."""
        rates, qos = self._moment.rates, self._case.series.qos
        state = link_state(routes, network, rates[:, None], NoQueue(), qos)
        return float(_lost(rates, state.delivered_gbps[:, 0]).sum())

    def by_changes(self, states: States) -> ByChanges:
        """Return all states under shortest paths, by what changes in each; no routes are made.

        Whatever the strategy, that says which demands have no way any more.
        """
        network, rates = self._moment.network, self._moment.rates
        demands = self._case.demands.with_gbps(rates)
        down = network.up & ~states.up
        whole, abroad = (
            EcmpScreen(network, some).cases(down) for some in (demands, demands.take(self._abroad))
        )
        return ByChanges(demands, whole, abroad)


@dataclass(frozen=True, eq=False)
class ByChanges:
    """States of shortest paths, without routes."""

    demands: Demands
    whole: Screened
    abroad: Screened

    def row(
        self, state: int, capacity_gbps: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float, float] | None:
        """Return what :meth:`Player.row` does; None where links lose traffic: routes say whose."""
        load = self.whole.load_gbps[state]
        if np.any(load > _FULL * capacity_gbps):
            return None
        lost = np.zeros(len(self.demands))
        cut = self.whole.cut_demand[self.whole.cut_case == state]
        lost[cut] = self.demands.gbps[cut]
        return load, lost, float(self.whole.latency_ms[state]), float(self.abroad.latency_ms[state])


def _fullest(network: Network, load_gbps: np.ndarray) -> tuple[float, int]:
    """Return the utilisation of the fullest exit, or link without exits, and which arc it is."""
    exits = np.repeat(network.link_class == "exit", 2)
    counted = network.up & (network.capacity_gbps > 0) & (exits if exits.any() else True)
    used = np.full(len(load_gbps), -1.0)
    np.divide(load_gbps, network.capacity_gbps, out=used, where=counted)
    arc = int(used.argmax())
    return (float(used[arc]), arc) if used[arc] >= 0 else (np.nan, -1)


def _lost(rates: np.ndarray, got: np.ndarray) -> np.ndarray:
    lost = rates - got
    return np.where(lost > _ROUNDING * np.maximum(rates, _ROUNDING), lost, 0.0)


def _mean(weight: np.ndarray, value: np.ndarray) -> float:
    total = float(weight.sum())
    return float(weight @ value) / total if total > 0 else float("nan")
