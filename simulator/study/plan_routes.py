"""Plan routes: the fixed shares of a plan as routes on the upgraded network."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.exit_cuts import HOME, ExitNetwork
from simulator.optimise.plan_splits import SplitPart
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.study.plan_case import PlanCase

_NOTHING = 1e-9


def split_matrix(
    case: PlanCase, part: SplitPart, way: str, network: Network
) -> tuple[csr_array, float]:
    """Return the share of each demand of a direction on every arc, and the least that is served.

    From a home to the border traffic goes by shortest paths; from there on by the shares of its end
    abroad, path by path.

    Parameters
    ----------
    network : Network
        With the modules of the plan, after a failure.
    """
    side = case.sides[way]
    paths = _paths(side.net, _of_way(case, part, way))
    known = {link: i for i, link in enumerate(network.links)}
    names = case.network.links
    demand, share, arcs, starts = [], [], [], [0]
    enters: dict[tuple[int, int], float] = {}
    for end, found in enumerate(paths):
        mine = np.flatnonzero(side.far == end).tolist()
        for size, rows in found:
            whole = [int(side.net.arcs[row]) for row in rows]
            if any(names[arc // 2] not in known for arc in whole):
                return csr_array((len(network.tail), len(side.mine))), 0.0  # never bought
            own = [2 * known[names[arc // 2]] + arc % 2 for arc in whole]
            own = own if way == "out" else own[::-1]
            for i in mine:
                demand.append(i)
                share.append(size)
                arcs += own
                starts.append(len(arcs))
            home = int(network.tail[own[0]] if way == "out" else network.head[own[-1]])
            enters[end, home] = enters.get((end, home), 0.0) + size
    made = Routes.from_paths(network, len(side.mine), np.array(demand), np.array(share),
                             np.array(arcs), np.array(starts))  # fmt: skip
    legs, reached = _legs(case, way, network, enters)
    return csr_array(made.matrix + legs), min(float(made.served.min(initial=1.0)), reached)


def _legs(
    case: PlanCase, way: str, network: Network, enters: dict[tuple[int, int], float]
) -> tuple[csr_array, float]:
    """What goes between homes and the border, by shortest paths."""
    side, nodes = case.sides[way], np.array(network.nodes, dtype=object)
    pairs: dict[tuple[int, int], int] = {}
    rows, columns, shares = [], [], []
    for (end, border), size in enters.items():
        for i in np.flatnonzero(side.far == end).tolist():
            home = int(side.homes[side.near[i]])
            if home == border:
                continue
            rows.append(pairs.setdefault((home, border), len(pairs)))
            columns.append(i)
            shares.append(size)
    if not pairs:
        return csr_array((len(network.tail), len(side.mine))), 1.0
    near, far = np.array(list(pairs)).T
    source, target = (near, far) if way == "out" else (far, near)
    asked = Demands.of(network, nodes[source], nodes[target], np.ones(len(pairs)))
    # Links into gateways are crossed once, as shares say: no shortest path at home goes by them.
    into = {side.net.arcs[row] // 2 for row in np.flatnonzero(~side.net.is_exit)}
    held = {case.network.links[link] for link in into}
    inner = np.array([link not in held for link in network.links])
    routes = IgpEcmp().route(network.under(up=network.up & np.repeat(inner, 2)), asked)
    if (routes.served < 1.0 - _NOTHING).any():
        routes = IgpEcmp().route(network, asked)
    weights = csr_array((shares, (rows, columns)), shape=(len(pairs), len(side.mine)))
    return csr_array(routes.matrix @ weights), float(routes.served.min())


def _of_way(case: PlanCase, part: SplitPart, way: str) -> np.ndarray:
    """Return the shares of a direction, shape (arcs of its exit network, ends)."""
    if part.way == way:
        return part.shares
    first = 0
    for name, side in case.sides.items():
        if name == way:
            break
        first += len(side.ends)
    rows = np.searchsorted(part.ways.arcs, case.sides[way].net.arcs)
    return part.shares[rows, first : first + len(case.sides[way].ends)]


def _paths(net: ExitNetwork, shares: np.ndarray) -> list[list[tuple[float, list[int]]]]:
    """Return the flow of every end as paths from home: share, and rows of the exit network."""
    found = []
    for end, node in enumerate(net.ends.tolist()):
        left = shares[:, end].copy()
        mine: list[tuple[float, list[int]]] = []
        while True:
            rows: list[int] = []
            at = HOME
            while at != node:
                out = np.flatnonzero((net.tail == at) & (left > _NOTHING))
                if not len(out) or len(rows) > len(net.arcs):
                    break
                rows.append(int(out[left[out].argmax()]))
                at = int(net.head[rows[-1]])
            if at != node:
                break
            size = float(left[rows].min())
            left[rows] -= size
            mine.append((size, rows))
        found.append(mine)
    return found
