"""World: one draw of everything that is stated as not known, the same for all strategies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.uncertainty.assumption import Assumption

STATED = 0
"""The world in which everything is as it stands."""
Assumptions = Mapping[str, Assumption]
"""What is not known, by name."""
Draw = int | float
"""Which draw of an assumption: a whole number, 0 as stated; or the share of the probability below
its value, of the values of all its members."""


@dataclass(frozen=True)
class World:
    """Which draw of each assumption holds.

    Every member of an assumption has a random stream of its own, keyed by both names. So another
    assumption, or another link, changes no other draw.

    Attributes
    ----------
    number : int
        Draw of every assumption that is not named; 0 as stated.
    own : mapping of str to int or float
        Draws of assumptions by name.
    """

    number: int = STATED
    own: Mapping[str, Draw] = field(default_factory=dict)

    @property
    def is_stated(self) -> bool:
        """Whether everything is as it stands."""
        return not self.number and not any(self._is_drawn(draw) for draw in self.own.values())

    def values(self, seed: int, name: str, each: Assumption, members: Sequence[str]) -> np.ndarray:
        """Return the value of every member of the assumption *name*; empty if it is as stated."""
        draw = self.own.get(name, self.number)
        if not self._is_drawn(draw):
            return np.zeros(0)
        if isinstance(draw, float):
            return each.law.value(np.full(len(members), draw))
        return each.law.value(np.array([share_of(seed, draw, name, member) for member in members]))

    @staticmethod
    def _is_drawn(draw: Draw) -> bool:
        return isinstance(draw, float) or draw != STATED


def share_of(seed: int, draw: int, name: str, member: str) -> float:
    """Return the share of the probability below the value of a draw of a member."""
    return float(Streams(seed, draw).generator(f"assumption {name}", member).random())


class Drawn(NamedTuple):
    """A network and its demands in a world, and the values that were drawn."""

    network: Network
    demands: Demands
    values: Mapping[tuple[str, str], float]
    """By assumption and member."""


def drawn(
    world: World, seed: int, assumptions: Assumptions, network: Network, demands: Demands
) -> Drawn:
    """Return a network and its demands as they are in a world.

    Assumptions act in order, each on what those before it made.
    """
    found: dict[tuple[str, str], float] = {}
    for name, each in assumptions.items():
        members = each.members(network, demands)
        values = world.values(seed, name, each, members)
        if not len(values):
            continue
        found |= {(name, m): float(value) for m, value in zip(members, values, strict=True)}
        network = each.network_under(network, values)
        demands = each.demands_under(network, demands, values)
    return Drawn(network, demands, found)


def settings_in(
    world: World, seed: int, assumptions: Assumptions, network: Network, demands: Demands
) -> dict[str, float]:
    """Return the keys of the scenario that have other values in a world."""
    found: dict[str, float] = {}
    for name, each in assumptions.items():
        values = world.values(seed, name, each, each.members(network, demands))
        if len(values):
            found |= each.settings_under(values)
    return found


def merged(*layers: Mapping[str, Assumption | None]) -> dict[str, Assumption]:
    """Return assumptions of which those of a later layer replace those of the same name.

    None takes an assumption away.
    """
    every: dict[str, Assumption | None] = {}
    for layer in layers:
        every |= layer
    return {name: each for name, each in every.items() if each is not None}
