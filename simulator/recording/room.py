"""Room: what a strategy has left in every state of the network, by direction, exit and hour."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simulator.control.strategy import Strategy
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.recording.growth import Growth
from simulator.recording.limit import Limit
from simulator.recording.question import WAYS, Question
from simulator.recording.watch import State

MOST_BLOCKS, FEW_BLOCKS = 168, 8
"""Blocks of time with a row of their own: of strategies that are exact, and of the others."""


class Asked(NamedTuple):
    """What is asked of a strategy.

    Attributes
    ----------
    name : str
        The growth, as in :attr:`State.landed`.
    growth : Growth
    target : float
        Utilisation of an exit direction.
    """

    name: str
    growth: Growth
    target: float


class Part(NamedTuple):
    """Some directions of the exits in one state, and the most that they hold.

    Attributes
    ----------
    ways : tuple of str
        Directions: each by itself where the strategy is exact, else both at once.
    limit : Limit
    exits : dict of str to float
        Growth at which each exit direction is at its target, by scope: of routes that do not look
        at demand all of them, else those that no routing relieves at the limit.
    """

    state: State
    ways: tuple[str, ...]
    limit: Limit
    exits: dict[str, float]


class Block(NamedTuple):
    """The hardest instant of a block of time."""

    state: State
    ways: tuple[str, ...]
    at_s: float
    factor: float
    binds: str


class Room:
    """What one strategy has left.

    Parameters
    ----------
    demands : Demands
        Base demands, with the planning window.
    states : sequence of State
        What it met.
    lands : bool
        Whether neighbours abroad choose where inbound traffic lands: it stays there as it grows.
    """

    def __init__(
        self,
        strategy: Strategy,
        demands: Demands,
        states: Sequence[State],
        streams: Streams,
        *,
        lands: bool,
    ) -> None:
        self._lands = demands.of_class("international_in") if lands else None
        if lands and strategy.has_controller:
            steers = tuple(each for each in strategy.control.steers if each != "international_in")
            control = replace(strategy.control, announcements=None, steers=steers)
            strategy = replace(strategy, control=control)
        self._strategy, self._demands = strategy, demands
        self._states, self._streams = states, streams
        self._questions: dict[tuple[str, int, tuple[str, ...]], Question] = {}

    def parts(self, asked: Asked) -> Iterator[Part]:
        """Yield what each state and direction holds."""
        for state in self._states:
            start_s = np.concatenate(state.start_s)
            for ways in self._ways(asked, state.network):
                if self._landed(ways):
                    yield _part_landed(state, asked, start_s)
                    continue
                question = self._question(asked, state.network, ways)
                rates = self._rates(state, ways)
                limit = question.least(rates, start_s, Limit(math.inf))
                yield Part(state, ways, limit, _exits(question, rates, limit))

    def blocks(self, asked: Asked, horizon_s: float) -> Iterator[Block]:
        """Yield the hardest instant of each block of time, at most an hour unless time is long."""
        for state in self._states:
            start_s = np.concatenate(state.start_s)
            every = self._ways(asked, state.network)
            for ways in every[-2:]:
                exact = len(every) > 1
                most = MOST_BLOCKS if exact else FEW_BLOCKS
                long_s = max(3600.0, horizon_s / most)
                block = (start_s // long_s).astype(int)
                for at in (np.flatnonzero(block == each) for each in np.unique(block)):
                    factor, instant, binds = self._hardest(asked, state, ways, at)
                    yield Block(state, ways, float(start_s[instant]), factor, binds)

    def _hardest(
        self, asked: Asked, state: State, ways: tuple[str, ...], at: np.ndarray
    ) -> tuple[float, int, str]:
        """Growth that the hardest of some instants holds, that instant, and the exit."""
        if self._landed(ways):
            each = np.concatenate(state.landed[asked.name], axis=1)[:, at]
            names = _inward(state.network)
        else:
            question = self._question(asked, state.network, ways)
            rates = self._rates(state, ways)[:, at]
            if not question.linear:
                limit = question.least(rates, at.astype(float), Limit(math.inf))
                instant = at[0] if math.isnan(limit.at_s) else limit.at_s
                return limit.factor, int(instant), limit.binds
            each, names = question.exit_limits(rates), question.names
        place, column = np.unravel_index(np.argmin(each), each.shape)
        factor = float(each[place, column])
        return factor, int(at[column]), names[int(place)] if math.isfinite(factor) else ""

    def _ways(self, asked: Asked, network: Network) -> list[tuple[str, ...]]:
        """Directions to ask about: each by itself where that is sure to be right, and both."""
        question = self._question(asked, network, WAYS)
        apart: list[tuple[str, ...]] = [(way,) for way in WAYS]
        if self._lands is not None or question.linear:
            return apart
        return [WAYS, *apart] if question.exact else [WAYS]

    def _landed(self, ways: tuple[str, ...]) -> bool:
        return self._lands is not None and ways == ("in",)

    def _question(self, asked: Asked, network: Network, ways: tuple[str, ...]) -> Question:
        """The question of a state and directions, made once."""
        key = (asked.name, id(network), ways)
        if key not in self._questions:
            self._questions[key] = Question(
                self._strategy,
                network,
                self._demands,
                asked.target,
                self._streams,
                asked.growth,
                ways,
            )
        return self._questions[key]

    def _rates(self, state: State, ways: tuple[str, ...]) -> np.ndarray:
        """Rates of a state; of one direction alone, without the traffic of the other.

        A scheme that cannot hold one direction gives way in the other as well, which says nothing
        of the room there.
        """
        rates = np.concatenate(state.rates, axis=1)
        left_out = {f"international_{way}" for way in WAYS} - {f"international_{w}" for w in ways}
        rates[self._demands.of_class(left_out)] = 0.0
        return rates


def _exits(question: Question, rates: np.ndarray, limit: Limit) -> dict[str, float]:
    if question.linear and question.names:
        least = question.exit_limits(rates).min(axis=1)
        return dict(zip(question.names, least.tolist(), strict=True))
    return dict.fromkeys(limit.full, limit.factor)


def _inward(network: Network) -> list[str]:
    return [f"exit:{network.links[arc // 2]}:in" for arc in network.exit_arcs["in"]]


def _part_landed(state: State, asked: Asked, start_s: np.ndarray) -> Part:
    """What inward exits hold where traffic stays where it landed."""
    each, names = np.concatenate(state.landed[asked.name], axis=1), _inward(state.network)
    if not each.size:
        return Part(state, ("in",), Limit(math.nan), {})
    place, instant = np.unravel_index(np.argmin(each), each.shape)
    least = float(each[place, instant])
    name = names[int(place)]
    limit = Limit(least, float(start_s[instant]), name, factor_high=least, full=(name,))
    limit = limit if least < math.inf else Limit(math.inf)
    return Part(state, ("in",), limit, dict(zip(names, each.min(axis=1).tolist(), strict=True)))
