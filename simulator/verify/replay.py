"""Replay: decisions are given to the controller, and read back from the kernels."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from simulator.export.addresses import AddressPlan
from simulator.export.decided import Decision, Pair, Ways
from simulator.export.forms.exabgp import lines_of
from simulator.export.steps import Change
from simulator.verify.controller import Controller
from simulator.verify.kernel import Hops, Table
from simulator.verify.routers import Routers, wait_for

IN_FORCE_WITHIN_S = 30.0
_POLL_S = 0.02


class Told(NamedTuple):
    """What became of decisions.

    Attributes
    ----------
    lines : int
        Announcements and withdrawals.
    changed : int
        Pairs that have other exits or per cents than before.
    in_force_s : float
        Seconds until all stood, next hops and weights.
    pairs : int
        Pairs with a decision, and those that had one.
    wrong : list of Pair
        That do not stand in the kernel of their router.
    """

    lines: int
    changed: int
    in_force_s: float
    pairs: int
    wrong: list[Pair]


@dataclass(eq=False)
class Replay:
    """Decisions as they are told to routers one after the other.

    Attributes
    ----------
    routers : Routers
    controller : Controller
    static : mapping of Pair to Hops
        Next hops without a decision; it changes when links go down.
    ways : dict of Pair to Ways
        What was told last.
    """

    routers: Routers
    controller: Controller
    static: Mapping[Pair, Hops]
    ways: dict[Pair, Ways] = field(default_factory=dict)

    def tell(self, ways: Mapping[Pair, Ways]) -> Told:
        """Tell what changes, and wait until all decisions stand in the kernels."""
        changes = list(changes_to(self.ways, ways))
        plan = self.routers.plan
        lines = [
            line
            for change in changes
            for each in plan.prefixes[change.target]
            for line in lines_of(change, str(each.prefix), plan)
        ]
        self.ways = {pair: ways.get(pair, {}) for pair in sorted({*self.ways, *ways})}
        began = time.monotonic()
        self.controller.tell(lines)
        wait_for(
            lambda: not self._wrong_at({c.source for c in changes}), IN_FORCE_WITHIN_S, _POLL_S
        )
        wait_for(lambda: not self.wrong(), IN_FORCE_WITHIN_S, _POLL_S)
        seconds = time.monotonic() - began
        return Told(len(lines), len(changes), seconds, len(self.ways), self.wrong())

    def again(self) -> Told:
        """Tell everything to a controller that was started anew."""
        ways, self.ways = self.ways, {}
        return self.tell(ways)

    def wrong(self) -> list[Pair]:
        """Return the pairs whose decision does not stand in the kernel of their router."""
        return self._wrong_at({source for source, _ in self.ways})

    def is_static(self) -> bool:
        """Whether no router has a decision left: all follow their static routes."""
        nowhere: dict[Pair, Ways] = {pair: {} for pair in self.ways}
        tables = self.routers.tables({source for source, _ in nowhere})
        return not wrong_pairs(nowhere, tables, self.static, self.routers.plan)

    def errors(self, decisions: Mapping[Pair, Decision]) -> float:
        """Return the largest difference between a share that is held and one that was decided."""
        tables = self.routers.tables({source for source, _ in decisions})
        plan, largest = self.routers.plan, 0.0
        for (source, target), each in decisions.items():
            for prefix in plan.prefixes[target]:
                hops = tables[source].get(str(prefix.prefix), {})
                largest = max(largest, _error(hops, each, plan))
        return largest

    def _wrong_at(self, sources: set[str]) -> list[Pair]:
        mine = {pair: ways for pair, ways in self.ways.items() if pair[0] in sources}
        tables = self.routers.tables(sources)
        return wrong_pairs(mine, tables, self.static, self.routers.plan)


def changes_to(before: Mapping[Pair, Ways], after: Mapping[Pair, Ways]) -> Iterator[Change]:
    """Yield what changes from some decisions to others, sorted by source and target."""
    for pair in sorted({*before, *after}):
        old, new = before.get(pair, {}), after.get(pair, {})
        if old != new:
            yield Change(*pair, old, new)


def hops_of(ways: Ways, plan: AddressPlan) -> Hops:
    """Return the next hops of a decision with their weights; a single one has 1."""
    alone = len(ways) == 1
    return {str(plan.next_hops[link]): 1 if alone else percent for link, percent in ways.items()}


def wrong_pairs(
    ways: Mapping[Pair, Ways],
    tables: Mapping[str, Table],
    static: Mapping[Pair, Hops],
    plan: AddressPlan,
) -> list[Pair]:
    """Return the pairs that stand otherwise: in next hops or in weights.

    A pair without exits is to follow the static route, which is one of the IGP.
    """
    found = []
    for (source, target), mine in ways.items():
        expected = hops_of(mine, plan) if mine else static.get((source, target), {})
        if any(tables[source].get(str(each.prefix), {}) != expected
               for each in plan.prefixes[target]):  # fmt: skip
            found.append((source, target))
    return found


def _error(hops: Hops, decision: Decision, plan: AddressPlan) -> float:
    total, served = sum(hops.values()), sum(decision.asked.shares.values())
    if not total or not served:
        return 1.0
    names = {str(plan.next_hops[link]): link for link in plan.exits}
    seen = {names.get(hop, hop): weight / total for hop, weight in hops.items()}
    asked = {link: share / served for link, share in decision.asked.shares.items()}
    return max(abs(seen.get(link, 0.0) - asked.get(link, 0.0)) for link in {*seen, *asked})
