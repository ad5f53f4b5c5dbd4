"""Recovery: what the traffic of a strategy suffers after every event, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from simulator.model.link_state import LinkState
from simulator.model.network import Network
from simulator.results.writer import Coded
from simulator.simulation.clock import US_PER_S, micros
from simulator.simulation.faults import Event

SOON_S = 900.0
"""Time after an event in which the peak counts: a controller has answered, and load has hardly
changed by itself."""
BEFORE_S = 300.0
"""Time before an event from which intervals are kept."""
_ROUNDING = 1e-9


class Mark(NamedTuple):
    """An instant at which events begin or end, and these in words."""

    at_us: int
    what: str


def marks_of(events: Iterable[Event], strategy: str, end_us: int) -> list[Mark]:
    """Return the instants at which something happens to the network or to one strategy."""
    found: dict[int, list[str]] = {}
    for event in events:
        if event.strategy in (None, strategy):
            found.setdefault(micros(event.at_h * 3600), []).append(event.what)
            if event.until_h is not None:
                found.setdefault(micros(event.until_h * 3600), []).append(f"{event.what}: over")
    return [Mark(at, "; ".join(found[at])) for at in sorted(found) if at < end_us]


@dataclass(frozen=True, eq=False)
class _Intervals:
    """Intervals in which nothing changes, one after the other."""

    begin_us: np.ndarray
    end_us: np.ndarray
    asked_gbps: np.ndarray
    unserved_gbps: np.ndarray
    lost_gbps: np.ndarray
    utilisation: np.ndarray
    arc: np.ndarray

    def take(self, which: np.ndarray | slice) -> _Intervals:
        return _Intervals(*(values[which] for values in vars(self).values()))

    @property
    def seconds(self) -> np.ndarray:
        return (self.end_us - self.begin_us) / US_PER_S

    def merged(self) -> _Intervals:
        """Return the intervals, those together between which nothing changes but for rounding.

        Routes that are installed again as they were end an interval, or do not.
        """
        rates = np.array([self.asked_gbps, self.unserved_gbps, self.lost_gbps])
        apart = np.ones(len(self.begin_us), dtype=bool)
        apart[1:] = (np.abs(np.diff(rates)) > _ROUNDING * self.asked_gbps[1:]).any(axis=0)
        apart[1:] |= np.abs(np.diff(self.utilisation)) > _ROUNDING
        first = np.flatnonzero(apart)
        few = self.take(first)
        end = np.append(self.begin_us[first[1:]], self.end_us[-1])
        return _Intervals(few.begin_us, end, *list(vars(few).values())[2:])

    def cut_at(self, times_us: np.ndarray) -> _Intervals:
        """Return the intervals, cut where they hold one of some times."""
        inside = times_us[(times_us > self.begin_us[0]) & (times_us < self.end_us[-1])]
        begin = np.union1d(self.begin_us, inside)
        cut = self.take(np.searchsorted(self.begin_us, begin, side="right") - 1)
        end = np.append(begin[1:], self.end_us[-1])
        return _Intervals(begin, end, *list(vars(cut).values())[2:])


class Recovery:
    """Keeps what one strategy loses from shortly before its first event on.

    Parameters
    ----------
    marks : list of Mark
        In order of time.
    """

    def __init__(self, network: Network, marks: list[Mark]) -> None:
        self._network, self._marks = network, marks
        exits = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
        self._arcs = exits if len(exits) else np.arange(len(network.tail))
        self._kept: list[_Intervals] = []

    def add(self, state: LinkState, span: np.ndarray) -> None:
        """Add intervals, the instants of *state*: begin and end of each in microseconds."""
        if not self._marks or span[-1, 1] <= self._marks[0].at_us - micros(BEFORE_S):
            return
        delivered = state.delivered_gbps.sum(axis=0)
        used = np.nan_to_num(state.utilisation[self._arcs], nan=-1.0)
        fullest = used.argmax(axis=0)
        self._kept.append(
            _Intervals(
                span[:, 0].copy(),
                span[:, 1].copy(),
                state.rates_gbps.sum(axis=0),
                state.rates_gbps.sum(axis=0) - delivered,
                state.sent_gbps.sum(axis=0) - delivered,
                used[fullest, np.arange(used.shape[1])],
                self._arcs[fullest],
            )
        )

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return the columns of the tables ``recovery`` and ``around_events``."""
        if not self._kept:
            return {}
        columns = zip(*(vars(each).values() for each in self._kept), strict=True)
        whole = _Intervals(*(np.concatenate(values) for values in columns))
        at = np.array([mark.at_us for mark in self._marks], dtype=np.int64)
        cut = whole.merged().cut_at(at)
        ends = np.append(at[1:], cut.end_us[-1])
        rows = [self._row(cut, *each) for each in zip(self._marks, ends, strict=True)]
        near = np.zeros(len(cut.begin_us), dtype=bool)
        for time in at:
            near |= (cut.end_us > time - micros(BEFORE_S)) & (cut.begin_us < time + micros(SOON_S))
        few = cut.take(near)
        around = {
            "time_s": few.begin_us / US_PER_S,
            "lasts_s": few.seconds,
            "asked_gbps": few.asked_gbps,
            "unserved_gbps": _clean(few.unserved_gbps, few.asked_gbps),
            "lost_gbps": _clean(few.lost_gbps, few.asked_gbps),
            **self._fullest("", few.utilisation, few.arc),
        }
        return {"recovery": self._columns(rows), "around_events": around}

    def _row(self, cut: _Intervals, mark: Mark, until_us: int) -> dict[str, Any]:
        first, last = np.searchsorted(cut.begin_us, [mark.at_us, until_us])
        mine = cut.take(slice(first, last))
        before = float(cut.unserved_gbps[first - 1]) if first else 0.0
        back = mine.unserved_gbps <= before + _ROUNDING * mine.asked_gbps
        count = int(back.argmax()) if back.any() else len(back)
        open_ = mine.take(slice(0, count))
        soon = mine.take(mine.begin_us < mark.at_us + micros(SOON_S))
        peak = int(soon.utilisation.argmax())
        return {
            "time_s": mark.at_us / US_PER_S,
            "event": mark.what,
            "until_s": until_us / US_PER_S,
            "unserved_before_gbps": _some(cut, first - 1) if first else 0.0,
            "unserved_at_once_gbps": _some(mine, 0),
            "settled_unserved_gbps": _some(soon, -1),
            "recovered_s": float(open_.seconds.sum()) if back.any() else np.nan,
            "unserved_gbit": float(_clean(open_.unserved_gbps, open_.asked_gbps) @ open_.seconds),
            "lost_gbit": float(_clean(open_.lost_gbps, open_.asked_gbps) @ open_.seconds),
            "peak": (soon.utilisation[peak], soon.arc[peak]),
            "settled": (soon.utilisation[-1], soon.arc[-1]),
        }

    def _columns(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the rows as columns."""
        found: dict[str, Any] = {}
        for name in rows[0]:
            values = [row[name] for row in rows]
            if name in ("peak", "settled"):
                used, arc = (np.array(each) for each in zip(*values, strict=True))
                found |= self._fullest(f"{name}_", used, arc)
            elif name == "event":
                found[name] = Coded.of(np.array(values, dtype=object))
            else:
                found[name] = np.array(values)
        return found

    def _fullest(self, name: str, utilisation: np.ndarray, arc: np.ndarray) -> dict[str, Any]:
        """Return columns of the utilisation of the fullest link, and which one it is."""
        links, ways = (np.array(each, dtype=object) for each in self._names())
        there = utilisation >= 0
        return {
            f"{name}utilisation": np.where(there, utilisation, np.nan),
            f"{name}link": Coded.of(np.where(there, links[arc], "")),
            f"{name}direction": Coded.of(np.where(there, ways[arc], "")),
        }

    def _names(self) -> tuple[list[str], list[str]]:
        links = [link for link in self._network.links for _ in range(2)]
        return links, list(self._network.directions)


def _clean(values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return the values, zero where they are no more than rounding."""
    return np.where(values > _ROUNDING * asked, values, 0.0)


def _some(intervals: _Intervals, at: int) -> float:
    """Return what does not get through in one interval."""
    one = slice(at, at + 1 or None)
    return float(_clean(intervals.unserved_gbps[one], intervals.asked_gbps[one])[0])


def recovery_totals(table: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Return the longest recovery, all that did not get through meanwhile, and the highest peak.

    A recovery that did not end before the next event, or the end, lasts until then. None without an
    event.
    """
    if not table:
        return None
    lasting = table["until_s"] - table["time_s"]
    took = np.where(np.isnan(table["recovered_s"]), lasting, table["recovered_s"])
    peak = np.nanmax(table["peak_utilisation"], initial=0.0)
    return float(took.max()), float(table["unserved_gbit"].sum()), float(peak)
