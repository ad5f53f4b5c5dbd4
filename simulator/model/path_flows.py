"""Path flows: delivered traffic path by path, with its propagation and its waits.

The mean latency of a demand hides that parts of it take other ways. Quantiles by volume need the
paths themselves, and so does the question how much traffic met a full buffer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.model.link_state import LinkState, Passage
from simulator.model.listed import Listed
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.schedule import batches, runs
from simulator.queues.queue import Waits, waits

_MOST = 2_000_000
"""Arcs of paths at instants that are looked at together."""
_BATCH, _FEW = 500_000, 8
"""The same for paths that stand for few instants each, which is what few means."""


@dataclass(frozen=True, eq=False)
class FullWaits:
    """Waits that depend on the size of buffers, of the paths that have any.

    Attributes
    ----------
    which : ndarray of int, shape (some paths,)
        These paths.
    full_ms : ndarray, shape (some paths, instants)
        Wait beside the one below capacity.
    full : ndarray of bool, shape (some paths, instants)
        Whether the path crosses a link at or above capacity.
    least_ms, most_ms : ndarray, shape (some paths, instants)
        What ``full_ms`` would be with the least and the largest buffer of the range.
    """

    which: np.ndarray
    full_ms: np.ndarray
    full: np.ndarray
    least_ms: np.ndarray
    most_ms: np.ndarray


@dataclass(frozen=True, eq=False)
class PathFlows:
    """Delivered traffic of some paths, at instants that they share or at one each.

    Attributes
    ----------
    listed : bool
        False where paths are too many to list: a path is a demand with the means over its paths,
        and ``full`` says whether any of them crosses such a link.
    demand : ndarray of int, shape (paths,)
    instant : ndarray of int, shape (1, instants) or (paths, 1)
    gbps : ndarray, shape (paths, instants)
        Rate delivered; zero where a path is not in use.
    propagation_ms : ndarray, shape (paths, 1) or (paths, instants)
    queueing_ms : ndarray, shape (paths, instants)
        Wait below capacity: no more than the least buffer, and none at links at or above capacity.
    rest : FullWaits or None
        All other wait; None where there is none.
    """

    listed: bool
    demand: np.ndarray
    instant: np.ndarray
    gbps: np.ndarray
    propagation_ms: np.ndarray
    queueing_ms: np.ndarray
    rest: FullWaits | None


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
    """Return the flows of many sets of paths, each at one instant, all in one pass."""
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
        """Sum over the arcs of every path at its instant, shape (paths of pairs, 1)."""
        return np.add.reduceat(values.ravel()[cell], starts)[:, None]

    gbps = np.concatenate([listed.share for listed, _ in pairs])
    gbps *= passage.part[k] * state.rates_gbps[k, instant]
    if lossy[at].any():
        step = np.minimum if passage.elastic else np.multiply
        gbps *= step.reduceat(passage.passes.ravel()[cell], starts)
    fixed = np.add.reduceat(network.delay_ms[arcs], starts)
    rest = None
    if pressed:
        full = np.logical_or.reduceat(waiting.full.ravel()[cell], starts)[:, None]
        rest = FullWaits(
            np.arange(len(k)),
            along(waiting.full_ms),
            full,
            along(waiting.least_ms),
            along(waiting.most_ms),
        )
    queueing = along(waiting.below_ms)
    return PathFlows(True, k, instant[:, None], gbps[:, None], fixed[:, None], queueing, rest)


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

    share = (listed.share * passage.part[k])[:, None]
    if lossy:
        step = np.minimum if passage.elastic else np.multiply
        share = share * step.reduceat(passage.passes[:, at][arcs], starts, axis=0)
    gbps = share * state.rates_gbps[:, at][k]
    fixed = np.add.reduceat(network.delay_ms[arcs], starts)[:, None]
    rest = None
    if waiting.pressed[at].any():
        full = np.logical_or.reduceat(waiting.full[:, at][arcs], starts, axis=0)
        rest = FullWaits(
            np.arange(len(k)),
            along(waiting.full_ms),
            full,
            along(waiting.least_ms),
            along(waiting.most_ms),
        )
    return PathFlows(True, k, at[None, :], gbps, fixed, along(waiting.below_ms), rest)


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
    rest = None
    if waiting.pressed[at].any():
        rest = FullWaits(
            np.arange(len(routes)),
            mean(waiting.full_ms),
            mean(waiting.full.astype(float)) > 0,
            mean(waiting.least_ms),
            mean(waiting.most_ms),
        )
    k = np.arange(len(routes))
    return PathFlows(False, k, at[None, :], gbps, fixed, mean(waiting.below_ms), rest)
