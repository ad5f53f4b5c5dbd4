"""Homed: every province has its gateway, and keeps it while it is up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from simulator.base.document import KeyPath
from simulator.base.errors import did_you_mean
from simulator.base.schema import Name
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths import gateways
from simulator.routing.scheme import Scheme, scheme

Preferences = Annotated[tuple[Name, ...], Field(min_length=1)]


@scheme("homed")
class Homed(Scheme):
    """A fixed table of gateways per province; the next in line only when one is withdrawn.

    For every demand that crosses the border, the gateway is the first in the row of its end at
    home that has, in the direction of the demand, a path between that end and itself and a path
    between its own exits and the end abroad. Load never moves traffic. Without a row, or with all
    of the row withdrawn, the gateway is the nearest by IGP metric, as in ``nearest_exit``. Inbound
    mirrors outbound: a province's prefixes are announced at its preferred gateway. Inside the
    country and beyond the gateway the least metric decides, split per hop over equal costs (ECMP).
    Domestic traffic follows ECMP. Source: BGP local preference, RFC 4271 section 9.1.1.

    Attributes
    ----------
    table : mapping of str to tuple of str
        Gateways of a node at home, the preferred first: ``{prov-hebei: [igw-beijing]}``.
    """

    table: dict[Name, Preferences] = field(default_factory=dict)

    topology_only: ClassVar[bool] = True

    def problems(self, network: Network) -> Iterator[tuple[KeyPath, str]]:
        """Return names in the table that are no node at home or no gateway with an exit."""
        inland = [network.nodes[node] for node in np.flatnonzero(~network.is_abroad)]
        known = [network.nodes[node] for node in network.gateways]
        for name, preferred in self.table.items():
            if name not in inland:
                message = f"no node at home named {name!r}{did_you_mean(name, inland)}"
                yield ("table", name), message
            for gateway in preferred:
                if gateway not in known:
                    message = f"no gateway named {gateway!r}{did_you_mean(gateway, known)}"
                    yield ("table", name), message

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return splits for every pair of gateway and destination.

        Raises
        ------
        InputError
            The table names a node that is not at home, or a gateway that has no exit.
        """
        self.require_valid(network)
        distance = gateways.gateway_distances(network, demands)
        home, _ = gateways.home_and_abroad(network, demands)
        share = gateways.nearest(network, distance)
        column = {network.nodes[node]: i for i, node in enumerate(network.gateways)}
        for name, preferred in self.table.items():
            here = home == network.node_index[name]
            for gateway in reversed(preferred):
                mine = here & np.isfinite(distance[:, column[gateway]])
                share[mine] = np.arange(share.shape[1]) == column[gateway]
        return gateways.by_gateway(network, demands, share)
