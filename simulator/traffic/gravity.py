"""Gravity by a call: demands from the sizes of nodes, the short way, for notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.base.errors import InputError, Problem
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.traffic.traffic import matrix


def gravity(
    network: Network,
    total_gbps: float,
    *,
    international_out_gbps: float = 0.0,
    international_in_gbps: float = 0.0,
    **options: Any,
) -> Demands:
    """Return demands in proportion to the product of the sizes of their ends, without a scenario.

    They are those of the matrix ``gravity`` of a scenario.

    Parameters
    ----------
    network : Network
    total_gbps : float
        Total of all demands. What is not international is domestic.
    international_out_gbps, international_in_gbps : float
        What of it leaves the country, and what enters it.
    **options
        Other options of the matrix: ``by`` (``weight``, ``degree`` or ``capacity``), ``kinds``,
        ``decay_km``, ``decay`` and ``decay_exponent``.

    Raises
    ------
    InputError
        An option is wrong, more is international than there is, or no pair of nodes has sizes: give
        ``by="degree"`` for a network without weights.

    Examples
    --------
    >>> import simulator as sim
    >>> demands = sim.gravity(sim.load_network("china169-mini"), 100.0)
    >>> float(round(demands.gbps.sum(), 6))
    100.0
    """
    domestic = total_gbps - international_out_gbps - international_in_gbps
    if domestic < -1e-9 * abs(total_gbps):
        abroad = international_out_gbps + international_in_gbps
        raise _refused("total_gbps", f"{total_gbps:g} is less than the {abroad:g} international")
    made = matrix.make(
        "gravity",
        domestic_gbps=max(domestic, 0.0),
        international_out_gbps=international_out_gbps,
        international_in_gbps=international_in_gbps,
        **options,
    )
    made.require_valid(network)
    try:
        demands: Demands = made.demands(network, Path())
    except ValueError as error:
        hint = '; give by="degree" or by="capacity"' if "with weights" in str(error) else ""
        raise _refused("", f"{error}{hint}") from None
    return demands


def _refused(key: str, message: str) -> InputError:
    return InputError([Problem("gravity", None, None, key, message)])
