"""RouteSchedule: the link state of many instants, each with routes of its own, in one product.

A controller moves few demands at a time. Every demand has a *variant* for each of its sets of
shares in force during the instants. A sparse matrix holds the arcs that each variant crosses, and
at every instant one variant of each demand has its rate. Where a link overflows, the pass fractions
depend on each other: such instants are solved for one set of routes at a time, by
:func:`~simulator.model.link_state.link_state`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from scipy import sparse

from simulator.model.hops import Hops
from simulator.model.link_state import (
    LinkState,
    Passage,
    QosPolicy,
    alike,
    link_state,
    utilisation_and_wait,
)
from simulator.model.listed import Listed
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.queues.queue import Queue

_BATCH, _FEW = 200_000, 8
"""Arcs of paths that are looked at side by side, where they are in force for few instants."""
_Parted = TypeVar("_Parted", LinkState, Passage)


def scheduled_link_state(
    routes: Sequence[Routes],
    network: Network,
    rates_gbps: np.ndarray,
    queue: Queue,
    qos: QosPolicy | None = None,
) -> LinkState:
    """Send rates along the routes of each instant.

    Parameters
    ----------
    routes : sequence of Routes
        Of every instant, in order; routes that stay in force are the same object.
    network : Network
        Capacities and what is up at all of these instants.
    rates_gbps : ndarray, shape (demands, instants)
    qos : QosPolicy, optional
        See :func:`~simulator.model.link_state.link_state`.
    """
    distinct = list({id(each): each for each in routes}.values())
    if len(distinct) == 1:
        return link_state(distinct[0], network, rates_gbps, queue, qos)
    whole = all(hops.arrives_whole for each in distinct for hops, _ in each.layers)
    if not whole or (qos is not None and not qos.uniform):
        return _by_routes(routes, network, rates_gbps, queue, qos)
    state, over = _RouteSchedule.of(routes).link_state(network, rates_gbps, queue)
    if over.any():
        some = [each for each, full in zip(routes, over, strict=True) if full]
        _put(state, over, _by_routes(some, network, rates_gbps[:, over], queue, qos))
    return state


def _by_routes(
    routes: Sequence[Routes],
    network: Network,
    rates_gbps: np.ndarray,
    queue: Queue,
    qos: QosPolicy | None,
) -> LinkState:
    """Send rates along one set of routes after the other, or along many side by side."""
    whole: LinkState | None = None
    alone, together = [], []
    for each, where in runs(routes):
        listed = None
        if len(where) <= _FEW and (qos is None or qos.uniform):
            listed = each.listed if all(hops.arrives_whole for hops, _ in each.layers) else None
        if listed is None:
            alone.append((each, where))
        else:
            together += [(listed, int(now)) for now in where]
    parts = [
        (link_state(each, network, rates_gbps[:, where], queue, qos), where)
        for each, where in alone
    ]
    parts += [
        (_side_by_side(pairs, network, rates_gbps, queue), np.array([now for _, now in pairs]))
        for pairs in batches(together, _BATCH)
    ]
    for part, where in parts:
        if whole is None:
            whole = _wide(part, len(routes))
        _put(whole, where, part)
    assert whole is not None
    return whole


def batches(pairs: list[tuple[Listed, int]], arcs: int) -> Iterator[list[tuple[Listed, int]]]:
    """Yield paths, each set with an instant, until they have so many *arcs*; then the next."""
    batch, count = [], 0
    for listed, now in pairs:
        batch.append((listed, now))
        count += len(listed.arcs)
        if count >= arcs:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch


def _side_by_side(
    pairs: list[tuple[Listed, int]], network: Network, rates_gbps: np.ndarray, queue: Queue
) -> LinkState:
    """Send rates along sets of paths, each at one instant, as if each had a network of its own."""
    copies, arcs, demands = len(pairs), len(network.tail), len(rates_gbps)
    begin = np.cumsum([0, *(len(listed.arcs) for listed, _ in pairs)])
    hops = Hops.of_paths(
        copies * arcs,
        copies * demands,
        np.concatenate([listed.demand + i * demands for i, (listed, _) in enumerate(pairs)]),
        np.concatenate([listed.share for listed, _ in pairs]),
        np.concatenate([listed.arcs + i * arcs for i, (listed, _) in enumerate(pairs)]),
        np.concatenate(
            [
                *(listed.starts[:-1] + at for (listed, _), at in zip(pairs, begin, strict=False)),
                begin[-1:],
            ]
        ),
    )
    capacity = np.where(network.up, network.capacity_gbps, 0.0)
    rates = rates_gbps[:, [now for _, now in pairs]]
    state = alike(
        Routes(network, ((hops, None),)),
        np.tile(capacity, copies),
        np.tile(network.delay_ms, copies),
        rates.T.reshape(-1, 1),
        queue,
    )
    made: dict[str, Any] = {"capacity_gbps": capacity}
    for each in fields(state):
        if each.name not in ("capacity_gbps", "passages"):
            made[each.name] = getattr(state, each.name).reshape(copies, -1).T
    return LinkState(**made)


def runs(routes: Sequence[Routes]) -> Iterator[tuple[Routes, np.ndarray]]:
    """Yield each set of routes with the instants at which it is in force."""
    number = np.array([id(each) for each in routes])
    for each in {id(each): each for each in routes}.values():
        yield each, np.flatnonzero(number == id(each))


def _wide(part: _Parted, instants: int) -> _Parted:
    """Return an empty link state, or passage, of so many instants."""
    made: dict[str, Any] = {}
    for each in fields(part):
        value = getattr(part, each.name)
        if isinstance(value, tuple):
            value = tuple(_wide(passage, instants) for passage in value)
        elif isinstance(value, np.ndarray) and value.ndim == 2:
            value = np.empty((len(value), instants))
        made[each.name] = value
    return type(part)(**made)


def _put(whole: _Parted, where: np.ndarray, part: _Parted) -> None:
    for each in fields(part):
        value, some = getattr(whole, each.name), getattr(part, each.name)
        if isinstance(value, tuple):
            for passage, piece in zip(value, some, strict=True):
                _put(passage, where, piece)
        elif isinstance(value, np.ndarray) and value.ndim == 2:
            value[:, where] = some


@dataclass(frozen=True, eq=False)
class _RouteSchedule:
    """The variant in force of every demand at every instant (demands x instants), without loss.

    Of each variant: its share that crosses each arc (arcs x variants), and that has a path.
    """

    crosses: sparse.csr_array
    served: np.ndarray
    variant: np.ndarray

    @classmethod
    def of(cls, routes: Sequence[Routes]) -> _RouteSchedule:
        demands = np.arange(len(routes[0]))
        now = demands
        parts = [routes[0].shares(demands)]
        served = [routes[0].served]
        columns, count = [now], len(demands)
        for before, after in zip(routes[:-1], routes[1:], strict=True):
            if after is not before:
                changed = after.changed(before)
                row, arc, share = after.shares(changed)
                parts.append((row + count, arc, share))
                served.append(after.served[changed])
                now = now.copy()
                now[changed] = count + np.arange(len(changed))
                count += len(changed)
            columns.append(now)
        row, arc, share = (np.concatenate(column) for column in zip(*parts, strict=True))
        shape = (len(routes[0].network.tail), count)
        crosses = sparse.csr_array((share, (arc, row)), shape=shape)
        return cls(crosses, np.concatenate(served), np.stack(columns, axis=1))

    def link_state(
        self, network: Network, rates_gbps: np.ndarray, queue: Queue
    ) -> tuple[LinkState, np.ndarray]:
        """Return the link state without loss, and a mask of the instants with loss."""
        instants = np.arange(rates_gbps.shape[1])
        spread = sparse.csr_array(
            (rates_gbps.ravel(), (self.variant.ravel(), np.tile(instants, len(rates_gbps)))),
            shape=(len(self.served), len(instants)),
        )
        capacity = np.where(network.up, network.capacity_gbps, 0.0)
        offered = (self.crosses @ spread).toarray()
        over = (offered > capacity[:, None]).any(axis=0)
        utilisation, wait = utilisation_and_wait(offered, capacity, queue)
        with np.errstate(divide="ignore", invalid="ignore"):
            fixed = (network.delay_ms @ self.crosses) / self.served
            waited = (self.crosses.T @ wait) / self.served[:, None]
        propagation = fixed[self.variant]
        served = self.served[self.variant]
        nowhere = ~(served > 0)
        propagation[nowhere] = np.nan
        latency = propagation + waited[self.variant, instants]
        state = LinkState(
            capacity,
            offered,
            offered.copy(),
            utilisation,
            wait,
            rates_gbps,
            rates_gbps * served,
            latency,
            propagation,
            rates_gbps,
        )
        return state, over
