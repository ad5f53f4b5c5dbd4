"""ArrivalRoutes: the ways home of inbound traffic, by the exit where it lands."""

from __future__ import annotations

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths.candidates import paths_by_exit
from simulator.routing.igp_ecmp import IgpEcmp


class ArrivalRoutes:
    """Routes of inbound demands, of which a share lands at each exit.

    From where it lands traffic follows the metric. What lands where the static routes of the
    metric lead it is on these, equal-cost paths and all.

    Parameters
    ----------
    demands : Demands
        The inbound ones.
    exit_arcs : ndarray of int, shape (exits,)
    """

    def __init__(self, demands: Demands, exit_arcs: np.ndarray) -> None:
        self._demands, self._exits = demands, exit_arcs
        self._seen: Network | None = None

    def over(self, network: Network, share: np.ndarray, lost: np.ndarray | None = None) -> Routes:
        """Return routes with these shares of every demand by every exit.

        Parameters
        ----------
        network : Network
            In its present state.
        share : ndarray, shape (demands, exits)
        lost : ndarray, shape (demands, exits), optional
            Shares that are lost behind each exit: they load links as far as there.
        """
        if self._seen is not network:
            self._find(network)
        if lost is None or not lost.any():
            return self._delivered(network, share)
        left = 1.0 - lost.sum(axis=1, keepdims=True)
        of_left = np.divide(share, left, out=np.zeros_like(share), where=left > 1e-12)
        return self._dropped(network, lost).with_fallback(self._delivered(network, of_left))

    def are_static(self, routes: Routes) -> bool:
        """Whether routes are the static ones: all lands where these lead it."""
        return routes is self._static

    def delays_ms(self, network: Network) -> np.ndarray:
        """Propagation of every demand by every exit; infinite where there is no way."""
        if self._seen is not network:
            self._find(network)
        found = np.append(self._paths.sums(network.delay_ms), np.inf)
        return np.asarray(found[self._place])

    def _delivered(self, network: Network, share: np.ndarray) -> Routes:
        """Return routes on which all that lands gets home."""
        elsewhere = np.where(self._natural, 0.0, share)
        demand, place = np.nonzero((elsewhere > 0) & (self._place >= 0))
        if not len(demand):
            return self._static
        paths = self._paths.take(self._place[demand, place])
        by_exit = Routes.from_paths(
            network,
            len(self._demands),
            demand,
            elsewhere[demand, place],
            paths.arcs,
            paths.starts,
        )
        return by_exit.with_fallback(self._static)

    def _dropped(self, network: Network, lost: np.ndarray) -> Routes:
        """Return the ways to the exits behind which traffic is lost."""
        demand, place = np.nonzero((lost > 0) & (self._place >= 0))
        paths = self._paths.take(self._place[demand, place])
        which = np.repeat(np.arange(len(demand)), np.diff(paths.starts))
        crosses = paths.arcs == self._exits[place][which]
        after = np.cumsum(crosses) - crosses  # exits crossed before, by this path and all earlier
        to_exit = after == which
        starts = np.concatenate(
            [[0], np.cumsum(np.bincount(which[to_exit], minlength=len(demand)))]
        )
        share = lost[demand, place]
        arcs = paths.arcs[to_exit]
        ways = Routes.from_paths(network, len(self._demands), demand, share, arcs, starts)
        return ways.dropped(lost.sum(axis=1))

    def _find(self, network: Network) -> None:
        self._seen = network
        self._static = IgpEcmp().route(network, self._demands)
        by_exit = self._static.matrix[self._exits].toarray().T
        self._natural = by_exit > 1.0 - 1e-9
        self._paths, self._place = paths_by_exit(
            network, self._demands, self._exits, network.metric
        )
