"""Flow: routes carrying rates over a network as it is: load, loss and latency at many instants.

Loss is **thinning**. A direction of a link that is offered more than its capacity carries its
capacity and loses the rest, every demand in proportion; what is lost loads nothing further on. The
shares kept everywhere depend on each other, and are solved to a fixed point over the network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.errors import SimulatorError
from simulator.model.latency import Queue
from simulator.model.network import Network
from simulator.model.routes import Routes

_MAX_SWEEPS = 5000
_PATIENCE = 8
_EXACT = 1e-12


@dataclass(frozen=True, eq=False)
class Flow:
    """Traffic at a number of instants.

    Attributes
    ----------
    capacity_gbps : ndarray, shape (arcs,)
        Capacity of every arc; zero where it is down.
    offered_gbps, carried_gbps, utilisation, wait_ms : ndarray, shape (arcs, instants)
        ``utilisation`` is NaN on an arc that is down.
    rates_gbps, delivered_gbps, latency_ms, propagation_ms : ndarray, shape (demands, instants)
        Latencies are one way, of what is delivered; NaN where nothing is.
    """

    capacity_gbps: np.ndarray
    offered_gbps: np.ndarray
    carried_gbps: np.ndarray
    utilisation: np.ndarray
    wait_ms: np.ndarray
    rates_gbps: np.ndarray
    delivered_gbps: np.ndarray
    latency_ms: np.ndarray
    propagation_ms: np.ndarray


def flow(routes: Routes, network: Network, rates_gbps: np.ndarray, queue: Queue) -> Flow:
    """Send rates along routes.

    Parameters
    ----------
    routes : Routes
    network : Network
        Capacities and what is up now; may differ from what the routes were made for.
    rates_gbps : ndarray, shape (demands, instants)
    queue : Queue
        Queue model.
    """
    capacity = np.where(network.up, network.capacity_gbps, 0.0)
    offered = routes.loads(rates_gbps)
    over = (offered > capacity[:, None]).any(axis=0)
    kept = None
    if over.any():
        kept = np.ones_like(offered)
        kept[:, over], offered[:, over] = thinned(routes, capacity, rates_gbps[:, over])
    live = capacity > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        utilisation = np.where(live[:, None], offered / capacity[:, None], np.nan)
    wait = np.zeros_like(offered)
    wait[live] = queue.wait_ms(utilisation[live], capacity[live][:, None])
    if kept is None:
        share, spent = routes.arrivals(np.column_stack([network.delay_ms, wait]))
        share = share[:, 1:]
        propagation = np.broadcast_to(spent[:, :1], rates_gbps.shape)
        latency = propagation + spent[:, 1:]
        carried = offered
    else:
        fixed = np.broadcast_to(network.delay_ms[:, None], offered.shape)
        share, propagation = routes.arrivals(fixed, kept)
        _, latency = routes.arrivals(fixed + wait, kept)
        carried = offered * kept
    return Flow(
        capacity,
        offered,
        carried,
        utilisation,
        wait,
        rates_gbps,
        rates_gbps * share,
        latency,
        propagation,
    )


def thinned(
    routes: Routes, capacity_gbps: np.ndarray, rates_gbps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Solve for the share that every arc keeps.

    Parameters
    ----------
    routes : Routes
    capacity_gbps : ndarray, shape (arcs,)
    rates_gbps : ndarray, shape (demands, instants)

    Returns
    -------
    kept, offered_gbps : ndarray, shape (arcs, instants)
        ``kept = min(1, capacity / offered)`` at the fixed point.

    Raises
    ------
    SimulatorError
        No fixed point within the allowed sweeps.
    """
    capacity = capacity_gbps[:, None]
    instants = rates_gbps.shape[1]
    kept = np.ones((len(capacity_gbps), instants))
    offered = np.zeros_like(kept)
    # Less kept upstream means more room downstream: where demands lie in rings, a whole step
    # swings ever wider. An instant whose error has not fallen for a while takes half the step.
    stride = np.ones(instants)
    least, waited = np.full(instants, np.inf), np.zeros(instants, dtype=int)
    open_ = np.arange(instants)
    for _ in range(_MAX_SWEEPS):
        now = kept[:, open_]
        load = routes.loads(rates_gbps[:, open_], now)
        target = np.minimum(1.0, np.divide(capacity, load, out=np.ones_like(load), where=load > 0))
        error = np.abs(target - now).max(axis=0)
        offered[:, open_] = load
        done = error <= _EXACT
        better = error < 0.9 * least[open_]
        waited[open_] = np.where(better, 0, waited[open_] + 1)
        least[open_] = np.minimum(least[open_], error)
        tired = open_[waited[open_] > _PATIENCE]
        stride[tired] /= 2.0
        waited[tired] = 0
        least[tired] = np.inf
        step = np.where(done, 1.0, stride[open_])
        kept[:, open_] = now + step * (target - now)
        open_ = open_[~done]
        if not len(open_):
            return kept, offered
    raise SimulatorError(f"loss did not settle within {_MAX_SWEEPS} sweeps")
