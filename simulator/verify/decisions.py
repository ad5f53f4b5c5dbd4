"""Decisions: a scenario is run by the project itself, and its cycles are what routers are told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from simulator.base.errors import InputError, Problem, known_instead
from simulator.export.addresses import AddressPlan
from simulator.export.decided import Decision, Pair, Ways
from simulator.export.source import Source
from simulator.model.network import Network
from simulator.results.results import Results
from simulator.run import run
from simulator.scenario.scenario import Scenario
from simulator.simulation.faults import Event

OUT = "international_out"
TUNNELS = {"kind": "tunnels", "inside": "igp"}
"""How decisions are carried on the routers, and so in the run that they are compared with."""


@dataclass(frozen=True, eq=False)
class Cycle:
    """A cycle of the controller.

    Attributes
    ----------
    number : int
        From 1.
    time_s : float
        When it is installed, from the start of the run.
    clock : str
    decisions : dict of Pair to Decision
        All that are in force then.
    """

    number: int
    time_s: float
    clock: str
    decisions: dict[Pair, Decision]

    @property
    def ways(self) -> dict[Pair, Ways]:
        """Exits of each pair, with whole per cents."""
        return {pair: each.ways for pair, each in self.decisions.items()}


@dataclass(frozen=True, eq=False)
class Decided:
    """What a strategy decided in a run of the project.

    Attributes
    ----------
    scenario : Scenario
        As it was run.
    strategy : str
    source : Source
    demands : DataFrame
        Outbound traffic by pair and step, with columns ``time_s, source, target, offered_gbps``.
    """

    scenario: Scenario
    strategy: str
    source: Source
    demands: pd.DataFrame

    @property
    def plan(self) -> AddressPlan:
        """Addresses of the network that was simulated."""
        return self.source.plan

    def network(self, time_s: float) -> Network:
        """Return the network with all faults that last at an instant."""
        return network_at(self.plan.network, self.scenario.case.events, time_s)

    def cycles(self, most: int | None) -> list[Cycle]:
        """Return the cycles, of more than *most* the last."""
        instants = self.source.instants
        numbers = range(1, len(instants.cycles_s) + 1)
        chosen = numbers if most is None else numbers[-most:]
        found = []
        for number in chosen:
            time_s = instants.of_cycle(number)
            held = {(each.source, each.target): each for each in self.source.decided.at(time_s)}
            found.append(Cycle(number, time_s, instants.clock(time_s), held))
        return found

    def rates(self, time_s: float) -> dict[Pair, float]:
        """Return the outbound traffic of each pair in the step that an instant is in, in Gbps."""
        at = int(np.searchsorted(self._steps, time_s + 1e-6, side="right")) - 1
        return self._by_step[self._steps[max(at, 0)]]

    @cached_property
    def _steps(self) -> np.ndarray:
        return np.unique(self.demands["time_s"].to_numpy(dtype=float))

    @cached_property
    def _by_step(self) -> dict[float, dict[Pair, float]]:
        found: dict[float, dict[Pair, float]] = {float(each): {} for each in self._steps}
        names = [self.demands[name].astype(str) for name in ("source", "target")]
        numbers = [self.demands[name] for name in ("time_s", "offered_gbps")]
        for source, target, time_s, gbps in zip(*names, *numbers, strict=True):
            mine = found[float(time_s)]
            mine[source, target] = mine.get((source, target), 0.0) + float(gbps)
        return found


def network_at(network: Network, events: Iterable[Event], time_s: float) -> Network:
    """Return a network with all faults that last at an instant."""
    faults = []
    for event in events:
        until_s = np.inf if event.until_h is None else 3600.0 * event.until_h
        if not event.strategy and event.fault and 3600.0 * event.at_h <= time_s < until_s:
            faults.append(event.fault)
    return network.after(faults)


def down(network: Network) -> list[str]:
    """Return the links that are down in either direction, where the network has both."""
    dead = (network.exists & ~network.up).reshape(-1, 2).any(axis=1)
    return [network.links[at] for at in np.flatnonzero(dead).tolist()]


def decided(scenario: Scenario, strategy: str | None, progress: Any) -> Decided:
    """Run a scenario, and return what one of its strategies decides about outbound traffic.

    Raises
    ------
    InputError
        None of its strategies decides anything that routers carry.
    """
    name = chosen(scenario, strategy)
    changed = _as_carried(scenario.with_strategies([name]), name)
    results = run(changed, progress=progress)
    source = Source.of(results, name, 0, None)
    return Decided(changed, name, source, _outbound(results, name))


def deciders(scenario: Scenario) -> list[str]:
    """Return the strategies that decide about outbound traffic, in the order of the file."""
    found = []
    for name, each in scenario.settings.strategies.items():
        control = each.control
        if getattr(control, "every_s", None) and OUT in control.steers and not each.bound:
            found.append(name)
    return found


def chosen(scenario: Scenario, strategy: str | None) -> str:
    """Return the strategy whose decisions routers are told.

    Raises
    ------
    InputError
        The one that is asked for decides nothing about outbound traffic.
    """
    known = deciders(scenario)
    if strategy is None:
        tunnels = [name for name in known if _carrier(scenario, name) == TUNNELS["kind"]]
        return (tunnels or known)[0]
    if strategy not in known:
        message = (
            f"no strategy {strategy!r} decides outbound traffic{known_instead(strategy, known)}"
        )
        raise InputError([Problem("", None, None, "--strategy", message)])
    return strategy


def _carrier(scenario: Scenario, name: str) -> str:
    carried = scenario.settings.strategies[name].control.carried_by
    return "" if carried is None else str(carried.kind)


def _as_carried(scenario: Scenario, name: str) -> Scenario:
    """Return the scenario with decisions kept, in one replication, and carried by tunnels."""
    changes: dict[str, Any] = {
        "replications": 1,
        "record.decisions": True,
        "record.demands": "pair",
        "record.every": 1,
        f"strategies.{name}.control.carried_by": TUNNELS,
    }
    return scenario.with_changes(changes)


def _outbound(results: Results, name: str) -> pd.DataFrame:
    table = results.demands
    mine = table[(table["strategy"].astype(str) == name) & (table["class"].astype(str) == OUT)]
    return mine[["time_s", "source", "target", "offered_gbps"]]
