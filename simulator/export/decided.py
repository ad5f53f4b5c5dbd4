"""Decided: what a strategy decided, read from a results folder and made what routers hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.model.exit_shares import PER_CENT, ExitShares
from simulator.model.network import Network

Pair = tuple[str, str]
"""Province and region: where outbound traffic begins and ends."""
Parts = dict[tuple[str, ...], tuple[float, dict[str, float], float]]
"""Of each demand of a pair: its rate, its shares by exit, and what follows the IGP's path."""
Ways = Mapping[str, int]
"""Exits with their whole per cents, which add up to 100; empty without a decision."""
_ROUNDING = 1e-9


class Asked(NamedTuple):
    """What a decision asks for, of all demands of a pair together.

    Attributes
    ----------
    shares : mapping of str to float
        By exit; they add up to less than 1 where a part is not steered.
    gbps : float
        Its demands, as predicted.
    igp_share : float
        What follows the IGP's own path, inside and beyond the exit; NaN where that is not known.
    demands : int
        How many demands of the pair have shares.
    """

    shares: Mapping[str, float]
    gbps: float
    igp_share: float
    demands: int


class Decision(NamedTuple):
    """What routers are told about a pair at an instant.

    Attributes
    ----------
    time_s : float
    source, target : str
    ways : mapping of str to int
    asked : Asked
    """

    time_s: float
    source: str
    target: str
    ways: Ways
    asked: Asked


@dataclass(frozen=True, eq=False)
class Decided:
    """All outbound decisions of a strategy, in order of time.

    Attributes
    ----------
    network : Network
    decisions : list of Decision
        A decision holds until there is another of the same pair.
    inbound : int
        Pairs with decisions about inbound traffic, which no router at home carries out.
    """

    network: Network
    decisions: list[Decision]
    inbound: int

    @classmethod
    def of(cls, table: pd.DataFrame, network: Network) -> Decided:
        """Read rows of the table ``routes``, of one strategy and replication."""
        at_home = {node: not away for node, away in zip(network.nodes, network.is_abroad,
                                                         strict=True)}  # fmt: skip
        outward = table["source"].map(at_home).astype(bool)
        others = table[~outward]
        inbound = len(others[["source", "target"]].drop_duplicates())
        asked = list(_asked(table[outward]))
        return cls(network, _in_whole_per_cents(asked, network), inbound)

    def at(self, time_s: float) -> list[Decision]:
        """Return the decisions in force at an instant, sorted by source and target."""
        last = {
            (each.source, each.target): each
            for each in self.decisions
            if each.time_s <= time_s + _ROUNDING
        }
        return [last[pair] for pair in sorted(last) if last[pair].ways]


def _asked(table: pd.DataFrame) -> Iterator[tuple[float, Pair, Asked]]:
    """Yield what is asked for whenever that changes; demands of one pair become one."""
    keys = [name for name in ("class", "service") if name in table]
    words = [table[name].astype(str).tolist() for name in ("source", "target", "exit")]
    parts = list(zip(*(table[name].astype(str) for name in keys), strict=True))
    numbers = (table[name].tolist() for name in ("time_s", "share", "igp_share", "predicted_gbps"))
    state: dict[Pair, Parts] = {}
    pending: dict[Pair, Parts] = {}
    now: float | None = None
    rows = zip(*words, parts, *numbers, strict=True)
    for source, target, link, part, time_s, share, igp, gbps in rows:
        if now is not None and time_s != now:
            yield from _changed(now, state, pending)
            pending = {}
        now = time_s
        mine = pending.setdefault((source, target), {})
        _, shares, by_igp = mine.get(part, (gbps, {}, 0.0))
        if link:
            shares[link] = shares.get(link, 0.0) + share
        mine[part] = gbps, shares, by_igp + igp
    if now is not None:
        yield from _changed(now, state, pending)


def _outward(network: Network, link: str) -> int:
    """Return the arc of an exit that leaves the country."""
    arc = 2 * network.link_index[link]
    return arc if network.crosses_out[arc] else arc + 1


def _changed(
    now: float,
    state: dict[Pair, Parts],
    pending: dict[Pair, Parts],
) -> Iterator[tuple[float, Pair, Asked]]:
    for pair in sorted(pending):
        known = state.setdefault(pair, {})
        known.update(pending[pair])
        yield now, pair, _together(known.values())


def _together(parts: Iterable[tuple[float, dict[str, float], float]]) -> Asked:
    """Return the demands of a pair as one, each weighed by its rate."""
    steered = [each for each in parts if each[1]]
    gbps = np.array([each[0] for each in steered])
    if not len(gbps):
        return Asked({}, 0.0, 0.0, 0)
    total = float(gbps.sum())
    weight = gbps / total if total > 0 else np.full(len(gbps), 1 / len(gbps))
    shares: dict[str, float] = {}
    for part, (_, mine, _) in zip(weight.tolist(), steered, strict=True):
        for link, share in mine.items():
            shares[link] = shares.get(link, 0.0) + part * share
    igp = float(weight @ np.array([each[2] for each in steered]))
    return Asked(shares, total, igp, len(steered))


def _in_whole_per_cents(asked: list[tuple[float, Pair, Asked]], network: Network) -> list[Decision]:
    """Return decisions as the carrier ``tunnels`` rounds them."""
    entries = [
        (i, _outward(network, link), share)
        for i, (*_, each) in enumerate(asked)
        for link, share in each.shares.items()
    ]
    demand, arc = (np.array([each[k] for each in entries], dtype=np.int64) for k in (0, 1))
    share = np.array([each[2] for each in entries], dtype=float)
    shares = ExitShares.summed(network, len(asked), demand, arc, share)
    served = shares.served
    whole = shares.in_whole_per_cents()
    percent = np.rint(PER_CENT * whole.share / served[whole.demand]).astype(int)
    ways: list[dict[str, int]] = [{} for _ in asked]
    for i, at, count in zip(whole.demand.tolist(), whole.arc.tolist(), percent.tolist(),
                            strict=True):  # fmt: skip
        ways[i][network.links[at // 2]] = count
    return [
        Decision(time_s, *pair, mine, each)
        for (time_s, pair, each), mine in zip(asked, ways, strict=True)
    ]
