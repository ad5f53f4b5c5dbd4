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
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.registry import Registered, Registry
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.route_series import Answers
from simulator.model.routes import Routes
from simulator.optimise.marginal import Marginal
from simulator.paths.candidates import Paths


class Scheme(Registered):
    """What every scheme offers; only :meth:`route` has no default.

    Attributes
    ----------
    demand_aware : bool
        Whether the answer depends on the rates. A scheme that looks only at the topology is not
        run again when only traffic changes.
    topology_only : bool
        Whether the answer depends on the network and the ends of demands alone: not on rates, nor
        on the routes in force. Such routes are made once for all strategies.
    shapes : bool
        Whether the scheme may admit only part of a demand and leave the rest to wait at its
        source. It says how much in ``Routes.throttled``, so that no static rules carry it either.
    default_control : str
        Kind of control of a strategy with this scheme that names none.
    heeds_bills : bool
        Whether a controller tells it, in ``network.allowance``, what the month has billed so far.
    cost : callable or None
        What the scheme minimises, for any routes: a method that takes (network, routes, rates in
        Gbps as demands x instants) and returns the cost in Gbps ms, shape (instants,). With perfect
        information the scheme is the yardstick of ``regret`` then; None without such a cost.
    """

    demand_aware: ClassVar[bool] = False
    topology_only: ClassVar[bool] = False
    shapes: ClassVar[bool] = False
    default_control: ClassVar[str] = "loop"
    heeds_bills: ClassVar[bool] = False
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

    def answers_many(self, network: Network, demands: Demands) -> bool:
        """Whether :meth:`route_many` is there for these demands, whatever their rates."""
        return False

    def route_many(
        self,
        network: Network,
        demands: Demands,
        gbps: np.ndarray,
        background_gbps: np.ndarray,
        current: Routes | None = None,
    ) -> Answers:
        """Return what :meth:`route` does at many instants, all at once.

        Asked of schemes that say so in :meth:`answers_many`.

        Parameters
        ----------
        gbps : ndarray, shape (demands, instants)
            Rates in place of those of *demands*.
        background_gbps : ndarray, shape (arcs, instants)
            Load in place of that of *network*.
        """
        raise NotImplementedError

    def quick_route(
        self, network: Network, demands: Demands, current: Routes | None = None
    ) -> Routes | None:
        """Return what :meth:`route` does if that is found at once; None where it would take long.

        Headroom asks for it where other routes would serve as well.
        """
        return self.route(network, demands, current)

    def limits(self, network: Network, target: float) -> np.ndarray | None:
        """Utilisation within which every arc is kept whenever any routes would, shape (arcs,).

        None where the scheme promises nothing of the kind. Headroom need not ask such a scheme
        about an instant that some of its routes are known to hold.

        Parameters
        ----------
        target : float
            What it is asked to hold as its ``utilisation_cap``, or has to reach.
        """
        return None

    def only_paths(self, network: Network, demands: Demands) -> Paths | None:
        """Return the only paths that are used; None where all are.

        Asked of schemes that promise :meth:`limits`, to find how far they can be held at all.
        """
        return None

    def marginal(self, network: Network, demands: Demands) -> Marginal | None:
        """Return what a Gbps more of every arc does to the optimum of the scheme's program.

        None without a program whose prices say so: the value of capacity is then found by routing
        twice.
        """
        return None

    def class_words(self) -> Mapping[KeyPath, Iterable[str]]:
        """Return the keys of settings that must be traffic classes or services, by path."""
        return {}


scheme = Registry("routing scheme", "simulator.routing", contract=Scheme)
