"""Worst instant: how full every link of a strategy is when its fullest exit is the fullest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.base.text import plain
from simulator.control.strategy import Strategy
from simulator.results.results import Results
from simulator.scenario.scenario import Scenario

FULL = 0.999
"""Utilisation from which a link counts as full."""
NEAR = 0.97
"""Share of a cap from which an exit counts as held at it: controllers act on what they measured."""
_USED = 1e-6


class Use(NamedTuple):
    """How full a direction of a link is at an instant.

    Attributes
    ----------
    link : str
    way : str
        ``out`` or ``in`` of an exit, else the node where the direction begins.
    name : str
        As sentences have it.
    is_exit : bool
    utilisation : float
    """

    link: str
    way: str
    name: str
    is_exit: bool
    utilisation: float


@dataclass(frozen=True, eq=False)
class Column:
    """One strategy in one column of a what-if: the scenario, and what was seen of it."""

    scenario: Scenario
    results: Results
    strategy: str

    @property
    def settings(self) -> Strategy:
        """The strategy itself."""
        return self.scenario.settings.strategies[self.strategy]

    @property
    def lands(self) -> bool:
        """Whether neighbours abroad choose where inbound traffic enters."""
        return self.scenario.settings.inbound is not None and not self.settings.control.at_will

    @cached_property
    def cap(self) -> float | None:
        """The utilisation that the scheme fills exits to, if it is told one below 1."""
        strategies = self.results.run["scenario"]["strategies"]
        scheme = strategies[self.strategy]["scheme"]
        cap = scheme.get("utilisation_cap") if isinstance(scheme, dict) else None
        return float(cap) if cap is not None and cap < 1 else None

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Rows of all links of this strategy, with the way that each direction is called."""
        links = self.results.links
        mine = links[links["strategy"] == self.strategy]
        network = self.scenario.network
        outward = {
            (network.links[arc // 2], network.nodes[network.tail[arc]])
            for arc in network.exit_arcs["out"]
        }
        keys = zip(mine["link"].astype(str), mine["source"].astype(str), strict=True)
        words = [("out" if key in outward else "in", key[1]) for key in keys]
        exits = (mine["class"] == "exit").to_numpy()
        ways = [way if at else node for (way, node), at in zip(words, exits, strict=True)]
        return mine.assign(is_exit=exits, way=ways)

    @cached_property
    def worst(self) -> list[Use]:
        """All directions that are up at the worst instant, the fullest exit first."""
        rows = self.rows
        main = rows[rows["is_exit"]] if rows["is_exit"].any() else rows
        peaks = main["utilisation_peak"].fillna(-1.0)
        at = main.iloc[int(np.argmax(peaks))]
        then = rows[(rows["replication"] == at["replication"]) & (rows["time_s"] == at["time_s"])]
        then = then[then["utilisation_peak"].notna()]
        order = np.lexsort([-then["utilisation_peak"], ~then["is_exit"]])
        return [_use(row) for row in then.iloc[order].to_dict("records")]

    @property
    def hottest(self) -> Use:
        """The fullest exit at the worst instant; without exits, the fullest link."""
        return self.worst[0]

    @property
    def full(self) -> list[Use]:
        """Links that are no exits and are full at the worst instant, the fullest first."""
        return [use for use in self.worst if not use.is_exit and use.utilisation >= FULL]

    @property
    def at_cap(self) -> bool:
        """Whether the fullest exit is held at the cap of the scheme."""
        return self.cap is not None and NEAR * self.cap <= self.hottest.utilisation < FULL

    def most(self, link: str) -> Use | None:
        """Return the fuller direction of a link over all time; None if there is no such link."""
        mine = self.rows[(self.rows["link"] == link) & self.rows["utilisation_peak"].notna()]
        if mine.empty:
            return None
        return _use(mine.iloc[int(np.argmax(mine["utilisation_peak"]))].to_dict())

    def carries(self, link: str) -> bool:
        """Whether a link is offered any traffic at all."""
        mine = self.rows[self.rows["link"] == link]
        return bool((mine["offered_gbps"] > _USED * mine["capacity_gbps"]).any())


def _use(row: Mapping[Any, Any]) -> Use:
    link, way, is_exit = plain(str(row["link"])), str(row["way"]), bool(row["is_exit"])
    name = f"{link} {way}" if is_exit else f"{link} (from {plain(way)})"
    return Use(str(row["link"]), way, name, is_exit, float(row["utilisation_peak"]))
