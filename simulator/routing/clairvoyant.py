"""The bound: routes for the true traffic of every moment, without delay, error or caution."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulator.base.schema import NonNegative, Positive
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise import path_simplex
from simulator.optimise.path_problem import without_zero_capacity
from simulator.optimise.piecewise import PiecewiseProblem
from simulator.routing.scheme import Scheme, scheme


@scheme("clairvoyant")
class Clairvoyant(Scheme):
    """Least latency with a price on load above the cap, for the true traffic: the yardstick.

    Variables: the shares ``x`` of every demand on its paths. Minimise ::

        sum over arcs a of  delay[a] * load[a]
                          + overload_ms * max(0, load[a] + background[a] - cap * capacity[a])

    subject to the shares of every demand adding up to one. So a Gbps goes the fastest way that
    stays below the cap, and where there is none each Gbps above it costs ``overload_ms``. The cost
    is a rate in Gbps ms, defined for the routes of every other scheme as well: their cost above
    that of these routes is their **regret**. Exact over all paths (``optimise/piecewise.py``), with
    a bound in the certificate.

    A strategy with this scheme and no ``control`` has perfect information: it routes all traffic at
    its true rates of every step and with every fault, without delay. Every strategy of the scenario
    then has a figure ``regret``.

    Attributes
    ----------
    utilisation_cap : float
        Utilisation up to which load costs nothing but its latency.
    overload_ms : float
        Price of a Gbps above it on one link. 1,000 ms is the least time that a lost packet costs a
        sender with no other sign of the loss (RFC 6298: the least retransmission timeout).
    """

    utilisation_cap: NonNegative = 0.85
    overload_ms: Positive = 1000.0

    demand_aware: ClassVar[bool] = True
    default_control: ClassVar[str] = "perfect_information"

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate."""
        arcs, price = len(network.tail), self.overload_ms
        limit = np.full(arcs, self.utilisation_cap)
        # Where all fits below the cap at prices that no overload beats, latency alone decides.
        fits = path_simplex.route(network, demands, limit, np.ones(arcs, bool), current, price)
        if fits is not None:
            return fits
        # With a cap of zero all load is above it: one segment, not an empty one before it.
        bends = np.array([0.0, self.utilisation_cap] if self.utilisation_cap > 0 else [0.0])
        slopes = np.array([0.0, price] if self.utilisation_cap > 0 else [price])
        problem = PiecewiseProblem(without_zero_capacity(network), demands, bends, slopes)
        if not len(problem.active):
            return problem.nothing()
        problem.slopes = slopes / problem.delay_unit
        return problem.solve(problem.delay, problem.unit * problem.delay_unit)

    def cost(self, network: Network, routes: Routes, rates_gbps: np.ndarray) -> np.ndarray:
        """Cost of any routes: what this scheme minimises.

        Traffic that is not served, or meets a link that is down, costs more than the longest path
        there could be with every hop overloaded, so that losing it never pays.

        Parameters
        ----------
        network : Network
            As it stands.
        routes : Routes
        rates_gbps : ndarray, shape (demands, instants)

        Returns
        -------
        ndarray, shape (instants,)
            In Gbps ms.
        """
        load, served = routes.loads(rates_gbps), routes.served[:, None]
        passes = network.up & (network.capacity_gbps > 0)
        if load[~passes].any():
            alive = passes.astype(float)[:, None]
            load = routes.loads(rates_gbps, np.broadcast_to(alive, load.shape)) * alive
            served = routes.arrivals(network.delay_ms, alive)[0]
        room = self.utilisation_cap * network.capacity_gbps - network.background_gbps
        # Background above the cap is no fault of the routes.
        over = np.maximum(load - np.maximum(room, 0.0)[:, None], 0.0).sum(axis=0)
        unserved = (np.clip(1.0 - served, 0.0, 1.0) * rates_gbps).sum(axis=0)
        hops = len(network.nodes)
        longest_ms = np.sort(network.delay_ms)[-hops:].sum() + self.overload_ms * hops
        return np.asarray(network.delay_ms @ load + self.overload_ms * over + longest_ms * unserved)
