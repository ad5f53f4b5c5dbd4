"""Route by the name of a scheme: the short way, for notebooks."""

from __future__ import annotations

from typing import Any

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.routing.scheme import Scheme, scheme


def route(method: str | Scheme, network: Network, demands: Demands, **options: Any) -> Routes:
    """Route demands over a network.

    Parameters
    ----------
    method : str or Scheme
        Name of a scheme (``simulator list schemes``), or a scheme.
    network : Network
    demands : Demands
    **options
        Options of the scheme, when it is given by name.

    Raises
    ------
    InputError
        There is no scheme of this name, or an option is wrong.
    """
    chosen: Scheme = scheme.make(method, **options) if isinstance(method, str) else method
    return chosen.route(network, demands)
