"""Failure states: sets of elements that are down, with what is left, and what each way loses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.sparse import csr_array

from simulator.model.network import Network
from simulator.model.reliability import Element, capacity_under
from simulator.optimise.demand_set import DemandSet
from simulator.optimise.exit_cuts import DEAD_GBPS
from simulator.optimise.overload import NOTHING_GBPS, Overload
from simulator.study.behaviour import FixedRoutes
from simulator.study.border_case import Side


@dataclass(frozen=True, eq=False)
class States:
    """Sets of elements that are down.

    Attributes
    ----------
    network : Network
        Without failures.
    elements : tuple of Element
    down : ndarray of bool, shape (states, elements)
    chance : ndarray, shape (states,)
    """

    network: Network
    elements: tuple[Element, ...]
    down: np.ndarray
    chance: np.ndarray

    @cached_property
    def capacity(self) -> np.ndarray:
        """Capacity of every arc, shape (states, arcs)."""
        return capacity_under(self.network, self.elements, self.down)

    @cached_property
    def patterns(self) -> tuple[np.ndarray, np.ndarray]:
        """Different sets of arcs that are up, and which of them every state has."""
        up, of = np.unique(self.capacity > 0, axis=0, return_inverse=True)
        return up, of.ravel()

    @cached_property
    def count(self) -> np.ndarray:
        """Number of elements that are down."""
        return np.asarray(self.down.sum(axis=1))

    def names(self, state: int) -> str:
        """Return what is down in a state: ``TPE + APG``, or ``nothing``."""
        return names_of(self.elements, self.down[state])


def names_of(elements: Sequence[Element], down: np.ndarray) -> str:
    """Return the elements that are down in words, in their order."""
    return " + ".join(elements[i].id for i in np.flatnonzero(down).tolist()) or "nothing"


class Losses(Protocol):
    """What one direction loses in every state, under its worst demands."""

    side: Side

    @property
    def bound_gbps(self) -> np.ndarray:
        """A bound on what is unserved, shape (states,)."""

    @property
    def utilisation(self) -> np.ndarray:
        """Utilisation of the fullest exit that is up, shape (states,); infinite where cut off."""

    @property
    def cut_off_gbps(self) -> np.ndarray:
        """What has no way at all, shape (states,)."""

    def unserved(self, state: int) -> tuple[float, np.ndarray]:
        """Return exactly what is unserved in a state, and the demands that do it."""

    def fullest(self, state: int) -> tuple[float, np.ndarray, str]:
        """Return the exact utilisation in a state, the demands that do it, and where."""

    def cut_ends(self, state: int) -> dict[int, float]:
        """Return the ends abroad that have no way in a state, and the most of each in Gbps."""

    def words(self, state: int) -> str:
        """Return what leaves most unserved in a state, if it is a cut."""


class FreeLosses:
    """What no routing can serve: by cuts.

    Parameters
    ----------
    side : Side
        Its cuts are listed.
    """

    def __init__(self, side: Side, states: States) -> None:
        assert side.cuts is not None
        self.side, self._states, cuts = side, states, side.cuts
        figures = cuts.figures(states.capacity, side.most_gbps)
        self.bound_gbps, self.at, self.utilisation, self.fullest_at = figures
        self.cut_off_gbps = np.zeros(len(states.chance))
        lost = np.isinf(self.utilisation)
        if lost.any():
            self.cut_off_gbps[lost] = cuts.cut_off(states.capacity[lost], side.most_gbps)

    def unserved(self, state: int) -> tuple[float, np.ndarray]:
        """Return what is unserved, and the demands: those beyond the cut at their most."""
        return float(self.bound_gbps[state]), self._demands(int(self.at[state]))

    def fullest(self, state: int) -> tuple[float, np.ndarray, str]:
        """Return the utilisation, the demands and the exits of the cut."""
        at = int(self.fullest_at[state])
        return float(self.utilisation[state]), self._demands(at), self._words(at)

    def cut_ends(self, state: int) -> dict[int, float]:
        """Return the ends beyond the largest cut without any capacity."""
        cuts, capacity = self.side.cuts, self._states.capacity[state]
        assert cuts is not None
        left = cuts.exits @ capacity[cuts.net.exits] + cuts.others @ capacity[cuts.net.others]
        most = np.where(left <= DEAD_GBPS, self.side.most_gbps, -1.0)
        beyond = cuts.ends[int(most.argmax())] if most.max() > 0 else np.zeros(0, dtype=bool)
        high = self.side.demands.far_range[1]
        return {int(self.side.ends[i]): float(high[i]) for i in np.flatnonzero(beyond).tolist()}

    def words(self, state: int) -> str:
        """Return the cut that leaves the most unserved."""
        return self._words(int(self.at[state]))

    def _demands(self, cut: int) -> np.ndarray:
        assert self.side.cuts is not None
        return self.side.demands.at_ends(self.side.cuts.ends[cut])

    def _words(self, cut: int) -> str:
        cuts, nodes = self.side.cuts, self._states.network.nodes
        assert cuts is not None
        ends = [nodes[self.side.ends[i]] for i in np.flatnonzero(cuts.ends[cut]).tolist()]
        exits = int(cuts.exits[cut].sum())
        return f"{', '.join(ends)} over {exits} exits" if ends else ""


class FixedLosses:
    """What routes that do not follow traffic lose at the exits.

    Parameters
    ----------
    side : Side
    states : States
    routes : FixedRoutes
        Of the demands of the side.
    """

    def __init__(self, side: Side, states: States, routes: FixedRoutes) -> None:
        self.side, self._states = side, states
        ups, self._of = states.patterns
        self._exits = states.network.exit_arcs[side.way]
        self._left = states.capacity[:, self._exits]
        self._known: dict[int, tuple[float, np.ndarray]] = {}
        made = [_pattern(routes, up, side.demands, self._exits) for up in ups]
        self.patterns = [each for each, *_ in made]
        self._share = [share for _, share, _ in made]
        self.elsewhere_gbps = np.array([load for *_, load in made])
        self._fill()

    def _fill(self) -> None:
        count = len(self._of)
        self.bound_gbps, self.utilisation = np.zeros(count), np.zeros(count)
        self.cut_off_gbps = np.zeros(count)
        for i, pattern in enumerate(self.patterns):
            here = np.flatnonzero(self._of == i)
            self.bound_gbps[here] = pattern.bounds_gbps(self._left[here])
            self.utilisation[here] = _parts(pattern.most_gbps[:-1], self._left[here]).max(axis=1)
            self.cut_off_gbps[here] = pattern.most_gbps[-1]

    def beyond_gbps(self, others_gbps: np.ndarray) -> np.ndarray:
        """Return a bound on what other links lose beside the exits, shape (states,).

        What is lost on the way to an exit that is too full anyway costs nothing more: of the
        traffic of an exit the larger is lost of both. What leaves an exit is no more than fits it.
        Loss only takes load off other links, so that their load without any is a bound.

        Parameters
        ----------
        others_gbps : ndarray, shape (patterns, arcs)
            Load of all other traffic.
        """
        more = np.zeros(len(self._of))
        for i in range(len(self.patterns)):
            here = np.flatnonzero(self._of == i)
            more[here] = self._beyond(i, here, others_gbps[i])
        return more

    def _beyond(self, i: int, here: np.ndarray, others_gbps: np.ndarray) -> np.ndarray:
        network, left = self._states.network, self._left[here]
        capacity, mine = self._states.capacity[here], self.elsewhere_gbps[i]
        tight = np.flatnonzero((mine + others_gbps > capacity.min(axis=0) + 1e-6) & (mine > 0))
        if not len(tight):
            return np.zeros(len(here))
        pattern, share = self.patterns[i], self._share[i][tight].toarray()
        both = np.minimum(share[:, None, :], pattern.share[None, :, :])
        rows = both.reshape(-1, share.shape[1])
        joint = self.side.demands.worst_bound(rows).reshape(both.shape[:2])
        abroad = network.is_abroad[network.tail[tight]] & network.is_abroad[network.head[tight]]
        before = abroad == (self.side.way == "in")
        full = _too_much(capacity[:, tight[before]], (mine + others_gbps)[tight[before]])
        sure = np.maximum(pattern.least_gbps[:-1] - left, 0.0)
        # No exit can lose more than it has room for beside what is lost at it.
        able = np.minimum(left, pattern.most_gbps[:-1])
        lost = np.minimum(np.maximum(full @ joint[before] - sure, 0.0), able).sum(axis=1)
        after = np.minimum(joint[~before][None, :, :], left[:, None, :]).sum(axis=2)
        room = capacity[:, tight[~before]]
        full = _too_much(room, after + others_gbps[tight[~before]])
        return np.minimum(lost + (full * after).sum(axis=1), able.sum(axis=1))

    def unserved(self, state: int) -> tuple[float, np.ndarray]:
        """Return the most that exits cannot carry, and the demands that do it."""
        if state not in self._known:
            pattern = self.patterns[self._of[state]]
            self._known[state] = pattern.unserved(self._left[state])
        return self._known[state]

    def fullest(self, state: int) -> tuple[float, np.ndarray, str]:
        """Return the highest utilisation of an exit that is up, the demands and the exit."""
        pattern, left = self.patterns[self._of[state]], self._left[state]
        loads = np.array([pattern.load_gbps(i) for i in range(len(left))])
        parts = _parts(loads, left)
        at = int(parts.argmax())
        link = self._states.network.links[self._exits[at] // 2]
        return float(parts[at]), self.side.demands.worst(pattern.rows[at])[1], link

    def cut_ends(self, state: int) -> dict[int, float]:
        """Return the ends of demands without a route."""
        demands, unrouted = self.side.demands, self.patterns[self._of[state]].unrouted
        most = np.bincount(demands.far, unrouted * np.minimum(demands.upper_gbps,
                                                              demands.most_gbps))  # fmt: skip
        return {int(self.side.ends[i]): float(most[i]) for i in np.flatnonzero(most).tolist()}

    def words(self, state: int) -> str:
        """Return nothing: there is no cut."""
        return ""


def _parts(loads: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Return load over capacity of exits that are up and have load."""
    able = (left > DEAD_GBPS) & (loads > NOTHING_GBPS)
    return np.where(able, loads / np.where(able, left, 1.0), 0.0)


def _too_much(capacity: np.ndarray, load: np.ndarray) -> np.ndarray:
    """Return the share of a load that is above a capacity."""
    able = np.maximum(load, NOTHING_GBPS)
    return np.clip(1.0 - capacity / able, 0.0, 1.0)


def _pattern(
    routes: FixedRoutes, up: np.ndarray, demands: DemandSet, exits: np.ndarray
) -> tuple[Overload, csr_array, np.ndarray]:
    """Return the shares on exits under one pattern, on all arcs, and the most load of the rest."""
    matrix = routes.under(up).matrix
    share = matrix.toarray()
    elsewhere = share.copy()
    elsewhere[exits] = 0.0
    return Overload(demands, share[exits]), matrix, demands.worst_bound(elsewhere)
