"""Path flows: delivered traffic path by path, with its propagation and its waits.

The mean latency of a demand hides that parts of it take other ways. Quantiles by volume need the
paths themselves, and so does the question how much traffic met a full buffer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.model.hops import Listed
from simulator.model.link_state import LinkState, Passage
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.schedule import batches, runs
from simulator.queues.queue import Waits, waits

_MOST = 2_000_000
"""Arcs of paths at instants that are looked at together."""
_BATCH, _FEW = 500_000, 8
"""The same for paths that stand for few instants each, which is what few means."""


@dataclass(frozen=True, eq=False)
class PathFlows:
    """Delivered traffic by path and instant, one entry after the other.

    Attributes
    ----------
    listed : bool
        False where paths are too many to list: an entry is a demand with the means over its paths,
        and ``full`` says whether any of them crosses such a link.
    demand, instant : ndarray of int, shape (entries,)
    gbps : ndarray, shape (entries,)
        Rate delivered.
    propagation_ms : ndarray, shape (entries,)
    queueing_ms : ndarray, shape (entries,)
        Wait below capacity: no more than the least buffer, and none at links at or above capacity.
    full_ms : ndarray, shape (entries,)
        All other wait: it depends on the size of buffers.
    full : ndarray of bool, shape (entries,)
        Whether the path crosses a link at or above capacity.
    least_ms, most_ms : ndarray, shape (entries,)
        What ``full_ms`` would be with the least and the largest buffer of the range.
    """

    listed: bool
    demand: np.ndarray
    instant: np.ndarray
    gbps: np.ndarray
    propagation_ms: np.ndarray
    queueing_ms: np.ndarray
    full_ms: np.ndarray
    full: np.ndarray
    least_ms: np.ndarray
    most_ms: np.ndarray


def path_flows(
    routes: Sequence[Routes], network: Network, state: LinkState, queue: object
) -> Iterator[PathFlows]:
    """Yield the traffic of a link state path by path, in pieces.

    Parameters
    ----------
    routes : sequence of Routes
        Of every instant of *state*.
    """
    for passage in state.parts:
        waiting = waits(queue, passage.utilisation, state.capacity_gbps[:, None])
        lossy = np.asarray((passage.passes < 1.0).any(axis=0))
        few: dict[bool, list[tuple[Listed, int]]] = {False: [], True: []}
        for each, at in runs(routes):
            listed = each.listed
            if listed is None:
                yield _by_demand(each, network, state, passage, waiting, at)
                continue
            if len(at) <= _FEW:
                for now in at.tolist():
                    few[bool(waiting.pressed[now])].append((listed, now))
                continue
            some = max(1, _MOST // max(len(listed.arcs), 1))
            for first in range(0, len(at), some):
                now = at[first : first + some]
                yield _by_path(
                    listed, network, state, passage, waiting, now, bool(lossy[now].any())
                )
        for pressed, pairs in few.items():
            for some_pairs in batches(pairs, _BATCH):
                yield _by_pair(some_pairs, network, state, passage, waiting, lossy, pressed)


def _by_pair(
    pairs: list[tuple[Listed, int]],
    network: Network,
    state: LinkState,
    passage: Passage,
    waiting: Waits,
    lossy: np.ndarray,
    pressed: bool,
) -> PathFlows:
    """Return the entries of many sets of paths, each at one instant, all in one pass."""
    instants = state.rates_gbps.shape[1]
    arcs = np.concatenate([listed.arcs for listed, _ in pairs])
    length = [len(listed.arcs) for listed, _ in pairs]
    begins = np.cumsum([0, *length[:-1]])
    starts = np.concatenate(
        [listed.starts[:-1] + begin for (listed, _), begin in zip(pairs, begins, strict=True)]
    )
    k = np.concatenate([listed.demand for listed, _ in pairs])
    at = np.array([now for _, now in pairs])
    cell = arcs * instants + np.repeat(at, length)
    instant = np.repeat(at, [len(listed.demand) for listed, _ in pairs])

    def along(values: np.ndarray) -> np.ndarray:
        """Sum over the arcs of every path at its instant, shape (paths of pairs,)."""
        return np.add.reduceat(values.ravel()[cell], starts)

    gbps = np.concatenate([listed.share for listed, _ in pairs])
    gbps *= passage.part[k] * state.rates_gbps[k, instant]
    if lossy[at].any():
        step = np.minimum if passage.elastic else np.multiply
        gbps *= step.reduceat(passage.passes.ravel()[cell], starts)
    fixed = np.add.reduceat(network.delay_ms[arcs], starts)
    queueing = along(waiting.below_ms)
    if pressed:
        rest = [along(each) for each in (waiting.full_ms, waiting.least_ms, waiting.most_ms)]
        full = np.logical_or.reduceat(waiting.full.ravel()[cell], starts)
    else:
        rest, full = [np.zeros(len(k))] * 3, np.zeros(len(k), dtype=bool)
    return _kept(k, instant, gbps, fixed, queueing, rest[0], full, rest[1], rest[2], listed=True)


def _by_path(
    listed: Listed,
    network: Network,
    state: LinkState,
    passage: Passage,
    waiting: Waits,
    at: np.ndarray,
    lossy: bool,
) -> PathFlows:
    arcs, starts, k = listed.arcs, listed.starts[:-1], listed.demand

    def along(values: np.ndarray) -> np.ndarray:
        """Sum over the arcs of every path, shape (paths, instants)."""
        return np.add.reduceat(values[:, at][arcs], starts, axis=0)

    count = (len(k), len(at))
    share = (listed.share * passage.part[k])[:, None]
    if lossy:
        step = np.minimum if passage.elastic else np.multiply
        share = share * step.reduceat(passage.passes[:, at][arcs], starts, axis=0)
    gbps = np.broadcast_to(share, count) * state.rates_gbps[:, at][k]
    fixed = np.add.reduceat(network.delay_ms[arcs], starts)
    queueing = along(waiting.below_ms)
    full_ms, least, most = (np.zeros(count) for _ in range(3))
    full = np.zeros(count, dtype=bool)
    pressed = waiting.pressed[at]
    if pressed.any():
        some = at[pressed]
        for target, values in (
            (full_ms, waiting.full_ms), (least, waiting.least_ms), (most, waiting.most_ms)
        ):  # fmt: skip
            target[:, pressed] = np.add.reduceat(values[:, some][arcs], starts, axis=0)
        full[:, pressed] = np.logical_or.reduceat(waiting.full[:, some][arcs], starts, axis=0)
    entry = np.broadcast_to(fixed[:, None], count)
    demand, instant = np.broadcast_to(k[:, None], count), np.broadcast_to(at[None, :], count)
    return _kept(demand, instant, gbps, entry, queueing, full_ms, full, least, most, listed=True)


def _by_demand(
    routes: Routes,
    network: Network,
    state: LinkState,
    passage: Passage,
    waiting: Waits,
    at: np.ndarray,
) -> PathFlows:
    """Return means over the paths of each demand, where these are too many to list."""
    passes = None if passage.elastic else passage.passes[:, at]

    def mean(values: np.ndarray) -> np.ndarray:
        return np.nan_to_num(routes.arrivals(values[:, at], passes)[1])

    share = routes.arrivals(np.zeros_like(waiting.below_ms[:, at]), passes)[0]
    gbps = state.rates_gbps[:, at] * passage.part[:, None] * share
    if passage.elastic:  # what it got of all that was delivered is not told apart
        gbps = state.delivered_gbps[:, at] * (passage.part > 0)[:, None]
    fixed = mean(np.repeat(network.delay_ms[:, None], waiting.below_ms.shape[1], axis=1))
    parts = [mean(each) for each in (waiting.below_ms, waiting.full_ms)]
    full = mean(waiting.full.astype(float)) > 0
    ends = [mean(each) for each in (waiting.least_ms, waiting.most_ms)]
    demand, instant = np.indices(gbps.shape)
    return _kept(demand, at[instant], gbps, fixed, *parts, full, *ends, listed=False)


def _kept(
    demand: np.ndarray,
    instant: np.ndarray,
    gbps: np.ndarray,
    *quantities: np.ndarray,
    listed: bool,
) -> PathFlows:
    """Return the entries with traffic."""
    keep = np.flatnonzero(gbps.ravel() > 0)
    flat = [each.ravel()[keep] for each in (demand, instant, gbps, *quantities)]
    return PathFlows(listed, *flat)
