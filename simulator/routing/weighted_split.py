"""Weighted split: spread international traffic over the exits in fixed shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import ClassVar, Literal

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.errors import did_you_mean
from simulator.base.schema import Name, NonNegative
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths.candidates import Paths, exit_paths
from simulator.paths.shortest import HOP_MS, destinations_of, ecmp, shortest_to
from simulator.routing.scheme import Scheme, scheme


@scheme("weighted_split")
class WeightedSplit(Scheme):
    """Every international demand spread over the exits that reach its region, in fixed shares.

    The share of demand *k* on exit *x* is ``w[x] / sum of w over X(k)``, where ``X(k)`` are the
    exits that are up, have a path for *k* in its direction and, with ``reach_stretch_ms``, are at
    most that much slower than the best of them; ``w`` is the capacity of the exit in that
    direction, or 1, or a given weight. Paths to and from an exit are the fastest (of equally fast
    ones, the fewest hops, then the link listed first), as tunnels would be laid. A demand for which
    no exit has a weight follows ECMP by IGP metric, and so does domestic traffic.

    Capacity is that of the network as shown. A static strategy reacts to a partial cable cut only
    when the topology next changes and its routes are computed again. Source: Zhou et al., WCMP:
    Weighted Cost Multipathing for Improved Fairness in Data Centers, EuroSys 2014; between exits,
    the BGP link bandwidth extended community.

    Attributes
    ----------
    by : str
        What shares are proportional to: ``capacity``, ``equal``, or ``weights``.
    weights : mapping of str to float
        Weight of each exit, with ``by: weights``; exits left out get nothing.
    reach_stretch_ms : float
        Exits whose path is slower than the best by more than this are not used; all are when left
        out.
    """

    by: Literal["capacity", "equal", "weights"] = "capacity"
    weights: dict[Name, NonNegative] = field(default_factory=dict)
    reach_stretch_ms: NonNegative | None = None

    topology_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.weights and self.by != "weights":
            raise ValueError(f"weights are given, but shares go by {self.by}: say by: weights")
        if self.by == "weights" and not any(self.weights.values()):
            raise ValueError("shares go by weights: give at least one exit a weight above 0")

    def problems(self, network: Network) -> Iterator[tuple[KeyPath, str]]:
        """Return names in the weights that are no exits."""
        exits = [network.links[i] for i in network.exits]
        for name in self.weights:
            if name not in exits:
                yield ("weights", name), f"no exit named {name!r}{did_you_mean(name, exits)}"

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return a path by way of every exit that has a share.

        Raises
        ------
        InputError
            The weights name an exit that is not there.
        """
        self.require_valid(network)
        weight = self._weights(network)
        length = network.delay_ms + HOP_MS
        destinations, row = destinations_of(network, demands)
        near = shortest_to(network, length, destinations)
        paths, shares = Paths.of([]), [np.empty(0)]
        for by_exit in exit_paths(network, demands, length, row, near):
            weighted = np.where(np.isfinite(by_exit.length), weight[by_exit.crossing][:, None], 0.0)
            weighted[~self._within_reach(network, by_exit.length, weighted > 0)] = 0.0
            place, which = np.nonzero(weighted)
            paths = paths.join(by_exit.paths(place, which))
            shares.append((weighted / np.maximum(weighted.sum(axis=0), 1e-300))[place, which])
        split = Routes.from_paths(
            network, len(demands), paths.demand, np.concatenate(shares), paths.arcs, paths.starts
        )
        return split.with_fallback(ecmp(network, demands, network.metric))

    def _within_reach(self, network: Network, length: np.ndarray, used: np.ndarray) -> np.ndarray:
        if self.reach_stretch_ms is None:
            return used
        slack = HOP_MS * len(network.nodes)  # hops tell equals apart; they make no exit slower
        best = np.where(used, length, np.inf).min(axis=0)
        return length <= best + self.reach_stretch_ms + slack

    def _weights(self, network: Network) -> np.ndarray:
        """Weight of every arc as an exit."""
        if self.by == "capacity":
            return network.capacity_gbps
        if self.by == "equal":
            return np.ones(len(network.tail))
        return np.repeat([self.weights.get(link, 0.0) for link in network.links], 2)
