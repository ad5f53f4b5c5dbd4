"""RouteStore: routes that follow from the topology alone, made once for each state of it."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.routing.scheme import Scheme

MOST_KEPT = 8
"""Routes kept: strategies ask for those of one state at about one time."""


class _Made(NamedTuple):
    scheme: Scheme
    network: Network
    demands: Demands
    routes: Routes


class RouteStore:
    """The last routes of schemes that look at the topology alone, for all strategies.

    Several strategies have the same static routes, and headroom asks for them again. What was
    computed on them (matrix, paths, fingerprints) is shared with them.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, int], _Made] = OrderedDict()

    def route(
        self, scheme: Scheme, network: Network, demands: Demands, current: Routes | None = None
    ) -> Routes:
        """Return what :meth:`Scheme.route` does; the same object for the same topology."""
        if not scheme.topology_only:
            return scheme.route(network, demands, current)
        # What is kept holds its network and demands, so that their ids are not given again.
        key = scheme.kind, id(network), id(demands)
        made = self._kept.pop(key, None)
        if made is None or made.scheme != scheme:
            made = _Made(scheme, network, demands, scheme.route(network, demands, current))
        self._kept[key] = made
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return made.routes
