"""Found: what was seen on the routers, as rows of tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from simulator.results.table import declared
from simulator.verify.deaths import Death
from simulator.verify.decisions import Cycle
from simulator.verify.failures import LIMIT, Measure
from simulator.verify.flows import Counted
from simulator.verify.hops import Carried
from simulator.verify.landings import Landed
from simulator.verify.replay import Told
from simulator.verify.static import Wrong

TABLES = ("checks", "static", "cycles", "flows", "failures", "deaths", "carried", "landings")
Rows = list[dict[str, object]]


@dataclass(eq=False)
class Found:
    """All that was seen, as rows.

    Attributes
    ----------
    static, cycles, flows, failures, deaths, carried, landings : list of dict
        Rows of the tables of these names.
    without_path : int
        Pairs of nodes that the project's shortest paths do not connect, so that they are left out.
    misunderstood : int
        Lines that the controller did not take.
    seconds : dict of str to float
        How long each part took.
    memory_mb : float
        Of all daemons, each counted whole.
    """

    static: Rows = field(default_factory=list)
    cycles: Rows = field(default_factory=list)
    flows: Rows = field(default_factory=list)
    failures: Rows = field(default_factory=list)
    deaths: Rows = field(default_factory=list)
    carried: Rows = field(default_factory=list)
    landings: Rows = field(default_factory=list)
    without_path: int = 0
    misunderstood: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    memory_mb: float = 0.0

    def add_static(self, counts: dict[str, int], wrong: Sequence[Wrong]) -> None:
        """Add the routers, with their numbers of destinations, and what is wrong of them."""
        for router, count in counts.items():
            mine = [each for each in wrong if each.router == router]
            self.static.append({
                "router": router, "destinations": count, "wrong": len(mine),
                "example": _words(mine[0]) if mine else "",
            })  # fmt: skip

    def add_cycle(self, cycle: Cycle, told: Told, share_error: float) -> None:
        """Add a cycle."""
        ways = [each for each in cycle.ways.values() if each]
        self.cycles.append({
            "cycle": cycle.number, "time_s": cycle.time_s, "clock": cycle.clock,
            "pairs": told.pairs, "split": sum(len(each) > 1 for each in ways),
            "changed": told.changed, "lines": told.lines, "in_force_s": told.in_force_s,
            "wrong": len(told.wrong), "share_error": share_error,
            "example": " to ".join(told.wrong[0]) if told.wrong else "",
        })  # fmt: skip

    def add_flows(
        self,
        cycle: Cycle,
        counted: Counted,
        shares: dict[str, float],
        full_gbps: dict[str, float],
    ) -> None:
        """Add the exits under a cycle.

        Parameters
        ----------
        shares : dict of str to float
            What the project has at each exit.
        full_gbps : dict of str to float
            Traffic of the network over the capacity of each exit; infinite where it is down.
        """
        for link, share in shares.items():
            by_link = counted.links[link] / counted.sent
            self.flows.append({
                "cycle": cycle.number, "time_s": cycle.time_s, "exit": link,
                "expected_share": share, "tunnel_share": counted.tunnels[link] / counted.sent,
                "link_share": by_link, "difference": by_link - share,
                "utilisation": by_link * full_gbps[link] if by_link else 0.0,
                "sent": counted.sent, "delivered": counted.delivered,
            })  # fmt: skip

    def add_failure(self, measures: Sequence[Measure]) -> None:
        """Add the quantities of a failure."""
        for each in measures:
            row = each._asdict()
            self.failures.append({name: row[name] for name in _columns("failures")})

    def add_death(self, death: Death) -> None:
        """Add a death of the controller."""
        self.deaths.append({
            "death": death.name, "first_s": _finite(death.first_s),
            "last_s": _finite(death.last_s), "model_low_s": _finite(death.low_s),
            "model_high_s": _finite(death.high_s), "default_s": _finite(death.default_s),
            "setting": death.setting, "watched_s": death.watched_s, "back_s": death.back_s,
            "wrong": death.wrong, "same": "yes" if death.is_as_modelled else "no",
        })  # fmt: skip

    def add_carried(self, carried: Carried) -> None:
        """Add a decision that was carried without tunnels."""
        self.carried.append(carried._asdict())

    def add_landing(self, landed: Landed) -> None:
        """Add a change of announcements."""
        self.landings.append(landed._asdict())

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return all tables that have rows, the checks first."""
        parts = {name: getattr(self, name) for name in TABLES[1:]}
        rows = {"checks": self._checks(), **parts}
        return {name: pd.DataFrame(each, columns=_columns(name)) for name, each in rows.items()
                if each}  # fmt: skip

    def _checks(self) -> Rows:
        rows = []
        if self.static:
            count = total(self.static, "destinations")
            right = count - total(self.static, "wrong")
            rows.append(_check("static next hops", right, count))
        if self.cycles:
            count = total(self.cycles, "pairs")
            right = count - total(self.cycles, "wrong")
            rows.append(_check("decisions in the kernels", right, count))
            rows.append(_check("lines not understood", self.misunderstood, 0))
        if self.flows:
            apart = max(abs(float(str(row["difference"]))) for row in self.flows)
            rows.append(_check("largest difference of an exit's share", apart, LIMIT,
                               apart <= LIMIT))  # fmt: skip
            ends = {row["cycle"]: (row["delivered"], row["sent"]) for row in self.flows}
            came, sent = (sum(int(str(each[k])) for each in ends.values()) for k in (0, 1))
            rows.append(_check("flows delivered", came, sent))
        if judged := [row for row in self.failures if row["same"]]:
            rows.append(_check("quantities of failures as modelled", _same(judged), len(judged)))
        if self.deaths:
            rows.append(_check("deaths as modelled", _same(self.deaths), len(self.deaths)))
        if self.carried:
            count, wrong = (total(self.carried, name) for name in ("entries", "wrong"))
            rows.append(_check("entries without tunnels", count - wrong, count))
            apart = max(float(str(row["difference"])) for row in self.carried)
            rows.append(_check("largest difference without tunnels", apart, LIMIT, apart <= LIMIT))
            sent, came = (total(self.carried, name) for name in ("sent", "delivered"))
            rows.append(_check("flows delivered without tunnels", came, sent))
        if self.landings:
            pairs, wrong = (total(self.landings, name) for name in ("pairs", "wrong"))
            rows.append(_check("landings of inbound traffic", pairs - wrong, pairs))
            sent, came = (total(self.landings, name) for name in ("sent", "received"))
            rows.append(_check("packets while announcements change", came, sent))
        return rows


def total(rows: Rows, column: str) -> int:
    """Return the sum of a column of whole numbers."""
    return sum(int(str(row[column])) for row in rows)


def _same(rows: Rows) -> int:
    return sum(row["same"] == "yes" for row in rows)


def _check(name: str, seen: float, expected: float, same: bool | None = None) -> dict[str, object]:
    holds = seen == expected if same is None else same
    return {"check": name, "seen": float(seen), "expected": float(expected), "unit": "1",
            "same": "yes" if holds else "no"}  # fmt: skip


def _columns(name: str) -> list[str]:
    return [column.name for column in declared(f"verify_{name}").columns]


def _finite(seconds: float) -> float:
    return seconds if math.isfinite(seconds) else math.nan


def _words(wrong: Wrong) -> str:
    expected, held = (", ".join(sorted(hops)) or "none" for hops in (wrong.expected, wrong.held))
    return f"{wrong.destination}: expected {expected}, held {held}"
