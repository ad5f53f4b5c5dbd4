"""The contract of this folder: a scheme turns (network, demands, current routes) into routes.

A scheme is a frozen value and has no notion of time. Adding one is adding a file here::

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

from simulator.base.registry import Registered, Registry
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes

Cost = Callable[[Network, Routes, np.ndarray], np.ndarray]
"""Takes a network, any routes on it and rates in Gbps (demands x instants); returns the cost of
those routes in Gbps ms, shape (instants,)."""


class Scheme(Registered):
    """What every scheme offers.

    Attributes
    ----------
    demand_aware : bool
        Whether the routes depend on the rates. Where they do not, the scheme is not run again when
        only traffic changes.
    shapes : bool
        Whether the scheme may admit only part of a demand, and have the rest wait at its source.
        ``Routes.throttled`` says how much, so that no static routes carry it either.
    default_control : str
        Kind of control of a strategy with this scheme that names none.
    cost : Cost or None
        What the scheme minimises, for the routes of any scheme: a method, or None without one. With
        perfect information it is the yardstick of ``regret``.
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
            As the scheme sees it: with what is down, and with the load of other traffic.
        demands : Demands
            Measured, predicted or planned rates.
        current : Routes, optional
            Routes now in force, for schemes that avoid needless moves.
        """


scheme = Registry("routing scheme", "simulator.routing", Scheme)
