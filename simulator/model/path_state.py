"""PathState: the link state and the path flows of paths that are all listed, in one pass.

Every path has a share of its demand at every instant, zero where it is not in use. So routes that
change from instant to instant take no more than routes that stay: sparse products of arcs and
paths. Loss is looked for on the paths over full links alone.
"""

from __future__ import annotations

import numpy as np

from simulator.model.link_state import LinkState, utilisation_and_wait
from simulator.model.network import Network
from simulator.model.path_flows import FullWaits, PathFlows
from simulator.model.path_table import PathTable
from simulator.queues.queue import Queue, Waits, waits


def path_state(
    paths: PathTable,
    share: np.ndarray,
    network: Network,
    rates_gbps: np.ndarray,
    queue: Queue,
) -> tuple[LinkState, PathFlows]:
    """Send rates along paths.

    Parameters
    ----------
    share : ndarray, shape (paths, instants) or (paths, 1)
        Share of its demand that every path has.
    network : Network
        Capacities, delays and what is up at all of these instants.
    rates_gbps : ndarray, shape (demands, instants)
    """
    capacity = np.where(network.up, network.capacity_gbps, 0.0)
    flow = share * rates_gbps[paths.demand]
    offered = paths.crosses @ flow
    carried = offered
    if (offered > capacity[:, None]).any():
        loss = paths.loss(flow, offered, capacity)
        offered, carried = loss.offered_gbps, loss.offered_gbps * loss.pass_fraction
        flow[loss.which] *= loss.passes
        share = np.broadcast_to(share, flow.shape).copy()
        share[loss.which] *= loss.passes
    utilisation, wait = utilisation_and_wait(offered, capacity, queue)
    flows = _flows(paths, network, flow, waits(queue, utilisation, capacity[:, None]))
    arrives, latency, propagation = _by_demand(paths, share, flows)
    state = LinkState(
        capacity,
        offered,
        carried,
        utilisation,
        wait,
        rates_gbps,
        rates_gbps * arrives,
        latency,
        propagation,
        rates_gbps,
    )
    return state, flows


def _flows(paths: PathTable, network: Network, gbps: np.ndarray, waiting: Waits) -> PathFlows:
    """Return what arrives on every path at every instant, with its waits."""
    instant, fixed = np.arange(gbps.shape[1])[None, :], paths.propagation_ms(network)[:, None]
    below = paths.through @ waiting.below_ms
    return PathFlows(True, paths.demand, instant, gbps, fixed, below, _rest(paths, waiting))


def _rest(paths: PathTable, waiting: Waits) -> FullWaits | None:
    """Return the waits beside those below capacity, of the paths that have any."""
    if not waiting.pressed.any():
        return None
    pressed = waiting.full | (waiting.most_ms > 0) | (waiting.full_ms > 0)
    arcs = np.flatnonzero(pressed.any(axis=1))
    which = paths.crossing(arcs)
    some = paths.through[which][:, arcs]
    full = some @ waiting.full[arcs].astype(float) > 0
    others = (some @ each[arcs] for each in (waiting.full_ms, waiting.least_ms, waiting.most_ms))
    full_ms, least_ms, most_ms = others
    return FullWaits(which, full_ms, full, least_ms, most_ms)


def _by_demand(
    paths: PathTable, share: np.ndarray, flows: PathFlows
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of every demand that arrives, its latency and its propagation (demands, instants)."""
    waited = flows.queueing_ms
    if flows.rest is not None:
        waited = waited.copy()
        waited[flows.rest.which] += flows.rest.full_ms
    arrives = paths.gathers @ np.broadcast_to(share, waited.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        propagation = (paths.gathers @ (share * flows.propagation_ms)) / arrives
        latency = propagation + (paths.gathers @ (share * waited)) / arrives
    return arrives, latency, propagation
