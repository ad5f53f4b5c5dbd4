"""A constant factor."""

from __future__ import annotations

import numpy as np

from simulator.base.schema import NonNegative
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.traffic.scope import Classes, Nodes, Selector
from simulator.traffic.traffic import Factors, shape


@shape("scale")
class Scale(Selector):
    """A constant factor on all demands, or on those that meet every condition given.

    Attributes
    ----------
    factor : float
        What rates are multiplied by.
    classes : tuple of str
        Only demands of these classes.
    sources, targets : tuple of str
        Only demands that start, or end, at these nodes.
    nodes : tuple of str
        Only demands that start or end at these nodes.
    """

    factor: NonNegative = 1.0
    classes: Classes = ()
    sources: Nodes = ()
    targets: Nodes = ()
    nodes: Nodes = ()

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Return the factor of every demand."""
        factor = np.where(self.selected(network, demands), self.factor, 1.0)[:, None]
        return lambda hours: np.repeat(factor, len(hours), axis=1)
