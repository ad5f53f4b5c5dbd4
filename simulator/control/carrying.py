"""Carrying: a decision becomes what routers can do of it, and what that loses is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simulator.control.carriers.carrier import Carrier
from simulator.model.demands import Demands
from simulator.model.exit_shares import ExitShares
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths.by_metric import ByMetric
from simulator.paths.candidates import Paths


class Loss(NamedTuple):
    """How far what is carried is from what was asked for, by the forecast.

    Attributes
    ----------
    asked_elsewhere_gbps : float
        Traffic that the decision sends by other exits than the static routes do.
    not_carried_gbps : float
        Traffic that takes other exits than the decision asks for.
    carried_latency_ms : float
        Mean propagation of the steered traffic, less that of the decision.
    carried_utilisation : float
        Of the fullest exit, less that under the decision.
    """

    asked_elsewhere_gbps: float
    not_carried_gbps: float
    carried_latency_ms: float
    carried_utilisation: float


def as_carried(
    carrier: Carrier, routes: Routes, static: Routes, network: Network, demands: Demands
) -> tuple[Routes, Loss]:
    """Return the routes that routers have for a decision, and what that costs.

    Traffic that crosses no border stays as it was decided.

    Parameters
    ----------
    static : Routes
        What the same demands follow without the decision.
    network : Network
        As the controller sees it.
    demands : Demands
        Those that are steered, as predicted.
    """
    asked = ExitShares.of(routes.matrix, network)
    wanted = carrier.carried(asked, demands)
    made = (
        _along(routes, asked, wanted)
        if carrier.inside == "explicit"
        else _by_metric(wanted, network, demands)
    )
    crosses = network.is_abroad[demands.source] != network.is_abroad[demands.target]
    whole = made.with_fallback(routes.scaled(np.where(crosses, 0.0, 1.0)))
    carried = replace(routes, layers=whole.layers)
    loss = Loss(
        asked.elsewhere_gbps(ExitShares.of(static.matrix, network), demands.gbps),
        asked.elsewhere_gbps(ExitShares.of(carried.matrix, network), demands.gbps),
        _latency_ms(carried, network, demands) - _latency_ms(routes, network, demands),
        _fullest(carried, network, demands) - _fullest(routes, network, demands),
    )
    return carried, loss


def _along(routes: Routes, asked: ExitShares, wanted: ExitShares) -> Routes:
    """Return the paths of a decision with other shares by exit."""
    is_exit = np.repeat(routes.network.link_class == "exit", 2)
    paths, share = _listed(routes)
    by = np.full(len(share), -1)
    owner = np.repeat(np.arange(len(share)), np.diff(paths.starts))
    at = is_exit[paths.arcs]
    by[owner[at]] = paths.arcs[at]
    was, now = asked.at(paths.demand, by), wanted.at(paths.demand, by)
    scaled = share * np.divide(now, was, out=np.zeros(len(was)), where=was > 0)
    kept = np.flatnonzero((by >= 0) & (scaled > 0))
    paths = paths.take(kept)
    return Routes.from_paths(
        routes.network, len(routes), paths.demand, scaled[kept], paths.arcs, paths.starts
    )


def _listed(routes: Routes) -> tuple[Paths, np.ndarray]:
    """Return the paths of routes, and the share of each."""
    listed = routes.listed
    if listed is not None:
        return Paths(listed.demand, listed.arcs, listed.starts), listed.share
    each = list(routes.paths())
    paths = Paths.of([(demand, arcs) for demand, _, arcs in each])
    return paths, np.array([share for _, share, _ in each])


def _by_metric(wanted: ExitShares, network: Network, demands: Demands) -> Routes:
    """Return the first shortest paths by metric to each exit, and from it on."""
    arcs, paths, place = ByMetric.of(network, demands)
    at = place[wanted.demand, np.searchsorted(arcs, wanted.arc)]
    there = at >= 0
    mine = paths.take(at[there])
    return Routes.from_paths(
        network, len(demands), mine.demand, wanted.share[there], mine.arcs, mine.starts
    )


def _latency_ms(routes: Routes, network: Network, demands: Demands) -> float:
    share, delay_ms = routes.arrivals(network.delay_ms)
    weight = share * demands.gbps
    total = float(weight.sum())
    return float(np.nan_to_num(delay_ms) @ weight) / total if total > 0 else 0.0


def _fullest(routes: Routes, network: Network, demands: Demands) -> float:
    """Return the utilisation of the fullest exit that is up, with the load of all others."""
    arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
    arcs = arcs[network.up[arcs] & (network.capacity_gbps[arcs] > 0)]
    load = network.background_gbps + routes.loads(demands.gbps)
    return float((load[arcs] / network.capacity_gbps[arcs]).max(initial=0.0))
