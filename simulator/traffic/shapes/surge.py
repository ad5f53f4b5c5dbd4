"""A flash crowd: traffic that rises at once, without notice."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulator.base.schema import NonNegative
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.traffic.scope import Classes, Nodes, Selector
from simulator.traffic.shapes.pulse import pulse
from simulator.traffic.traffic import Factors, shape


@shape("surge")
class Surge(Selector):
    """A flash crowd: some traffic rises to a multiple, stays there and fades, in straight lines.

    Factor ``1 + (factor - 1) * height``; the height goes from 0 to 1 in the ``rise_h`` after
    ``at_h``, stays for ``plateau_h`` and is back at 0 after ``fall_h`` more. Beyond its end the
    surge leaves no trace, and what it adds to a demand is ``(factor - 1) * (rise_h / 2 + plateau_h
    + fall_h / 2)`` hours of its rate. The demands are those that meet every condition given.
    Source: Ari, Hong, Miller, Brandt and Long, Managing flash crowds on the Internet, MASCOTS 2003
    (the three phases).

    Attributes
    ----------
    at_h : float
        When it begins, in hours from the start, as of events.
    rise_h : float
        How long it rises; 0 for a jump.
    plateau_h : float
        How long it stays on top.
    fall_h : float
        How long it fades; 0 for a sudden end.
    factor : float
        Multiple of the usual traffic on the plateau.
    classes : tuple of str
        Only demands of these classes.
    sources, targets : tuple of str
        Only demands that start, or end, at these nodes.
    nodes : tuple of str
        Only demands that start or end at these nodes.
    """

    at_h: NonNegative = 20.0
    rise_h: NonNegative = 0.25
    plateau_h: NonNegative = 1.0
    fall_h: NonNegative = 2.0
    factor: NonNegative = 2.0
    classes: Classes = ()
    sources: Nodes = ()
    targets: Nodes = ()
    nodes: Nodes = ()

    foreseen: ClassVar[bool] = False
    since_start: ClassVar[bool] = True

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Return the surge of every demand."""
        mine = self.selected(network, demands)
        top = self.at_h + self.rise_h

        def factors(hours: np.ndarray) -> np.ndarray:
            height = pulse(
                hours, rise_h=self.rise_h, from_h=top, to_h=top + self.plateau_h, fall_h=self.fall_h
            )
            return np.where(mine[:, None], 1.0 + (self.factor - 1.0) * height, 1.0)

        return factors
