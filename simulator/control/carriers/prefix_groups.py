"""Prefix groups: routers choose an exit by destination, the same one everywhere."""

from __future__ import annotations

import numpy as np

from simulator.base.schema import NonNegative, PositiveInt
from simulator.control.carriers.carrier import Carrier, carrier
from simulator.model.demands import Demands
from simulator.model.exit_shares import ExitShares
from simulator.model.zipf import zipf_sizes
from simulator.paths.by_metric import ByMetric


@carrier("prefix_groups")
class PrefixGroups(Carrier):
    """Hop by hop without weights: each group of a destination's prefixes by one exit, everywhere.

    Routers without tunnels forward by destination, so that a choice holds for all sources or is
    undone on the way. The prefixes of a destination (a region, or of inbound traffic a province)
    fall in groups. Each goes as a whole by one of the exits that the decision uses for that
    destination: groups with most traffic first, each to the exit that has most left of what it was
    to carry. Inside, traffic follows the first of the shortest paths by metric.

    Attributes
    ----------
    count : int
        Groups of each destination.
    skew : float
        Exponent of the Zipf law of their sizes; 0 for equal ones. 1.0 for traffic over prefixes
        (Sarrar et al., CCR 2012).
    """

    count: PositiveInt = 4
    skew: NonNegative = 1.0

    def carried(self, asked: ExitShares, demands: Demands) -> ExitShares:
        """Return one exit for each group of each destination."""
        return by_destination(asked, demands, zipf_sizes(self.count, self.skew))


def by_destination(asked: ExitShares, demands: Demands, sizes: np.ndarray) -> ExitShares:
    """Return exits in which every group of a destination takes one, whatever the source.

    Parameters
    ----------
    sizes : ndarray, shape (groups,)
        Share of a destination's traffic in each of its groups, the largest first.

    Sources from which different exits can be reached choose by themselves.
    """
    rate = asked.share * demands.gbps[asked.demand]
    destination = _destinations(asked, demands)
    ends, end = np.unique(destination[asked.demand], return_inverse=True)
    arcs, column = np.unique(asked.arc, return_inverse=True)
    wanted = np.zeros((len(ends), len(arcs)))
    np.add.at(wanted, (end, column), rate)
    used = np.zeros(wanted.shape, dtype=bool)
    used[end, column] = True
    total, left = wanted.sum(axis=1), wanted.sum(axis=0)
    exit_of = np.zeros((len(ends), len(sizes)), dtype=np.int64)
    for i in sorted(range(len(ends)), key=lambda i: (-total[i], i)):
        rest = wanted[i].copy()
        for group, size in enumerate(sizes * total[i]):
            room = np.where(used[i], np.minimum(rest, left), -np.inf)
            at = int(room.argmax())
            exit_of[i, group] = at
            rest[at] -= size
            left[at] -= size
    served, mine = asked.served, asked.demand[asked.first]
    place = end[asked.first]
    demand = np.repeat(mine, len(sizes))
    arc = arcs[exit_of[place].ravel()]
    share = np.outer(served[mine], sizes).ravel()
    return ExitShares.summed(asked.network, asked.demands, demand, arc, share)


def _destinations(asked: ExitShares, demands: Demands) -> np.ndarray:
    """Return a number for every demand: its target, and the exits by which it gets there.

    In the order of the names of targets.
    """
    reached = ByMetric.of(asked.network, demands).place >= 0
    _, sets = np.unique(reached, axis=0, return_inverse=True)
    order = np.argsort(np.argsort(np.array(demands.nodes, dtype=str), kind="stable"))
    keys = np.stack([order[demands.target], sets.ravel()], axis=1)
    return np.unique(keys, axis=0, return_inverse=True)[1].ravel()
