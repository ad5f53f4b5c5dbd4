"""Least bill: exits are filled to what is paid for, and take turns in the slots that are free."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulator.base.schema import NonNegative, Positive
from simulator.model.billing import MBPS_PER_GBPS, Allowance
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.path_problem import nine_digits, without_zero_capacity
from simulator.optimise.piecewise import PiecewiseProblem
from simulator.routing.scheme import Scheme, scheme

_OVER_CAP, _OVER_CAPACITY = 10.0, 1000.0
"""Cost of a unit of load above the cap and above capacity, in units of the highest price."""
_BURST_SHARE = (0.1, 0.5)
"""Share of the price that a burst counts with: of the first turn, and of the last."""


@scheme("burst_billing")
class BurstBilling(Scheme):
    """Least bill at the 95th percentile: free slots are used in turn.

    Every exit has a rate that is paid for in this month: what it may carry without a higher bill.
    Minimise ::

        sum over exits of  1000 price (load above what is paid for)
          + usd_per_gbps_ms (sum of flow times delay)

    with load above ``utilisation_cap`` of a link at ten times the highest price, and above its
    capacity at a thousand times. Where free slots are left, load above what is paid for counts with
    a tenth of the price at the exit with the most slots left, up to half of it at the one with the
    fewest. So a slot is used only where that keeps another exit from a higher bill, and as far as
    it has room one exit bursts and not many. In a slot that is free already it counts with nothing.
    Exact over all paths (``optimise/piecewise.py``), with a Lagrangian bound.

    What is paid for and which slots are left is the controller's account of the month
    (``control/bill_account.py``): it plans the levels on the planning window
    (``optimise/bursts.py``) and counts the slots. Without a controller, or without exits with a
    price, nothing is paid for and none are left, so that the cheapest exits are filled first.

    Source: Singh et al., Cost-Effective Cloud Edge Traffic Engineering with Cascara, NSDI 2021
    (planned levels, bursts in turn); the levels and the turns here are simpler.

    Attributes
    ----------
    utilisation_cap : float
        Utilisation up to which a link may be filled.
    usd_per_gbps_ms : float
        What a ms of latency of a Gbps is worth in a month.
    """

    utilisation_cap: Positive = 0.95
    usd_per_gbps_ms: NonNegative = 1.0

    demand_aware: ClassVar[bool] = True
    heeds_bills: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate."""
        able = without_zero_capacity(network)
        problem = PiecewiseProblem(able, demands, np.zeros(1), np.zeros(1))
        if not len(problem.active):
            return problem.nothing()
        price = _prices(able) * MBPS_PER_GBPS
        unit = max(float(price.max()), self.usd_per_gbps_ms * problem.delay_unit) or 1.0
        allowance = able.allowance or _nothing_paid(price)
        paid = np.clip(allowance.paid_gbps / able.capacity_gbps.clip(1e-300), 0.0, 1.0)
        bends, slopes = self._segments(nine_digits(paid), _discounted(price, allowance) / unit)
        # Exits of one price are equally good: the dual simplex stays with one of them.
        problem.always_dual = True
        problem.bends, problem.slopes = bends[problem.arc_rows], slopes[problem.arc_rows]
        return problem.solve(able.delay_ms * (self.usd_per_gbps_ms / unit), unit * problem.unit)

    def _segments(self, paid: np.ndarray, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the cost of every arc bends, and its slopes: paid for, billed, too full, lost."""
        cap = np.full_like(paid, self.utilisation_cap)
        bends = [0.0 * paid, np.minimum(paid, cap), cap, np.maximum(cap, 1.0)]
        slopes = [0.0 * price, price, price + _OVER_CAP, price + _OVER_CAPACITY]
        return np.stack(bends, axis=1), np.stack(slopes, axis=1)


def _prices(network: Network) -> np.ndarray:
    """Price of every arc in USD per Mbps and month; 0 where there is none."""
    price = np.zeros(len(network.tail))
    for i in network.exits:
        found = network.attributes(network.links[i]).get("price_usd_per_mbps")
        price[[2 * i, 2 * i + 1]] = found or 0.0
    return price


def _nothing_paid(price: np.ndarray) -> Allowance:
    none = np.zeros(len(price), dtype=np.int64)
    return Allowance(np.where(price > 0, 0.0, np.inf), none, none > 0)


def _discounted(price: np.ndarray, allowance: Allowance) -> np.ndarray:
    """Price of load above what is paid for: the less, the earlier the turn of an arc that bursts.

    A price is left, so that nothing bursts which need not; a slot that is free already has none.
    """
    able = np.flatnonzero((allowance.bursts > 0) & (price > 0))
    turn = able[np.argsort(-allowance.bursts[able], kind="stable")]
    share = np.ones(len(price))
    share[turn] = np.linspace(*_BURST_SHARE, len(turn))
    share[allowance.bursting] = 0.0
    return price * share
