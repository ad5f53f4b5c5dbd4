"""Equal splits: routers choose among exits, and have no weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.control.carriers.carrier import Carrier, Inside, carrier
from simulator.model.demands import Demands
from simulator.model.exit_shares import ExitShares


@carrier("ecmp_only")
class EcmpOnly(Carrier):
    """A tunnel from each source to each exit of a set, in equal shares.

    For routers that take several paths and ignore their weights, as BIRD does with the link
    bandwidth community of others. Of each demand the exits with the largest shares are taken, as
    many as bring equal shares nearest to what is asked for.

    Attributes
    ----------
    inside : str
        How tunnels lie: ``explicit`` along the paths of the decision, ``igp`` along the first of
        the shortest paths by metric.
    """

    inside: Inside = "explicit"  # type: ignore[misc]

    def carried(self, asked: ExitShares, demands: Demands) -> ExitShares:
        """Return equal shares over the exits of each demand that come nearest."""
        order = np.lexsort((asked.arc, -np.round(asked.share, 9), asked.demand))
        demand, share = asked.demand[order], asked.share[order]
        first, served = asked.first, asked.served
        begin = np.zeros(asked.demands, dtype=np.int64)
        begin[demand[first]] = first
        rank = np.arange(len(demand)) - begin[demand]
        best, least = np.zeros(asked.demands, dtype=np.int64), np.full(asked.demands, np.inf)
        for count in range(1, int(rank.max(initial=0)) + 2):
            inside = rank < count
            equal = served[demand] / count
            missed = np.where(inside, np.abs(share - equal), share)
            apart = np.bincount(demand, missed, asked.demands)
            has = np.bincount(demand, inside, asked.demands) == count
            nearer = has & (apart < least - 1e-9)
            best[nearer], least[nearer] = count, apart[nearer]
        kept = rank < best[demand]
        chosen = np.sort(order[kept])
        equal = served / np.maximum(best, 1)
        return replace(
            asked,
            demand=asked.demand[chosen],
            arc=asked.arc[chosen],
            share=equal[asked.demand[chosen]],
        )
