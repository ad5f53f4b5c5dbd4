"""Best static splits: one fixed set of splits, the best there is for a whole planning window."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from simulator.base.schema import NonNegative
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.topology import LinkClass
from simulator.optimise.path_problem import without_zero_capacity
from simulator.optimise.window import Measure, WindowProblem
from simulator.routing.scheme import Scheme, scheme

_KEPT = 2
"""Plans kept: that of the whole network, and that of the last failure."""


@scheme("best_static")
class BestStatic(Scheme):
    """Fixed splits, the best there are for a whole planning window of expected traffic.

    The window has a rate ``r[k, t]`` for every demand *k* and instant *t*. Variables: ``x[p]``, the
    share of demand *k* on its path *p*, the same at all instants; ``theta[t]``, the utilisation
    limit of an instant. Minimise ::

        worst    the largest theta[t]
        mean     the mean of theta[t] over all instants

    subject to, for every demand *k* with a path, every arc *a* and every instant *t*::

        sum over p of k of  x[p]                          = 1
        sum over p through a of  r[k, t] x[p]  +  b[a]   <= theta[t] C[a]

    where ``b`` is background and ``C`` capacity. A second stage keeps that optimum and minimises
    latency: flow times delay, summed over all instants. With one instant this is ``min_max``. Exact
    over all paths: a path joins when it improves the cost at the prices, and the row of an arc at
    an instant when it is broken. Demands with the same profile in time share their prices. The
    certificate is about the window: ``mlu`` is the measure, ``objective`` the mean over instants of
    Gbps times ms, both with a bound that holds for all fixed splits.

    In a scenario the window is the traffic expected for up to a week from the start, at 336
    instants at most, without random parts and without surges; of a recording, what it holds before
    the scenario starts (the latest day or week at the same hours, else its mean, else its first
    matrix). After every change of topology the same window is
    planned for again, as soon as the IGP converges. That is optimistic: operators have less
    information, and plan in weeks. For traffic as expected no fixed splits are better by the
    measure; for other traffic nothing is guaranteed. Without a window, and as the scheme of a
    controller, it plans for the rates given alone.

    Source: Zhang et al., On Optimal Routing with Multiple Traffic Matrices, INFOCOM 2005; Pioro and
    Medhi, *Routing, Flow, and Capacity Design in Communication and Computer Networks*, 2004,
    chapter 11 (multi-hour design).

    Attributes
    ----------
    measure : str
        What is minimised of the window's maximum link utilisations: ``worst``, that of the worst
        instant, or ``mean``, their mean over all instants.
    classes : tuple of str
        Link classes whose utilisation is minimised; all when empty.
    others_cap : float
        Utilisation allowed on the links of the other classes at every instant, or the least
        possible there.
    """

    measure: Measure = "worst"
    classes: tuple[LinkClass, ...] = ()
    others_cap: NonNegative = 1.0

    demand_aware: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate.

        Raises
        ------
        ValueError
            The window is no table of finite rates with a row for every demand.
        """
        window = _window(demands)
        traffic = (demands.source, demands.target, demands.gbps, demands.traffic_class, window)
        asked = (network, *traffic)
        known = [each for each in self._known if _same(each[0], asked)]
        made = known[0] if known else (asked, self._solve(network, demands, window))
        self._known[:] = [*(each for each in self._known if each is not made), made][-_KEPT:]
        return made[1]

    def _solve(self, network: Network, demands: Demands, window: np.ndarray) -> Routes:
        able = without_zero_capacity(network)
        problem = WindowProblem(able, demands, window, self.measure, self.classes)
        return problem.solve(self.others_cap)

    @cached_property
    def _known(self) -> list[tuple[Any, Routes]]:
        """What was asked last and the answers: all days of a world begin with the same plan."""
        return []


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two plans are for the same network and the same traffic."""
    network, *arrays = one
    return network is other[0] and all(map(np.array_equal, arrays, other[1:]))


def _window(demands: Demands) -> np.ndarray:
    """Rates to plan for, shape (demands, instants)."""
    if demands.window_gbps is None:
        return demands.gbps[:, None]
    window = np.asarray(demands.window_gbps, dtype=float)
    if window.ndim != 2 or len(window) != len(demands) or not window.shape[1]:
        raise ValueError(
            f"window_gbps must have a row for each of {len(demands)} demands and a column for at "
            f"least one instant, found shape {window.shape}"
        )
    if not np.all(np.isfinite(window)) or np.any(window < 0):
        raise ValueError("every rate of window_gbps must be a finite number of Gbps, 0 or more")
    return window
