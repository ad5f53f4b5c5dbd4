"""Pace: which strategies answer at once, which follow, and which are worked out on request."""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Literal

from simulator.base.errors import SimulatorError
from simulator.control.settled import acts_at_once
from simulator.control.strategy import Strategy
from simulator.explore.asked import Asked
from simulator.explore.warm import Answered, Explorer
from simulator.jobs import follow_parent, interrupts_held, terminate
from simulator.scenario.scenario import Scenario

Pace = Literal["at once", "after", "on request"]


def pace(strategy: Strategy) -> Pace:
    """Return when the page asks for a strategy.

    One decision leads to the goal *at once*. *After* it come those that plan, or may need several
    cycles. Those that learn what neighbours do before they decide wait for a *request*.
    """
    if acts_at_once(strategy):
        return "at once"
    announcements = getattr(strategy.control, "announcements", None)
    learns = announcements is not None and announcements.plan == "learn"
    return "on request" if learns else "after"


class Paced:
    """An explorer that lets slow strategies work in a process of their own.

    Answers at once come from this process, so that they never wait for slow ones. The other process
    starts with the first question that needs it.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.explorer = Explorer(scenario)
        strategies: Mapping[str, Strategy] = scenario.settings.strategies
        self.paces: dict[str, Pace] = {name: pace(each) for name, each in strategies.items()}
        self._pool: ProcessPoolExecutor | None = None
        self._before = set(multiprocessing.active_children())

    def start(self) -> None:
        """Prepare the process of slow strategies; call it from the main thread, once.

        Processes inherit that they do not listen to Ctrl-C from the thread that starts them.
        """
        with interrupts_held():
            self._pool = ProcessPoolExecutor(
                1,
                multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(self.explorer.scenario,),
            )
            self._pool.submit(_nothing)

    def answer(self, asked: Asked) -> Answered:
        """Return what a state does to a strategy.

        Raises
        ------
        InputError
            The changes do not make a sound scenario.
        SimulatorError
            The process of slow strategies was killed.
        """
        is_quick = self.paces[asked.strategy] == "at once" and not asked.schemes
        if is_quick or self._pool is None:
            return self.explorer.answer(asked)
        try:
            return self._pool.submit(_answer, asked).result()
        except BrokenProcessPool:
            message = "the process of slow strategies was killed, most likely for want of memory"
            raise SimulatorError(f"{message}; start again") from None

    def close(self) -> None:
        """End the process of slow strategies, whether it is at work or not."""
        if self._pool is not None:
            terminate(self._pool, self._before)
            self._pool = None


_explorers: list[Explorer] = []
"""The explorer of the process of slow strategies."""


def _begin(scenario: Scenario) -> None:
    follow_parent()
    _explorers[:] = [Explorer(scenario)]


def _answer(asked: Asked) -> Answered:
    return _explorers[0].answer(asked)


def _nothing() -> None:
    """Start the process."""
