"""Worst search: for each strategy and probability the failures and demands that hurt most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from simulator.base.errors import InputError, Problem
from simulator.model.reliability import Element, capacity_under
from simulator.optimise.exit_program import Found, Likely, worst_unserved, worst_utilisation
from simulator.optimise.exit_program import Side as ProgramSide
from simulator.optimise.failure_sets import SLACK, TooManySets, likely_sets, state_probability
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.study.behaviour import BETWEEN, FIXED, FREE, Behaviour, FixedRoutes
from simulator.study.border_case import BorderCase
from simulator.study.failure_states import FixedLosses, FreeLosses, Losses, States

UNSERVED, UTILISATION = "unserved_gbps", "exit_utilisation"
MOST_STATES = 100_000
"""States that fixed routes are tried in; beyond, controllers are put to a program."""
_MOST_FIGURES = 1_000_000_000


class Worst(NamedTuple):
    """The worst state of some, and the demands of each direction there."""

    value: float
    state: int
    demands: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Search:
    """What is looked for, and where.

    Attributes
    ----------
    case : BorderCase
    elements : tuple of Element
    least : tuple of float
        Probabilities.
    exactly : bool
        Whether they are of exactly these elements being down.
    """

    case: BorderCase
    elements: tuple[Element, ...]
    least: tuple[float, ...]
    exactly: bool

    @cached_property
    def unavailability(self) -> np.ndarray:
        """Share of time in which each element is down."""
        return np.array([each.unavailability for each in self.elements])

    @cached_property
    def listed(self) -> bool:
        """Whether all sets that are likely enough are listed."""
        return self._sets is not None

    @cached_property
    def _sets(self) -> tuple[np.ndarray, np.ndarray] | None:
        try:
            return likely_sets(
                self.unavailability, min(self.least), exactly=self.exactly, most=MOST_STATES
            )
        except TooManySets:
            return None

    @cached_property
    def states(self) -> States:
        """All sets that are likely enough, and every single element whatever its probability."""
        count = len(self.elements)
        single = np.vstack([np.zeros((1, count), dtype=bool), np.eye(count, dtype=bool)])
        q = self.unavailability
        chance = state_probability(single, q) if self.exactly else np.append(1.0, q)
        down, chances = self._sets or (np.zeros((0, count), dtype=bool), np.zeros(0))
        new = ~np.isin(single.sum(axis=1) * (1 + single.argmax(axis=1)), _codes_of(down))
        return States(
            self.case.network, self.elements,
            np.vstack([down, single[new]]), np.append(chances, chance[new]),
        )  # fmt: skip

    @cached_property
    def by_cuts(self) -> bool:
        """Whether controllers are looked at by cuts in every state, and not by a program."""
        cuts = [side.cuts for side in self.case.sides.values()]
        if not self.listed or any(each is None for each in cuts):
            return False
        figures = len(self.states.chance) * sum(len(each) for each in cuts if each is not None)
        return figures <= _MOST_FIGURES

    def eligible(self, least: float) -> np.ndarray:
        """Return the states that are likely enough."""
        return np.flatnonzero(self.states.chance * SLACK >= least)

    @cached_property
    def singles(self) -> np.ndarray:
        """States with at most one element down."""
        return np.flatnonzero(self.states.count <= 1)

    @cached_property
    def free(self) -> dict[str, Losses]:
        """What no routing can serve, by direction."""
        return {way: FreeLosses(side, self.states) for way, side in self.case.sides.items()}

    @cached_property
    def domestic_gbps(self) -> np.ndarray:
        """Load of traffic at home by shortest paths, shape (arcs,)."""
        mine = np.flatnonzero(self.case.demands.of_class("domestic"))
        routes = IgpEcmp().route(self.case.network, self.case.demands.take(mine))
        return routes.loads(self.case.demands.gbps[mine])

    @cached_property
    def program_sides(self) -> dict[str, ProgramSide]:
        """The same for a program that chooses the states as well."""
        network, count = self.case.network, len(self.elements)
        whole = np.where(network.up, network.capacity_gbps, 0.0)
        alone = capacity_under(network, self.elements, np.eye(count, dtype=bool))
        share = 1.0 - np.divide(alone, whole, out=np.ones_like(alone), where=whole > 0)
        share[share < 1e-12] = 0.0
        return {
            way: ProgramSide(side.net, side.demands, whole, share)
            for way, side in self.case.sides.items()
        }


def _codes_of(down: np.ndarray) -> np.ndarray:
    """Return a number for every set of at most one element, -1 for larger ones."""
    count = down.sum(axis=1)
    return np.where(count <= 1, count * (1 + down.argmax(axis=1)), -1)


class StrategySearch:
    """What one strategy does in the states of a search.

    Parameters
    ----------
    search : Search
    name : str
    behaviour : Behaviour
    """

    def __init__(self, search: Search, name: str, behaviour: Behaviour) -> None:
        self.search, self.name, self.behaviour = search, name, behaviour
        self._kinds = {way: behaviour.kind[way] for way in search.case.sides}
        kinds = set(self._kinds.values())
        if not search.listed and FIXED in kinds:
            raise _too_many(search, name)
        self.by_program = kinds != {FIXED} and not search.by_cuts
        self.brackets = BETWEEN in kinds
        self.fixed_losses = {w: self._fixed(w) for w, k in self._kinds.items() if self._needs(k)}

    def _needs(self, kind: str) -> bool:
        return kind == FIXED or (kind == BETWEEN and self.search.listed)

    def _fixed(self, way: str) -> FixedLosses:
        case, scheme = self.search.case, self.behaviour.strategy.static_scheme
        side = case.sides[way]
        routes = FixedRoutes(scheme, case.network, case.demands, side.mine)
        return FixedLosses(side, self.search.states, routes)

    @cached_property
    def low(self) -> dict[str, Losses]:
        """What is surely lost, by direction."""
        return {
            way: self.fixed_losses[way] if kind == FIXED else self.search.free[way]
            for way, kind in self._kinds.items()
        }

    @cached_property
    def high(self) -> dict[str, Losses]:
        """What is lost at most, by direction."""
        return {
            way: self.search.free[way] if kind == FREE else self.fixed_losses[way]
            for way, kind in self._kinds.items()
        }

    @cached_property
    def beyond_exits_gbps(self) -> np.ndarray:
        """A bound on what other links than exits lose in each state, shape (states,)."""
        states = self.search.states
        more = np.zeros(len(states.chance))
        if FREE in self._kinds.values() or BETWEEN in self._kinds.values():
            more += self.search.case.separability.over_gbps
        loads = {way: each.elsewhere_gbps for way, each in self.fixed_losses.items()}
        for way, each in self.fixed_losses.items():
            rest = sum((load for other, load in loads.items() if other != way), np.zeros(1))
            more += each.beyond_gbps(np.zeros_like(loads[way]) + self.search.domestic_gbps + rest)
        return more

    # -- in listed states -------------------------------------------------------------------------

    def most_unserved(self, among: np.ndarray) -> Worst:
        """Return the state in which exits lose most."""
        return self._most(among, self.low, np.zeros(len(self.search.states.chance)))

    def bound_unserved(self, among: np.ndarray) -> float:
        """Return a bound on what is lost in any of these states, on all links."""
        all_gbps = sum(side.demands.most_gbps for side in self.search.case.sides.values())
        return min(self._most(among, self.high, self.beyond_exits_gbps).value, all_gbps)

    def _most(self, among: np.ndarray, losses: Mapping[str, Losses], more: np.ndarray) -> Worst:
        """Look at states by their bounds, the largest first, until no bound is above the best."""
        bound = more[among] + sum(each.bound_gbps[among] for each in losses.values())
        best = Worst(-1.0, int(among[0]), {})
        for place in np.argsort(-bound, kind="stable").tolist():
            if bound[place] <= best.value + 1e-9:
                break
            state = int(among[place])
            found = {way: each.unserved(state) for way, each in losses.items()}
            value = float(more[state]) + sum(gbps for gbps, _ in found.values())
            if value > best.value + 1e-9:
                best = Worst(value, state, {way: d for way, (_, d) in found.items()})
        return best._replace(value=max(best.value, 0.0))

    def fullest(self, among: np.ndarray, *, high: bool = False) -> tuple[Worst, str, str]:
        """Return the state with the fullest exit, its direction, and where."""
        best, where = Worst(-1.0, int(among[0]), {}), ("", "")
        for way, each in (self.high if high else self.low).items():
            level = self._levels(each)[among]
            for place in np.argsort(-level, kind="stable").tolist():
                if level[place] <= best.value * (1.0 + 1e-12):
                    break
                state = int(among[place])
                value, demands, at = each.fullest(state)
                if each.cut_off_gbps[state] > 1e-9:
                    value = np.inf
                if value > best.value:
                    best, where = Worst(value, state, {way: demands}), (way, at)
        return best, *where

    @staticmethod
    def _levels(each: Losses) -> np.ndarray:
        return np.where(each.cut_off_gbps > 1e-9, np.inf, each.utilisation)

    def connected(self, among: np.ndarray) -> np.ndarray:
        """Return the states in which nobody is cut off."""
        fine = np.ones(len(among), dtype=bool)
        for each in self.low.values():
            fine &= np.isfinite(self._levels(each)[among])
        return among[fine]

    # -- by a program -----------------------------------------------------------------------------

    def program(self, least: float, metric: str) -> tuple[Found, str]:
        """Return the worst case of a controller by a program, and its direction."""
        search = self.search
        return self._program(metric, Likely(search.unavailability, least, search.exactly))

    def program_single(self, metric: str) -> Found:
        """Return the worst single failure by a program."""
        if metric not in self._singles:
            likely = Likely(self.search.unavailability, 1.0, single=True)
            self._singles[metric] = self._program(metric, likely)[0]
        return self._singles[metric]

    @cached_property
    def _singles(self) -> dict[str, Found]:
        return {}

    def _program(self, metric: str, likely: Likely) -> tuple[Found, str]:
        sides = self.search.program_sides
        if metric == UNSERVED:
            return worst_unserved(list(sides.values()), likely), ""
        found = [(worst_utilisation(side, likely), way) for way, side in sides.items()]
        return max(found, key=lambda each: each[0].value)


def _too_many(search: Search, name: str) -> InputError:
    message = (
        f"more than {MOST_STATES:,} sets of {len(search.elements)} elements are as likely as"
        f" {min(search.least):g}, and the routes of {name} are looked at in each; ask for a higher"
        " probability or fewer kinds of elements, or leave such strategies out with --strategies"
    )
    return InputError([Problem("", None, None, "probability", message)])
