"""Static: next hops of the project's shortest paths, and those that routers have."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import sparse

from simulator.export.addresses import AddressPlan
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.verify.kernel import Hops, Table
from simulator.verify.routers import Routers, wait_for

Pair = tuple[str, str]
SETTLED_WITHIN_S = 20.0
_POLL_S = 0.25


class Wrong(NamedTuple):
    """A router that sends traffic to a destination elsewhere than the project does.

    Attributes
    ----------
    router, destination : str
    expected, held : mapping of str to int
        Weight of each next hop.
    """

    router: str
    destination: str
    expected: Hops
    held: Hops


def static_hops(plan: AddressPlan, network: Network) -> dict[Pair, dict[str, int]]:
    """Return the next hops of ``igp_ecmp`` for every router and destination that it connects.

    Parameters
    ----------
    network : Network
        That of the plan, whole or after faults.
    """
    names = [(a, b) for a in network.nodes for b in network.nodes if a != b]
    sources, targets = zip(*names, strict=True)
    demands = Demands.of(network, sources, targets, np.ones(len(names)))
    routes = IgpEcmp().route(network, demands)
    shares = sparse.coo_array(routes.matrix)
    arc, pair = shares.coords
    first = (network.tail[arc] == demands.source[pair]) & (shares.data > 0)
    found: dict[Pair, dict[str, int]] = {}
    for at, which in zip(arc[first].tolist(), pair[first].tolist(), strict=True):
        far = plan.link_addresses(network.links[at // 2])[1 - at % 2]
        found.setdefault(names[which], {})[str(far)] = 1
    return found


def wrong_of(
    expected: Mapping[Pair, Hops], tables: Mapping[str, Table], plan: AddressPlan
) -> list[Wrong]:
    """Return the pairs whose routers have other next hops than expected."""
    found = []
    for (node, to), hops in expected.items():
        mine = tables[node].get(str(plan.loopbacks[to]), {})
        if set(mine) != set(hops):
            found.append(Wrong(node, to, hops, mine))
    return found


def settled(routers: Routers, expected: Mapping[Pair, Hops]) -> tuple[list[Wrong], float]:
    """Wait until next hops are as expected; return those that never are, and the seconds."""
    nodes = sorted({node for node, _ in expected})
    wrong: list[Wrong] = []

    def right() -> bool:
        wrong[:] = wrong_of(expected, routers.tables(nodes), routers.plan)
        return not wrong

    began = time.monotonic()
    wait_for(right, SETTLED_WITHIN_S, _POLL_S)
    return wrong, time.monotonic() - began
