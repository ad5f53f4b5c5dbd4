"""DecidedRoutes: what controllers decide, demand by demand: the rows of the table ``routes``."""

from __future__ import annotations

import numpy as np

from simulator.model.demands import Demands
from simulator.model.exit_shares import ExitShares
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths.by_metric import ByMetric
from simulator.paths.candidates import Paths
from simulator.simulation.clock import US_PER_S, Clock

WORDS = ("source", "target", "class", "service", "exit", "direction")
"""Columns that are words."""


class DecidedRoutes:
    """Exits and shares of every decision that is installed, for demands that cross the border.

    Rows of a demand hold until there are others of it: those that stay as they are have no new
    ones. A demand that no longer is steered has one row without an exit.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: tuple[Routes, Network, Demands] | None = None
        self._parts: list[dict[str, np.ndarray]] = []

    def install(self, routes: Routes, network: Network, demands: Demands) -> None:
        """Keep what is installed at this instant.

        Parameters
        ----------
        network : Network
            As the controller sees it; its metrics tell which inner paths are those of the IGP.
        demands : Demands
            Those that *routes* are of, as predicted.
        """
        changed = np.arange(len(routes))
        if self._last is not None:
            changed = routes.changed(self._last[0])
        self._last = routes, network, demands
        self._add(changed, routes, network, demands)

    def withdraw(self) -> None:
        """Keep that all traffic has returned to the static routes."""
        if self._last is not None:
            (routes, network, demands), self._last = self._last, None
            steered = np.flatnonzero(routes.served > 0)
            self._add(steered, routes.scaled(0.0), network, demands)

    def columns(self) -> dict[str, np.ndarray]:
        """Return all rows as columns; empty where nothing was decided."""
        names = self._parts[0] if self._parts else ()
        return {name: np.concatenate([part[name] for part in self._parts]) for name in names}

    def _add(self, changed: np.ndarray, routes: Routes, network: Network, demands: Demands) -> None:
        """Add the rows of some demands."""
        crosses = network.is_abroad[demands.source] != network.is_abroad[demands.target]
        changed = changed[crosses[changed]]
        if not len(changed):
            return
        mine, some = routes.take(changed), demands.take(changed)
        shares = ExitShares.of(mine.matrix, network)
        without = np.setdiff1d(np.arange(len(changed)), shares.demand)
        demand = np.append(shares.demand, without)
        order = np.argsort(demand, kind="stable")
        arc = np.append(shares.arc, np.full(len(without), -1))[order]
        none = np.zeros(len(without))
        at, names = demand[order], np.array(demands.nodes, dtype=object)
        links = np.append(np.repeat(np.array(network.links, dtype=object), 2), "")
        columns = {
            "time_s": np.full(len(at), self._clock.now / US_PER_S),
            "source": names[some.source[at]],
            "target": names[some.target[at]],
            "class": some.traffic_class[at],
            **({} if some.service is None else {"service": some.service[at]}),
            "exit": links[arc],
            "direction": np.array([*network.directions, ""], dtype=object)[arc],
            "share": np.append(shares.share, none)[order],
            "igp_share": np.append(_by_igp(mine, shares, network, some), none)[order],
            "predicted_gbps": some.gbps[at],
        }
        self._parts.append(columns)


def _by_igp(routes: Routes, shares: ExitShares, network: Network, demands: Demands) -> np.ndarray:
    """Return the part of each share that follows the first shortest path by metric.

    NaN where paths are too many to list.
    """
    listed = routes.listed
    if listed is None:
        return np.full(len(shares.share), np.nan)
    paths = Paths(listed.demand, listed.arcs, listed.starts)
    known = set(ByMetric.of(network, demands).paths.marks())
    own = np.array([mark in known for mark in paths.marks()], dtype=bool)
    part = Routes.from_paths(
        network, len(routes), paths.demand, listed.share * own, paths.arcs, paths.starts
    )
    return ExitShares.of(part.matrix, network).at(shares.demand, shares.arc)
