"""Reasons: why a change of capacity changes nothing, and what binds after it, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.base.text import counted, listed, plain, short
from simulator.model.network import Network
from simulator.paths.shortest import destinations_of, shortest_to
from simulator.study.worst_instant import FULL, NEAR, Column, Use

MOST_LINKS = 2
"""Changed links that a sentence speaks of; the rest is counted."""
_UNCLEAR = {"1": 5e-4, "ms": 5e-3}
"""Differences that a table rounds to nothing, by unit."""
_LOST = ("loss_fraction", "deferred_fraction")
_LOST_UNCLEAR = 1e-3
"""The same for traffic that is lost, as a share of what is lost: it is a small share of all."""
_MAIN = {
    "exit_utilisation_peak": "the peak of the hottest exit",
    "mlu_peak": "the peak of the fullest link",
    "latency_below_capacity_ms_mean": "latency",
    "loss_fraction": "loss",
    "deferred_fraction": "what is deferred",
}


class Reason(NamedTuple):
    """What binds, of a strategy under a change.

    Attributes
    ----------
    change, strategy : str
    still : bool
        Whether what is lost, or else the peak, stays where it was, as far as replications tell.
    kind : str
        ``exit``, ``cap``, ``link`` or ``landing``: what binds after the change; ``none`` where
        nothing is full.
    element, direction : str
        Where.
    utilisation : float
        How full it is.
    sentence : str
        Why the change changes nothing, if so, and what binds.
    """

    change: str
    strategy: str
    still: bool
    kind: str
    element: str
    direction: str
    utilisation: float
    sentence: str


def reasons(
    columns: Mapping[str, Mapping[str, Column]], baseline: str, frame: pd.DataFrame
) -> Iterator[Reason]:
    """Yield a reason for every change and every strategy that the baseline has as well.

    Parameters
    ----------
    columns : mapping of str to mapping
        By name of the change and of the strategy; that of the baseline is among them.
    frame : pandas.DataFrame
        The table of differences.
    """
    base = columns[baseline]
    for change, strategies in columns.items():
        for name, now in strategies.items():
            if change == baseline or name not in base or now.rows.empty:
                continue
            mine = frame[(frame["change"] == change) & (frame["strategy"] == name)]
            moved = _moved(mine)
            headline = _headline(mine)
            still = headline not in moved
            kind, use, binds = _binds(now)
            why = _why(base[name], now, moved, headline) if still else ""
            text = f"{why}; {binds}" if why else binds
            where = f"{short(name)} with {short(change, 40)}"
            sentence = f"{where} {text}." if why else f"{where}: {text}."
            yield Reason(change, name, still, kind, use.link, use.way, use.utilisation, sentence)


def _headline(mine: pd.DataFrame) -> str:
    """Return the figure that a change is judged by: traffic that is lost, if any, else the peak."""
    rows = mine[mine["scope"] == "all"]
    means = dict(zip(rows["metric"], rows["baseline"], strict=True))
    lost = [metric for metric in _LOST if means.get(metric, 0) > 0]
    return next(metric for metric in (*lost, *_MAIN) if metric in means)


def _moved(mine: pd.DataFrame) -> dict[str, float]:
    """Return the main figures that a change moves beyond doubt, with their differences."""
    found = {}
    rows = mine[mine["metric"].isin(list(_MAIN)) & (mine["scope"] == "all")]
    for row in rows.to_dict("records"):
        low, high, apart = row["ci_low"], row["ci_high"], row["difference"]
        least = _UNCLEAR[row["unit"]]
        if row["metric"] in _LOST:
            least = _LOST_UNCLEAR * max(row["baseline"], row["value"])
        unclear = low <= 0 <= high or abs(apart) <= least or np.isnan(apart)
        if not unclear:
            found[str(row["metric"])] = float(apart)
    return found


# -- what binds ---------------------------------------------------------------------------------


def _binds(now: Column) -> tuple[str, Use, str]:
    """Return what binds at the worst instant, where, and a clause about it."""
    hot, at = now.hottest, _percent(now.hottest.utilisation)
    if now.full and not (hot.is_exit and hot.utilisation >= FULL):
        first = now.full[0]
        names = listed([f"{u.name} at {_percent(u.utilisation)}" for u in now.full[:MOST_LINKS]])
        more = _more(len(now.full) - MOST_LINKS, "link")
        exits = f", while no exit is (the fullest is {hot.name} at {at})" if hot.is_exit else ""
        return "link", first, f"what is full is no exit but {names}{more}{exits}: more there would"
    if hot.utilisation >= FULL:
        inbound = hot.way == "in" and hot.is_exit and now.lands
        return ("landing" if inbound else "exit"), hot, f"{hot.name} is full, {at}{_because(now)}"
    if now.at_cap:
        cap = _percent(now.cap or 1.0)
        within = hot.utilisation <= (now.cap or 1.0) / NEAR
        held = f"{hot.name} at {at} is {'held at' if within else 'above'} the scheme's cap"
        would = "more there, or a higher cap, would" if within else "more there would"
        return "cap", hot, f"{held} (utilisation_cap, {cap}): {would}"
    noun = "exit" if hot.is_exit else "link"
    text = f"nothing is full: the fullest {noun} is {hot.name} at {at}{_because(now)}"
    return "none", hot, f"{text}{_propagation(now)}"


def _because(now: Column) -> str:
    """Return how traffic came to the fullest exit."""
    hot, scheme = now.hottest, now.settings.scheme
    if hot.is_exit and hot.way == "in" and now.lands:
        return ", where neighbours abroad hand traffic over, by their own choice"
    if not scheme.demand_aware:
        return f", where {scheme.kind} leads traffic, whatever room there is"
    return ""


def _propagation(now: Column) -> str:
    """Return how much of the latency is distance, where that is nearly all."""
    summary = now.results.summary
    mine = summary[(summary["strategy"] == now.strategy) & (summary["scope"] == "all")]
    means = dict(zip(mine["metric"], mine["mean"], strict=True))
    whole = means.get("latency_below_capacity_ms_mean", np.nan)
    share = means.get("propagation_ms_mean", np.nan) / whole if whole else np.nan
    return f", and latency is {_percent(share)} propagation" if share >= 0.9 else ""


# -- why a change changes nothing ---------------------------------------------------------------


def _why(was: Column, now: Column, moved: Mapping[str, float], headline: str) -> str:
    """Return why the headline stays, from the capacity that was added; nothing if none was."""
    raised = _raised(was.scenario.network, now.scenario.network)
    if not raised:
        return ""
    others = [_MAIN[key] for key in moved if key != headline]
    head = f"leaves {_MAIN[headline]} as it is" if others else "changes nothing"
    clauses = [_of_link(link, was, now) for link in raised[:MOST_LINKS]]
    text = f"{head}: {'; '.join(clauses)}{_more(len(raised) - MOST_LINKS, 'link')}"
    return f"{text} (it does move {listed(others)})" if others else text


def _raised(was: Network, now: Network) -> list[str]:
    """Return links that have more capacity in some direction than before, most added first."""
    before = {link: was.installed_gbps[2 * i : 2 * i + 2] for i, link in enumerate(was.links)}
    added = {
        link: float((now.installed_gbps[2 * i : 2 * i + 2] - before.get(link, 0.0)).max())
        for i, link in enumerate(now.links)
    }
    found = sorted((x for x in added if added[x] > 1e-9), key=lambda link: -added[link])
    exits = [x for x in found if now.attributes(x)["class"] == "exit"]
    return exits or found  # what leads to a new exit is part of it


def _of_link(link: str, was: Column, now: Column) -> str:
    """Return why more capacity on one link does nothing for the peak."""
    name = plain(link)
    if not now.carries(link):
        return f"{name} carries nothing, {_unused(link, now)}"
    before, after = was.most(link), now.most(link)
    assert after is not None
    if now.hottest.link == link and now.at_cap:
        return f"{name} is filled to the scheme's cap again"
    parts = [f"{name} {_not_full(before, after)}"]
    if brought := _brought_by(link, now):
        parts.append(f"it carries no more than {listed(brought)} can bring")
    if reach := _reach(link, now):
        parts.append(reach)
    return ", and ".join(parts)


def _not_full(before: Use | None, after: Use) -> str:
    if before is None:
        return f"is new and {_percent(after.utilisation)} full at the most"
    if before.utilisation < FULL:
        return f"was not full before, at most {_percent(before.utilisation)}"
    return f"goes from {_percent(before.utilisation)} to {_percent(after.utilisation)}"


def _brought_by(link: str, now: Column) -> list[str]:
    """Return full links that meet an end of a link."""
    network = now.scenario.network
    ends = {network.attributes(link)[end] for end in ("a", "b")}
    found = []
    for use in now.full:
        attributes = network.attributes(use.link)
        if use.link != link and ends & {attributes["a"], attributes["b"]}:
            found.append(f"{use.name} at {_percent(use.utilisation)}")
    return found[:MOST_LINKS]


def _reach(link: str, now: Column) -> str:
    """Return whose traffic an exit may carry, if the fullest exit has traffic of others."""
    network, hot = now.scenario.network, now.hottest
    mine = network.attributes(link).get("reaches")
    if not mine or hot.link == link or not hot.is_exit:
        return ""
    return f"only traffic of {listed([plain(end) for end in mine][:3])} may use it (reaches)"


def _unused(link: str, now: Column) -> str:
    network, scheme = now.scenario.network, now.settings.scheme
    reaches = network.attributes(link).get("reaches")
    demands = now.scenario.demands
    abroad = np.concatenate([demands.source, demands.target])
    if reaches and not set(reaches) & {network.nodes[i] for i in set(abroad.tolist())}:
        return f"as it may carry only traffic of {listed(list(reaches))} (reaches), which has none"
    longer = _longer(link, now, network.metric)
    if not scheme.demand_aware and longer is not None:
        by = f"as {scheme.kind} routes by metric, whatever room there is"
        if np.isinf(longer):
            return f"{by}, and no path over it is the shortest even with a metric of next to 0"
        return f"{by}, and every path over it is longer than the shortest, by {longer:.4g} at least"
    slower = _longer(link, now, network.delay_ms)
    if slower is not None and np.isfinite(slower) and slower > 0:
        return f"as every path over it is slower than the fastest, by {slower:.3g} ms at least"
    return "as no traffic needs it"


def _longer(link: str, now: Column, weight: np.ndarray) -> float | None:
    """Return by how much the shortest path over a link exceeds the shortest, at the least.

    Over all demands with traffic. The link is made as good as free: where that shortens a path, its
    length with the true weight is known. Infinite where it shortens none; None for zero weights.
    """
    network, demands = now.scenario.network, now.scenario.demands
    demands = demands.take(np.flatnonzero(demands.gbps > 0))
    if not len(demands) or weight.min() < 0:
        return None
    weight = np.maximum(weight, 1e-9)
    destinations, row = destinations_of(network, demands)
    plainly = shortest_to(network, weight, destinations).distance[row, demands.source]
    least = np.inf
    for arc in (2 * network.link_index[link], 2 * network.link_index[link] + 1):
        free = weight.copy()
        free[arc] = 1e-9
        over = shortest_to(network, free, destinations).distance[row, demands.source]
        better = over < plainly - 1e-9 * (1 + plainly)
        if better.any():
            least = min(least, float((over + weight[arc] - plainly)[better].min()))
    return least


def _more(count: int, noun: str) -> str:
    return f" and {counted(count, noun)} more" if count > 0 else ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
