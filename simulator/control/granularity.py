"""Granularity: traffic moves in pieces, and tables split it in whole entries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.control.settings import Pieces
from simulator.model.demands import Demands
from simulator.model.routes import Routes
from simulator.model.zipf import zipf_sizes
from simulator.paths.candidates import Paths

_ROUNDING = 1e-9


def in_pieces(routes: Routes, demands: Demands, pieces: Pieces) -> Routes:
    """Return routes on which every piece of a demand takes one path.

    Pieces are dealt out so that arcs get the load of the free splits: demands with most traffic
    first, their largest piece first, each to the path with the largest rest. The rest of a path is
    the smaller of two: what is left for this demand on it, and what is left, for all split demands
    together, on the arc of the path that has least left. So later demands make up for the rounding
    of earlier ones.

    Parameters
    ----------
    routes : Routes
        With free splits, made of paths.
    demands : Demands
        Those routed, as predicted.
    """
    parts = list(routes.paths())
    if not parts:
        return routes
    paths = Paths.of([(k, arcs) for k, _, arcs in parts])
    share = np.array([share for _, share, _ in parts])
    first = paths.duplicates()
    share = np.bincount(first, weights=share, minlength=len(share))
    number = np.bincount(paths.demand[share > _ROUNDING], minlength=len(demands))
    split = np.flatnonzero(number > 1)
    if not len(split):
        return routes
    sizes = zipf_sizes(pieces.count, pieces.skew)
    mine = (number[paths.demand] > 1) & (share > _ROUNDING)
    flow = np.where(mine, share * demands.gbps[paths.demand], 0.0)
    length = np.diff(paths.starts)
    left = np.bincount(paths.arcs, np.repeat(flow, length), len(routes.network.tail))
    names = demands.names
    for k in sorted(split.tolist(), key=lambda k: (-demands.gbps[k], names[k])):
        ways = np.flatnonzero(mine & (paths.demand == k))
        served, rate = float(share[ways].sum()), float(demands.gbps[k])
        arcs = [paths.arcs[paths.starts[p] : paths.starts[p + 1]] for p in ways]
        rest = share[ways] * rate
        given = np.zeros(len(ways))
        for size in sizes * served:
            way = int(np.argmax(np.minimum(rest, [left[each].min() for each in arcs])))
            given[way] += size
            rest[way] -= size * rate
            left[arcs[way]] -= size * rate
        share[ways] = given
    kept = np.flatnonzero((share > _ROUNDING) & (first == np.arange(len(share))))
    paths = paths.take(kept)
    made = Routes.from_paths(
        routes.network, len(routes), paths.demand, share[kept], paths.arcs, paths.starts
    )
    return replace(routes, layers=made.layers)
