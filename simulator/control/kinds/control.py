"""The contract of this folder: a kind of control builds the layers of routes of a strategy.

A control is a frozen value. Adding a kind is adding a file here::

    @control("my_kind")
    class MyKind(Control):
        \"\"\"One line that describes it.\"\"\"

        def layers(self, context): ...

and choosing it by ``control: {kind: my_kind}``. A mapping without ``kind`` is a ``loop``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

import numpy as np

from simulator.base.registry import Registered, Registry
from simulator.control.process import Context, Layer
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.simulation.faults import Event


class Control(Registered):
    """What every kind of control offers; only :meth:`layers` has no default."""

    @abstractmethod
    def layers(self, context: Context) -> Iterable[Layer]:
        """Return the layers of routes of a strategy, the lowest first.

        Called once, before the clock starts; a process runs each layer from then on. The lowest
        layer must install routes for all demands at the start.
        """

    def halt(self, context: Context, event: Event, down: bool) -> None:
        """Stop the controller (*down*) or start it again; called for each event."""
        context.route_table.halt(down)

    @property
    def has_controller(self) -> bool:
        """Whether a controller measures, decides and installs above the static routes."""
        return False

    @property
    def perfect_information(self) -> bool:
        """Whether routes follow the true traffic without delay: a bound, not a controller."""
        return False

    @property
    def at_will(self) -> bool:
        """Whether inbound traffic lands where the strategy leads it, whatever neighbours prefer."""
        return self.perfect_information

    @property
    def local_repair_s(self) -> float | None:
        """Time until nodes before dead links repair routes by themselves; None if they do not."""
        return None

    @property
    def memory_s(self) -> float:
        """How far back the control looks at traffic."""
        return 0.0

    @property
    def services(self) -> tuple[str, ...]:
        """Services of ``traffic.services`` that the settings name."""
        return ()

    def steered(self, network: Network, demands: Demands) -> np.ndarray:
        """Return positions of the demands that a controller steers, all or in part."""
        return np.empty(0, dtype=np.int64)

    @property
    def steered_share(self) -> float:
        """Share of each of these demands that is steered."""
        return 1.0

    def notes(self) -> Iterable[str]:
        """Return what the figures rest on, in plain sentences for ``run.json``.

        The names of the strategies are put before each, as in ``sdn: routes follow the plan.``
        """
        return ()


control = Registry("control kind", "simulator.control.kinds", Control, default="loop")
