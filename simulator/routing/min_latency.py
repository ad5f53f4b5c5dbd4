"""Least latency that keeps every link below a utilisation cap: the SDN controller's default."""

from __future__ import annotations

from typing import ClassVar

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.routing import multicommodity
from simulator.routing.scheme import scheme
from simulator.schema import NonNegative


@scheme("min_latency")
class MinLatency:
    """Least total latency with utilisation at most max(least MLU, ``utilisation_cap``).

    Minimise the sum of flow times propagation delay subject to: the flows over the paths of every
    demand add up to its rate, and the flow on every arc plus its background is at most
    ``max(theta*, utilisation_cap)`` times its capacity, where ``theta*`` is the least maximum
    utilisation that any routing of these demands reaches. Exact over all paths by column
    generation (``routing/multicommodity.py``).

    Attributes
    ----------
    utilisation_cap : float
        Utilisation tolerated for the sake of latency.
    """

    utilisation_cap: NonNegative = 0.85

    demand_aware: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate."""
        return multicommodity.route(network, demands, utilisation_cap=self.utilisation_cap)
