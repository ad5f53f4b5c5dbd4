"""Least mean delay with M/M/1 links: the classical routing problem, solved to a proven gap."""

from __future__ import annotations

from typing import ClassVar

from simulator.base.schema import NonNegative, Positive
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.tangents import least_delay
from simulator.routing.scheme import Scheme, scheme


@scheme("kleinrock")
class Kleinrock(Scheme):
    """Least Kleinrock delay plus weighted latency, exact over all paths to a small gap.

    Variables: the shares ``x[p]`` of every demand on its paths. Minimise ::

        sum over a of  load[a] / (capacity[a] - load[a])  /  Psi
          + latency_weight * (sum of flow times delay)  /  Lambda

    where the load includes the background, subject to the shares of every demand adding up to 1.
    ``Psi`` is the sum of rate times the least ``1 / capacity`` summed along a path, ``Lambda`` the
    sum of rate times least delay: both terms are 1 in an empty network. Beyond 99.9 % of a link the
    cost goes on with the slope that it has there, so that demands that do not fit have an answer.

    The convex cost is approached from below by its tangents on every arc (Kelley's method): solve
    the piecewise linear problem, add the tangents at the loads found, again until its value and the
    true cost of its answer differ by no more than ``gap``. Two links between two nodes obey the
    square-root rule: the smaller one is used from a load of ``C1 - sqrt(C1 C2)`` on.

    Source: Kleinrock, *Queueing Systems* II, 1976, section 5.4; Bertsekas and Gallager, *Data
    Networks*, 1992, section 5.4; Kelley, J. SIAM 8(4), 1960.

    Attributes
    ----------
    latency_weight : float
        Weight of propagation against queueing.
    gap : float
        Relative gap at which the search ends.
    """

    latency_weight: NonNegative = 1.0
    gap: Positive = 1e-6

    demand_aware: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate."""
        return least_delay(network, demands, latency_weight=self.latency_weight, gap=self.gap)
