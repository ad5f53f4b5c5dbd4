"""Production: the hedge with the settings to start from."""

from __future__ import annotations

from simulator.base.schema import NonNegative
from simulator.routing.hedged import Hedged
from simulator.routing.scheme import scheme


@scheme("production")
class Production(Hedged):
    """The recommended preset: ``hedged`` against one exit, with little churn and no long detours.

    The same scheme and the same options as ``hedged``; only these defaults are others.

    Attributes
    ----------
    utilisation_cap : float
        After a fault links are at most this full: five per cent are left for what the measurement
        misses, as demands are some minutes old when they are acted on.
    stretch_ms : float, optional
        No path is slower than the fastest of its demand by more than this, unless no other one
        survives some faults. 60 ms is the other way round the world to Europe; on
        ``china169-2017`` it leaves every second exit that the hedge needs.
    churn_penalty_ms : float
        A Gbps moves only if that saves more than this. 5 ms is less than anyone notices, and more
        than what noise in the measured rates makes two good answers differ by.
    """

    utilisation_cap: NonNegative = 0.95
    stretch_ms: NonNegative | None = 60.0
    churn_penalty_ms: NonNegative = 5.0
