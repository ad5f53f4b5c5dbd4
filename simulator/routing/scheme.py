"""The contract of this folder: a scheme turns (network, demands, current routes) into routes.

A scheme is a frozen value without any notion of time. Adding one is adding a file here::

    @scheme("my_scheme")
    class MyScheme(Scheme):
        \"\"\"One line that ``simulator list schemes`` prints.\"\"\"

        some_option: Positive = 1.0

        def route(self, network, demands, current=None): ...
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from simulator.base.document import dotted
from simulator.base.errors import InputError, Problem
from simulator.base.registry import Registered, Registry
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes


class Scheme(Registered):
    """What every scheme offers; only :meth:`route` has no default.

    Attributes
    ----------
    demand_aware : bool
        Whether the answer depends on the rates. A scheme that looks only at the topology is not
        run again when only traffic changes.
    shapes : bool
        Whether the scheme may admit only part of a demand and leave the rest to wait at its
        source. It says how much in ``Routes.throttled``, so that no static rules carry it either.
    default_control : str
        Kind of control of a strategy with this scheme that names none.
    cost : callable or None
        What the scheme minimises, for any routes: a method that takes (network, routes, rates in
        Gbps as demands x instants) and returns the cost in Gbps ms, shape (instants,). With perfect
        information the scheme is the yardstick of ``regret`` then; None without such a cost.
    """

    demand_aware: ClassVar[bool] = False
    shapes: ClassVar[bool] = False
    default_control: ClassVar[str] = "loop"
    cost: ClassVar[Callable[..., np.ndarray] | None] = None

    @abstractmethod
    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return routes for *demands*.

        Parameters
        ----------
        network : Network
            As the scheme sees it: with what is down, and with the load it must live with.
        demands : Demands
            As the scheme believes them to be.
        current : Routes, optional
            Routes now in force, for schemes that avoid needless moves.
        """

    def require_valid(self, network: Network) -> None:
        """Raise an InputError with all :meth:`problems`: the settings do not fit the network."""
        found = [Problem("", None, None, dotted(path), m) for path, m in self.problems(network)]
        if found:
            raise InputError(found)


scheme = Registry("routing scheme", "simulator.routing", contract=Scheme)
