"""Days marked in a calendar: factors that are known beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from simulator.base.schema import NonNegative, Positive, checked
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.traffic.scope import Classes, Finding, Nodes, selected, unknown_nodes
from simulator.traffic.shapes.pulse import pulse
from simulator.traffic.traffic import Factors, Shape, shape


@checked
class Entry:
    """Hours in which some traffic is larger or smaller than usual.

    Attributes
    ----------
    at_h : float
        When it is at its height, in hours from the start, as of events.
    length_h : float
        How long it stays there.
    factor : float
        Multiple of the usual traffic at its height; below 1 for a quiet time.
    rise_h, fall_h : float
        How long traffic goes up before, and down after; straight, 0 for a jump.
    classes : tuple of str
        Classes that it touches; all when left out.
    nodes : tuple of str
        Touches only demands with an end here, such as a region; all when left out.
    """

    at_h: NonNegative
    length_h: Positive = 24.0
    factor: NonNegative
    rise_h: NonNegative = 0.0
    fall_h: NonNegative = 0.0
    classes: Classes = ()
    nodes: Nodes = ()


@shape("calendar")
class Calendar(Shape):
    """Known days: shopping festivals, holidays, matches; entries that overlap multiply.

    Each entry multiplies by ``1 + (factor - 1) * height``, where the height goes up from 0 to 1 in
    the ``rise_h`` before ``at_h``, stays for ``length_h`` and goes down in the ``fall_h`` after.
    A day in the calendar begins at one instant for all demands, whatever their time zones.

    Attributes
    ----------
    entries : tuple of Entry
        Mappings with ``at_h``, ``factor`` and optionally ``length_h`` (24), ``rise_h``, ``fall_h``
        (0), ``classes`` and ``nodes``, as in ``{at_h: 240, factor: 1.6, classes: [domestic]}``.
    """

    entries: tuple[Entry, ...] = ()

    since_start: ClassVar[bool] = True

    def problems(self, network: Network) -> Iterator[Finding]:
        """Yield the names of nodes that the network does not have."""
        for i, entry in enumerate(self.entries):
            for path, message in unknown_nodes(network, nodes=entry.nodes):
                yield ("entries", i, *path), message

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Return the product of all entries for every demand."""
        self.require_valid(network)
        touched = [selected(demands, classes=e.classes, nodes=e.nodes) for e in self.entries]

        def factors(hours: np.ndarray) -> np.ndarray:
            product = np.ones((len(demands), len(hours)))
            for entry, mine in zip(self.entries, touched, strict=True):
                height = pulse(
                    hours,
                    rise_h=entry.rise_h,
                    from_h=entry.at_h,
                    to_h=entry.at_h + entry.length_h,
                    fall_h=entry.fall_h,
                )
                product[mine] *= 1.0 + (entry.factor - 1.0) * height
            return product

        return factors
