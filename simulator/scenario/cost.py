"""Cost: how much time, memory and disk a run will take, estimated before any of the work."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.base import bounds
from simulator.base.errors import InputError, Problem
from simulator.base.text import counted
from simulator.scenario.scenario import Scenario

MOST_CPU_H, MOST_MEMORY_GB, MOST_DISK_GB = 500.0, 16.0, 100.0
"""More than any of these is refused, unless it is asked for."""
TOLD_S = 60.0
"""Runs that take longer are told so before they begin."""

# Times and disk are fitted to runs of mini and china169-2017 and within a factor of three there;
# solvers on networks of another size may be far off. Memory is what those runs took at the most;
# that of recordings and of many demands is assumed.
_RUN_S, _STEP_S, _DEMAND_STEP_S = 0.1, 1e-3, 0.5e-6
_DECISION_S, _DEMAND_DECISION_S = 5e-3, 4e-6
_BASE_GB, _RUN_GB, _RATE_GB, _DEMAND_GB = 0.5, 2e-3, 24e-9, 2e-5
# An event changes the network twice, when it begins and ends. Each time every strategy closes its
# intervals and makes static routes, and a controller decides and has its headroom looked at.
_CHANGE_S, _DEMAND_CHANGE_S, _CHANGE_GB = 4e-3, 5e-6, 1e-5
_ANSWER_S, _DEMAND_ANSWER_S = 4e-3, 15e-6
_RUN_DISK_GB, _ROW_GB = 1e-4, 60e-9


@dataclass(frozen=True)
class Cost:
    """What a run takes, by rule of thumb.

    Attributes
    ----------
    cpu_s : float
        Seconds of one core.
    memory_gb : float
        Of each worker.
    disk_gb : float
        Of the results.
    what : str
        What it is for, in words.
    """

    cpu_s: float
    memory_gb: float
    disk_gb: float
    what: str

    @classmethod
    def of(cls, scenario: Scenario, times: int = 1, *, tables: bool = True) -> Cost:
        """Estimate what so many runs of a scenario take, one after the other.

        Without *tables* only figures are written.
        """
        case, draws = scenario.case, scenario.settings.draws
        steps, demands = case.steps, len(scenario.demands)
        decisions, controllers, changes = 0.0, 0, _changes(scenario)
        for strategy in case.strategies.values():
            controllers += strategy.has_controller or strategy.perfect_information
            if every_s := getattr(strategy.control, "every_s", None):
                decisions += scenario.horizon_s / every_s
        runs = draws.replications * len(case.strategies)
        network = scenario.network
        wide = 2 * (len(network.links) + len(network.exits)) + 3 * len(network.nodes)
        rows = draws.days * len(case.strategies) * (steps / case.every) * wide * tables
        recorded = scenario.recording.gbps.size if scenario.recording else 0
        cpu_s = runs * (_RUN_S + steps * (_STEP_S + _DEMAND_STEP_S * demands))
        cpu_s += draws.replications * decisions * (_DECISION_S + _DEMAND_DECISION_S * demands)
        cpu_s += runs * changes * (_CHANGE_S + _DEMAND_CHANGE_S * demands)
        answers = draws.replications * controllers * changes
        cpu_s += answers * (_ANSWER_S + _DEMAND_ANSWER_S * demands)
        memory_gb = _BASE_GB + _RUN_GB * runs + _RATE_GB * recorded + _DEMAND_GB * demands
        memory_gb += _CHANGE_GB * changes * len(case.strategies)
        return cls(
            cpu_s=times * cpu_s,
            memory_gb=memory_gb,
            disk_gb=times * (_RUN_DISK_GB * runs + _ROW_GB * rows),
            what=_what(scenario),
        )

    def __str__(self) -> str:
        return (
            f"about {_time(self.cpu_s)} of one core, {_size(self.memory_gb)} of memory a worker and"
            f" {_size(self.disk_gb)} of disk (estimates, good to a factor of three)"
        )

    @property
    def is_too_much(self) -> bool:
        """Whether it is refused unless it is asked for."""
        return (
            self.cpu_s > MOST_CPU_H * 3600
            or self.memory_gb > MOST_MEMORY_GB
            or self.disk_gb > MOST_DISK_GB
        )


def cost_problem(scenario: Scenario, times: int = 1, *, cost: Cost | None = None) -> Problem | None:
    """Return why a scenario is too much to run so many times, if it is.

    *cost* is that of all runs, where they are not alike.
    """
    cost = cost or Cost.of(scenario, times)
    if not cost.is_too_much or bounds.are_lifted():
        return None
    count = f"{times:,} runs of " if times > 1 else ""
    message = (
        f"{count}{cost.what}: {cost}; more than {MOST_CPU_H:,.0f} h of one core,"
        f" {MOST_MEMORY_GB:,.0f} GB of memory or {MOST_DISK_GB:,.0f} GB of disk is refused"
        " unless --any-size asks for it"
    )
    return scenario.problem(("replications",), message)


def refuse_too_much(scenario: Scenario, times: int = 1, *, cost: Cost | None = None) -> None:
    """Raise an `InputError` if a scenario is too much to run so many times."""
    if problem := cost_problem(scenario, times, cost=cost):
        raise InputError([problem])


def _changes(scenario: Scenario) -> int:
    """Return how often events change the network: where each begins, and where it ends."""
    events = [event for event in scenario.case.events if not event.strategy]
    return len(events) + sum(event.until_h is not None for event in events)


def _what(scenario: Scenario) -> str:
    """Return what counts for the cost, in words."""
    case, events = scenario.case, len(scenario.case.events)
    words = (
        counted(scenario.settings.draws.replications, "replication"),
        counted(len(case.strategies), "strategy", "strategies"),
        counted(case.steps, "step"),
        counted(len(scenario.demands), "demand"),
        counted(events, "event") if events else "",
    )
    return ", ".join(filter(None, words))


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1.0, seconds):.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 5400 else f"{seconds / 3600:,.0f} h"


def _size(gb: float) -> str:
    return f"{gb:,.1f} GB" if gb >= 1 else f"{max(1.0, 1000 * gb):.0f} MB"
