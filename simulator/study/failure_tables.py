"""Failure tables: what all failures do to all strategies, as tables ranked by what hurts most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.study.busiest import Moment
from simulator.study.failure_cases import FailureCase, States
from simulator.study.failure_play import Outcome

MOST_MAPPED = 250
"""Cases of each strategy, the worst first, whose exits have rows; for all strategies."""
_ROUNDING, _DIGITS = 1e-9, 6
_LOW, _HIGH = 0.05, 0.95


@dataclass(frozen=True, eq=False)
class Found:
    """What all cases do to one strategy, in one world.

    Attributes
    ----------
    strategy : str
    moment : Moment
    demands : Demands
        Base demands.
    cases : sequence of FailureCase
    states : States
    outcome : Outcome
        Of the states; the first is the network without failures.
    target : float
        Utilisation that exits, or all links without exits, are held to.
    """

    strategy: str
    moment: Moment
    demands: Demands
    cases: Sequence[FailureCase]
    states: States
    outcome: Outcome
    target: float

    @property
    def network(self) -> Network:
        """The network at the moment."""
        return self.moment.network

    @cached_property
    def utilisation(self) -> np.ndarray:
        """Of every arc in every state, shape (states, arcs); NaN where it is down."""
        capacity = self.states.capacity_gbps
        full = np.full(capacity.shape, np.nan)
        return np.divide(self.outcome.load_gbps, capacity, out=full, where=capacity > 0)

    @cached_property
    def cut_off_gbps(self) -> np.ndarray:
        """Traffic without a way, shape (states,)."""
        rates = self.moment.rates[self.outcome.cut_demand]
        return np.bincount(self.outcome.cut_state, rates, len(self.states)).astype(float)

    @cached_property
    def exits(self) -> np.ndarray:
        """Arcs of exits, shape (arcs,)."""
        return np.repeat(self.network.link_class == "exit", 2)

    @cached_property
    def keeps(self) -> np.ndarray:
        """Whether the target is kept and nothing is cut off, shape (states,)."""
        counted = self.exits if self.exits.any() else np.ones(len(self.exits), dtype=bool)
        full = np.nan_to_num(self.utilisation[:, counted]).max(axis=1, initial=0.0)
        return (full <= self.target * (1.0 + _ROUNDING)) & (self.cut_off_gbps <= _ROUNDING)

    @property
    def directions(self) -> np.ndarray:
        """What the direction of every arc is called."""
        return np.array(self.network.directions, dtype=object)

    @cached_property
    def links(self) -> np.ndarray:
        """Link of every arc."""
        return np.repeat(np.array(self.network.links, dtype=object), 2)

    @cached_property
    def order(self) -> np.ndarray:
        """Cases, what hurts most first: by loss, then the fullest exit, then the fullest link.

        Cases that hurt as much, but for rounding, stay in the order of the file.
        """
        of, full = self.states.of_case, np.nan_to_num(self.utilisation)
        at_exits = full[:, self.exits].max(axis=1, initial=0.0)
        keys = (full.max(axis=1, initial=0.0), at_exits, self.outcome.lost_gbps)
        return np.lexsort([-np.round(key[of], _DIGITS) for key in keys])

    def fullest(self, among: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the highest utilisation of some arcs in every state, its link and direction."""
        some = np.where(among, np.nan_to_num(self.utilisation, nan=-1.0), -1.0)
        arc = some.argmax(axis=1)
        most = some[np.arange(len(arc)), arc]
        there = most >= 0
        link, way = (np.where(there, names[arc], "") for names in (self.links, self.directions))
        return np.where(there, most, np.nan), link, way


# -- tables ---------------------------------------------------------------------------------------


def cases_table(found: Sequence[Found]) -> pd.DataFrame:
    """Return a row for each strategy and case, what hurts most first."""
    return pd.concat([_cases(each) for each in found], ignore_index=True)


def _cases(found: Found) -> pd.DataFrame:
    everywhere = np.ones(len(found.exits), dtype=bool)
    used, link, way = found.fullest(everywhere)
    exit_used, exit_link, exit_way = found.fullest(found.exits)
    outcome, of = found.outcome, found.states.of_case[found.order]
    rows = {
        "strategy": found.strategy,
        "case": [found.cases[i].name for i in found.order],
        "worst_utilisation": used[of],
        "worst_link": link[of],
        "direction": way[of],
        "exit_utilisation": exit_used[of],
        "worst_exit": exit_link[of],
        "exit_direction": exit_way[of],
        "lost_gbps_before": outcome.lost_before_gbps[of],
        **_repaired(found, of),
        "lost_gbps_after": outcome.lost_gbps[of],
        "cut_off_gbps": found.cut_off_gbps[of],
        "latency_ms": outcome.latency_ms[of],
        "latency_change_ms": outcome.latency_ms[of] - outcome.latency_ms[0],
        "international_change_ms": outcome.abroad_latency_ms[of] - outcome.abroad_latency_ms[0],
        "keeps_target": found.keeps[of],
        "at_h": found.moment.at_h,
    }
    return pd.DataFrame(rows)


def _repaired(found: Found, of: np.ndarray) -> dict[str, object]:
    """Return columns on the time in which nodes before dead links repair by themselves."""
    outcome = found.outcome
    arc = outcome.repaired_arc[of]
    link, way = (np.where(arc >= 0, names[arc], "") for names in (found.links, found.directions))
    return {
        "lost_gbps_repaired": outcome.repaired_lost_gbps[of],
        "repaired_utilisation": outcome.repaired_utilisation[of],
        "repaired_link": link,
        "repaired_direction": way,
    }


def strategies_table(found: Sequence[Found]) -> pd.DataFrame:
    """Return a row for each strategy: without failures, and how many cases keep the target."""
    return pd.DataFrame([_strategy(each) for each in found])


def _strategy(found: Found) -> dict[str, object]:
    used, link, way = found.fullest(np.ones(len(found.exits), dtype=bool))
    exit_used, *_ = found.fullest(found.exits)
    of, worst = found.states.of_case, int(found.order[0])
    return {
        "strategy": found.strategy, "at_h": found.moment.at_h,
        "offered_gbps": float(found.moment.rates.sum()),
        "cases": len(found.cases), "states": len(np.unique(of)),
        "kept": int(found.keeps[of].sum()), "kept_without_failure": bool(found.keeps[0]),
        "lost_gbps": float(found.outcome.lost_gbps[0]),
        "cut_off_gbps": float(found.cut_off_gbps[0]),
        "worst_utilisation": float(used[0]), "worst_link": str(link[0]), "direction": str(way[0]),
        "exit_utilisation": float(exit_used[0]),
        "latency_ms": float(found.outcome.latency_ms[0]),
        "international_ms": float(found.outcome.abroad_latency_ms[0]),
        "worst_case": found.cases[worst].name,
    }  # fmt: skip


def links_table(found: Sequence[Found]) -> pd.DataFrame:
    """Return a row for each strategy and direction of a link: the failure that fills it most."""
    return pd.concat([_links(each) for each in found], ignore_index=True)


def _links(found: Found) -> pd.DataFrame:
    used = np.nan_to_num(found.utilisation[found.states.of_case[found.order]], nan=-1.0)
    place = np.round(used, _DIGITS).argmax(axis=0)
    most = used[place, np.arange(used.shape[1])]
    names = np.array([found.cases[i].name for i in found.order], dtype=object)[place]
    frame = pd.DataFrame(
        {
            "strategy": found.strategy,
            "link": found.links,
            "direction": found.directions,
            "worst_utilisation": np.where(most >= 0, most, np.nan),
            "case": np.where(most >= 0, names, ""),
            "utilisation": found.utilisation[0],
        }
    )
    there = found.network.exists
    order = np.argsort(
        -frame["worst_utilisation"].round(_DIGITS).fillna(-1.0)[there], kind="stable"
    )
    return pd.DataFrame(frame[there].iloc[order])


def exits_table(found: Sequence[Found]) -> pd.DataFrame:
    """Return a row for each strategy, case and direction of an exit, for the worst cases alone."""
    worst = {int(case) for each in found for case in each.order[:MOST_MAPPED]}
    return pd.concat([_exits(each, worst) for each in found], ignore_index=True)


def _exits(found: Found, some: set[int]) -> pd.DataFrame:
    arcs = np.flatnonzero(found.exits & found.network.exists)
    worst = np.array([case for case in found.order if int(case) in some], dtype=np.int64)
    used = found.utilisation[np.ix_(found.states.of_case[worst], arcs)]
    return pd.DataFrame(
        {
            "strategy": found.strategy,
            "case": np.repeat([found.cases[i].name for i in worst], len(arcs)),
            "exit": np.tile(found.links[arcs], len(worst)),
            "direction": np.tile(found.directions[arcs], len(worst)),
            "utilisation": used.ravel(),
        }
    )


def demands_table(found: Sequence[Found]) -> pd.DataFrame:
    """Return a row for each strategy, case, end of demands and class that loses traffic."""
    return pd.concat([_hurt(each) for each in found], ignore_index=True)


def _hurt(found: Found) -> pd.DataFrame:
    outcome, demands = found.outcome, found.demands
    cut = found.moment.rates[outcome.cut_demand]
    rows = pd.DataFrame(
        {
            "state": np.concatenate([outcome.hurt_state, outcome.cut_state]),
            "demand": np.concatenate([outcome.hurt_demand, outcome.cut_demand]),
            "lost_gbps": np.concatenate([outcome.hurt_gbps, np.zeros(len(cut))]),
            "cut_off_gbps": np.concatenate([np.zeros(len(outcome.hurt_gbps)), cut]),
        }
    )
    rows["class"] = demands.traffic_class[rows["demand"]]
    ends = [rows.assign(end=side[rows["demand"]]) for side in (demands.source, demands.target)]
    keys = ["state", "end", "class"]
    sums = pd.concat(ends).groupby(keys, as_index=False)[["lost_gbps", "cut_off_gbps"]].sum()
    cases = pd.DataFrame({"place": np.arange(len(found.order)), "at": found.order})
    cases["state"] = found.states.of_case[found.order]
    frame = cases.merge(sums, on="state")
    order = np.lexsort([-frame["lost_gbps"].round(_DIGITS), frame["place"]])
    frame = frame.iloc[order]
    names = np.array([case.name for case in found.cases], dtype=object)
    nodes = np.array(found.network.nodes, dtype=object)
    return pd.DataFrame(
        {
            "strategy": found.strategy,
            "case": names[frame["at"].to_numpy(dtype=np.int64)],
            "end": nodes[frame["end"].to_numpy(dtype=np.int64)],
            "class": frame["class"].to_numpy(),
            "lost_gbps": frame["lost_gbps"].to_numpy(),
            "cut_off_gbps": frame["cut_off_gbps"].to_numpy(),
        }
    )


def impact_table(found: Sequence[Found], link: str) -> pd.DataFrame:
    """Return what every case does to one link, in each direction, the most harm first."""
    return pd.concat([_impact(each, link) for each in found], ignore_index=True)


def _impact(found: Found, link: str) -> pd.DataFrame:
    first = 2 * found.network.link_index[link]
    parts = []
    for arc in (first, first + 1):
        if found.network.exists[arc]:
            used = found.utilisation[found.states.of_case, arc]
            parts.append(_one_way(found, link, arc, used))
    frame = pd.concat(parts, ignore_index=True)
    order = np.argsort(-frame["utilisation"].round(_DIGITS).fillna(-1.0), kind="stable")
    return pd.DataFrame(frame.iloc[order])


def _one_way(found: Found, link: str, arc: int, used: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "strategy": found.strategy,
            "link": link,
            "direction": found.directions[arc],
            "case": [case.name for case in found.cases],
            "utilisation": used,
            "change": used - found.utilisation[0, arc],
            "is_down": np.isnan(used),
        }
    )


def ranges_table(by_world: Sequence[Sequence[Found]]) -> pd.DataFrame:
    """Return a row for each strategy and case: 5 to 95 % of the drawn worlds."""
    stated, drawn = by_world[0], by_world[1:]
    frames = []
    for place, first in enumerate(stated):
        each = [_by_case(world[place], first) for world in drawn]
        values = {key: np.array([one[key] for one in each]) for key in each[0]}
        columns: dict[str, object] = {
            "strategy": first.strategy, "case": [first.cases[i].name for i in first.order],
        }  # fmt: skip
        for key in ("worst_utilisation", "lost_gbps_before", "lost_gbps_after"):
            low, high = np.quantile(values[key], [_LOW, _HIGH], axis=0)
            columns |= {f"{key}_low": low, f"{key}_high": high}
        columns["kept_share"] = values["keeps"].mean(axis=0)
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def _by_case(found: Found, first: Found) -> Mapping[str, np.ndarray]:
    """Return figures of the cases of a world, in the order of the world as stated."""
    of = found.states.of_case[first.order]
    used, *_ = found.fullest(np.ones(len(found.exits), dtype=bool))
    return {
        "worst_utilisation": np.nan_to_num(used)[of],
        "lost_gbps_before": found.outcome.lost_before_gbps[of],
        "lost_gbps_after": found.outcome.lost_gbps[of],
        "keeps": found.keeps[of],
    }
