"""Course: cycle after cycle is replayed, links go down and up when those of the scenario do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from simulator.base.text import counted as number_of
from simulator.model.faults import Fault
from simulator.model.network import Network
from simulator.verify import overlay
from simulator.verify.decisions import Cycle, Decided, down
from simulator.verify.exits import exit_shares
from simulator.verify.failures import Lost, Measure, cut, repair, silent
from simulator.verify.flows import by_demand, send
from simulator.verify.found import Found
from simulator.verify.replay import Replay, Told
from simulator.verify.static import static_hops

EVERY = 8
"""Flows are counted in every so many cycles, and in the last."""
FLOWS_AT_FAILURES = 4000


@dataclass(eq=False)
class Course:
    """What happens on the routers, in the order of the run.

    Attributes
    ----------
    found : Found
        Where rows are added.
    source : Decided
    replay : Replay
    flows : int
        Flows that are counted at a time; 0 for none but at failures.
    with_failures : bool
        Measure what happens when links go down, and let one go down if none does by itself.
    """

    found: Found
    source: Decided
    replay: Replay
    flows: int
    with_failures: bool
    _network: Network = field(init=False)
    _was_cut: bool = field(init=False, default=False)

    def begin(self, cycle: Cycle) -> None:
        """Let links go down that are so before the first cycle."""
        self._network = self.source.network(cycle.time_s)
        routers = self.replay.routers
        routers.set_links(down(self._network), "down")
        self.replay.static = static_hops(routers.plan, self._network)

    def play(self, cycles: Sequence[Cycle]) -> None:
        """Replay cycles; the decisions of the last are in force then."""
        self.begin(cycles[0])
        unanswered: Lost | None = None
        for place, cycle in enumerate(cycles):
            unanswered = self._follow(cycles[max(place - 1, 0)], cycle) or unanswered
            told = self.replay.tell(cycle.ways)
            self.found.add_cycle(cycle, told, self.replay.errors(cycle.decisions))
            if unanswered and told.changed:
                if self.with_failures:
                    self.found.add_failure(self._answered(unanswered, told))
                unanswered = None
            if self.flows and (place % EVERY == EVERY - 1 or cycle is cycles[-1]):
                self._count(cycle)
        if self.with_failures:
            self._drill(cycles[-1])

    def _follow(self, before: Cycle, cycle: Cycle) -> Lost | None:
        """Let links go down or up as they have since the cycle before; return what went down."""
        was, now = self._network, self.source.network(cycle.time_s)
        self._network = now
        gone, back = (sorted({*down(a)} - {*down(b)}) for a, b in ((now, was), (was, now)))
        if back:
            self._mend(back, before, was, now)
        if not gone:
            return None
        lost = self._lost(self._words(before, cycle), gone, was, now, before)
        self._was_cut = True
        if self.with_failures:
            self.found.add_failure(cut(self.replay, lost))
        else:
            self.replay.routers.set_links(gone, "down")
            self.replay.static = static_hops(self.replay.routers.plan, now)
        return lost

    def _mend(self, links: list[str], before: Cycle, was: Network, now: Network) -> None:
        lost = self._lost(f"repair of {_named(links)}", links, now, was, before)
        rows = repair(self.replay, lost)
        if self.with_failures:
            self.found.add_failure(rows)

    def _lost(
        self, name: str, links: Sequence[str], whole: Network, after: Network, cycle: Cycle
    ) -> Lost:
        control = self.source.scenario.settings.strategies[self.source.strategy].control
        rates = self.source.rates(cycle.time_s)
        flows = self.flows or FLOWS_AT_FAILURES
        return Lost(name, links, whole, after, rates, flows, control)

    def _answered(self, lost: Lost, told: Told) -> list[Measure]:
        """Return how long the answer of the controller took, and how much of it is wrong."""
        model_s = lost.control.install_s
        wrong = len(told.wrong)
        return [
            lost.measure("controller's answer in force", "s", told.in_force_s, model_s,
                         "install_s"),
            lost.measure("wrong decisions of the answer", "1", wrong, 0, "",
                         "no" if wrong else "yes"),
        ]  # fmt: skip

    def _words(self, before: Cycle, cycle: Cycle) -> str:
        """Return the events between two cycles in words."""
        events = self.source.scenario.case.events
        mine = [event.what for event in events
                if event.fault and before.time_s < 3600 * event.at_h <= cycle.time_s]  # fmt: skip
        return ", ".join(mine) or "links down"

    def _count(self, cycle: Cycle) -> None:
        """Count flows under a cycle."""
        plan, network = self.replay.routers.plan, self._network
        rates = self.source.rates(cycle.time_s)
        seen = send(self.replay.routers, by_demand(rates, self.flows))
        left = {link: float(network.capacity_gbps[overlay.out_arc(plan, link)])
                for link in plan.exits}  # fmt: skip
        gbps = sum(rates.values())
        full = {link: gbps / each if each else np.inf for link, each in left.items()}
        shares = exit_shares(cycle.ways, rates, plan.network, network)
        self.found.add_flows(cycle, seen, shares, full)

    def _drill(self, cycle: Cycle) -> None:
        """Let the exit with most outbound traffic fail silently, and loudly if none has."""
        rates, network = self.source.rates(cycle.time_s), self._network
        whole = self.replay.routers.plan.network
        shares = exit_shares(cycle.ways, rates, whole, network)
        link = max(shares, key=lambda each: shares[each])
        after = network.after([Fault("link", link, 1.0)])
        if not self._was_cut:
            lost = self._lost(f"exit {link} down, a drill", [link], network, after, cycle)
            self.found.add_failure([*cut(self.replay, lost), *repair(self.replay, lost)])
        lost = self._lost(f"exit {link} drops all, a drill", [link], network, after, cycle)
        self.found.add_failure(silent(self.replay, lost))


def _named(links: Sequence[str]) -> str:
    return links[0] if len(links) == 1 else f"{links[0]} and {number_of(len(links) - 1, 'other')}"
