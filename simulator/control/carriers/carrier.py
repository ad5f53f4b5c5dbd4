"""The contract of this folder: from what a scheme asks for to what routers can carry of it.

A carrier is a frozen value. Adding one is adding a file here with a class under
``@carrier("my_way")``, and choosing it by ``carried_by: my_way`` in a strategy's control.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

from simulator.base.registry import Registered, Registry
from simulator.model.demands import Demands
from simulator.model.exit_shares import ExitShares

Inside = Literal["explicit", "igp"]


class Carrier(Registered):
    """What every way of carrying offers.

    Attributes
    ----------
    inside : {"explicit", "igp"}
        Traffic goes to its exit, and from there on, by the paths of the decision, or by the first
        of the shortest paths by metric.
    """

    inside: ClassVar[Inside] = "igp"

    @abstractmethod
    def carried(self, asked: ExitShares, demands: Demands) -> ExitShares:
        """Return the exits that traffic takes, where a decision asks for others.

        Called with every decision before it is installed.

        Parameters
        ----------
        asked : ExitShares
            Of the demands that cross the border.
        demands : Demands
            Those that are steered, as predicted.
        """


carrier = Registry("way of carrying", "simulator.control.carriers", Carrier)
