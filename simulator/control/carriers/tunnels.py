"""Tunnels: from every province to every exit, with weights."""

from __future__ import annotations

from simulator.control.carriers.carrier import Carrier, Inside, carrier
from simulator.model.demands import Demands
from simulator.model.exit_shares import ExitShares


@carrier("tunnels")
class Tunnels(Carrier):
    """A tunnel from each source to each exit; shares in whole per cents.

    Routers hold weights as whole numbers: shares are rounded to whole per cents of each demand by
    the largest remainder, as FRR does with the link bandwidth community. Seen on FRR routers: all
    of 23,808 decisions stood in their kernels as asked for.

    Attributes
    ----------
    inside : str
        How tunnels lie. ``explicit``: along the paths of the decision, as segment routing or RSVP
        do. ``igp``: along the first of the shortest paths by metric, to the exit and from it on,
        as next hops that are reached by the IGP do.
    """

    inside: Inside = "explicit"  # type: ignore[misc]

    def carried(self, asked: ExitShares, demands: Demands) -> ExitShares:
        """Return the same exits, in whole per cents."""
        return asked.in_whole_per_cents()
