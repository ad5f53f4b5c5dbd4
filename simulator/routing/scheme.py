"""The contract of this folder: a scheme turns (network, demands, current routes) into routes.

A scheme is a frozen value and knows no time. Adding one is adding a file here::

    @scheme("my_scheme")
    class MyScheme:
        \"\"\"One line that ``simulator list schemes`` prints.\"\"\"

        some_option: Positive = 1.0

        def route(self, network, demands, current=None): ...

``demand_aware`` says whether the answer depends on the rates; a scheme that looks only at the
topology leaves it False, and is not asked again when only traffic changes. A scheme that may let
only part of a demand in, and means the rest to wait at its source, says so by ``shapes = True``
and by ``Routes.held``, so that no static rules carry it either.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from simulator.base.registry import Registry
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes

scheme = Registry("routing scheme", "simulator.routing")


class Scheme(Protocol):
    """What every scheme offers."""

    kind: str
    demand_aware: ClassVar[bool]

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
        ...
