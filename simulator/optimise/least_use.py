"""Least use of limits: how full limited links must be, with the prices that prove it.

For loads ``room`` that are allowed on some arcs, ``theta`` is the least number such that some
routing loads none of them beyond ``theta * room``. As traffic grows ``theta`` is convex, and the
prices of its program are a line below it: at prices ``p`` of the arcs, demand *k* costs at least
its rate times ``length[k]``, its shortest path under ``p``. So where ::

    sum over k of rate[k] * length[k]  +  p @ background   >   p @ room

no routing keeps to the limits, whatever the rates are. Newton's method on these lines ends at the
largest growth at which ``theta`` is one, after a few of them: every line is a vertex of the dual
program, of which there are finitely many.

Source: Radzik, Newton's method for fractional combinatorial optimization, FOCS 1992.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.optimise.multicommodity import TwoStage
from simulator.optimise.path_problem import without_zero_capacity
from simulator.paths.candidates import Paths


class LeastUse(NamedTuple):
    """How full the limits must be.

    Attributes
    ----------
    theta : float
        Least share of the room that some arc with a limit takes; 0 where nothing has to use them.
    price : ndarray, shape (arcs,)
        Prices that prove it, the highest one 1; above 0 only on arcs with a limit.
    length : ndarray, shape (demands,)
        Price of the cheapest path of each demand; 0 for those without a rate or a path.
    """

    theta: float
    price: np.ndarray
    length: np.ndarray


def least_use(
    network: Network, demands: Demands, room_gbps: np.ndarray, paths: Paths | None = None
) -> LeastUse:
    """Return the least use of the room on the limited arcs.

    Parameters
    ----------
    network : Network
        Its ``background_gbps`` is load that stays where it is.
    room_gbps : ndarray, shape (arcs,)
        Load allowed on every arc; infinite for no limit.
    paths : Paths, optional
        The only paths to use; all when left out.
    """
    limited = np.isfinite(room_gbps)
    room = np.where(limited, room_gbps, network.capacity_gbps)
    able = without_zero_capacity(network.under(capacity_gbps=room))
    problem = TwoStage(able, demands, paths=paths, limited=paths is not None)
    if not len(problem.active):
        return LeastUse(0.0, np.zeros(len(room)), np.zeros(len(demands)))
    counts = problem.usable & limited
    found = problem.least_utilisation(counts, np.full(len(room), np.inf))
    assert found is not None, "without other limits some routing always keeps to theta"
    price = np.where(counts, problem.price, 0.0)
    # In units of the highest, so that what breaks ties of paths is small beside it.
    price = price / (price.max(initial=0.0) or 1.0)
    return LeastUse(found[0], price, _lengths(problem, price, paths))


def _lengths(problem: TwoStage, price: np.ndarray, paths: Paths | None) -> np.ndarray:
    """Price of the cheapest path of every demand, without what breaks ties."""
    length = np.zeros(len(problem.demands))
    k = problem.active
    if paths is None:
        near = problem.shortest(price)[2]
        found = Paths(k, *near.follow(problem.row[k], problem.demands.source[k]))
        length[k] = found.sums(price)
        return length
    best = np.full(len(length), np.inf)
    np.minimum.at(best, problem.paths.demand, problem.paths.sums(price))
    length[k] = best[k]
    return length
