"""Served: what each strategy delivers in every state of the network, and the levels it meets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.model.link_state import link_state, loss_fixed_point
from simulator.model.network import Network
from simulator.model.reliability import Element
from simulator.model.routes import Routes
from simulator.queues.none import NoQueue
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.study.behaviour import BETWEEN, FIXED, FREE, Behaviour, FixedRoutes
from simulator.study.border_case import BorderCase
from simulator.study.failure_states import States
from simulator.study.levels import Judge

BY_CUTS, BY_ROUTES, BY_SCHEME = "cuts", "routes", "scheme"
MOST_ROUTED = 400
"""States that a scheme is asked for itself, the likeliest first."""
_CASES = 256
"""States times moments that are looked at together."""
Cases = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]
"""What arrives in some states of one pattern, and its latency where that is known."""
BEYOND_BACKBONE = frozenset({"cables", "exits", "gateways", "overseas"})


@dataclass(frozen=True, eq=False)
class Served:
    """What a strategy does in every state, as a mean over moments.

    Attributes
    ----------
    met : ndarray, shape (levels, states)
        Share of the moments at which each level is met; NaN where not known.
    lost_gbps : ndarray, shape (scopes, states)
    how : str
        By ``cuts``, by ``routes`` that are fixed, or by asking the ``scheme`` in every state.
    """

    met: np.ndarray
    lost_gbps: np.ndarray
    how: str


@dataclass(frozen=True, eq=False)
class Question:
    """What is looked at.

    Attributes
    ----------
    case : BorderCase
        Of all demands, as stated.
    mine : ndarray of int
        Positions of the demands that count.
    rates : ndarray, shape (demands, moments)
    judge : Judge
        Of the demands that count.
    states : States
    """

    case: BorderCase
    mine: np.ndarray
    rates: np.ndarray
    judge: Judge
    states: States

    @property
    def network(self) -> Network:
        """Without failures."""
        return self.case.network

    @property
    def border_only(self) -> bool:
        """Whether the exits alone may decide: traffic across the border, and what fails there."""
        counted = set(np.concatenate([s.mine for s in self.case.sides.values()]).tolist()) if (
            self.case.sides) else set()  # fmt: skip
        kinds = {each.kind for each in self.states.elements}
        return counted >= set(self.mine.tolist()) and kinds <= BEYOND_BACKBONE

    @property
    def by_cuts(self) -> bool:
        """Whether what controllers deliver follows from cuts."""
        sides = self.case.sides.values()
        return self.border_only and all(side.cuts is not None for side in sides)


def served(question: Question, behaviour: Behaviour, order: np.ndarray) -> tuple[Served, Served]:
    """Return what a strategy surely delivers, and what it may at most.

    Parameters
    ----------
    order : ndarray of int
        States, the likeliest first: where a scheme is asked itself, the others are not known.
    """
    ways = list(question.case.sides) or ["out"]
    kinds = {behaviour.kind[way] for way in ways}
    if not question.case.sides:
        kinds = {FIXED if behaviour.strategy.is_static else FREE}
    if kinds == {FIXED}:
        found = _by_routes(question, behaviour)
        return found, found
    latency = question.judge.needs_latency
    if kinds == {FREE} and (latency or not question.by_cuts):
        found = _by_scheme(question, behaviour, order)
        if latency and question.by_cuts:
            found = _both(_by_cuts(question, behaviour, low=False), found)
        return found, found
    if not question.by_cuts:
        found = _by_routes(question, behaviour)
        return found, Served(np.full_like(found.met, np.nan), found.lost_gbps * 0.0, BY_ROUTES)
    low, high = (_by_cuts(question, behaviour, low=low) for low in (True, False))
    return (low, high) if BETWEEN in kinds else (high, high)


def _both(cuts: Served, scheme: Served) -> Served:
    """What cuts say, and latency as the scheme routes."""
    return Served(np.where(np.isnan(cuts.met), scheme.met, cuts.met), cuts.lost_gbps, BY_CUTS)


# -- by routes that do not follow traffic ---------------------------------------------------------


def _by_routes(question: Question, behaviour: Behaviour) -> Served:
    """Send traffic along the routes of every pattern of dead links, with loss."""
    delivery = _Fixed(question, behaviour, np.arange(len(question.mine)))
    return _collected(question, delivery.cases, BY_ROUTES)


class _Fixed:
    """What fixed routes deliver.

    Parameters
    ----------
    among : ndarray of int
        Positions among the demands that count.
    """

    def __init__(self, question: Question, behaviour: Behaviour, among: np.ndarray) -> None:
        self._question, self._among = question, among
        case = question.case
        scheme = behaviour.strategy.static_scheme
        positions = question.mine[among]
        self._routes = FixedRoutes(scheme, case.network, case.demands, positions)
        self._background = _background(question)
        self._made: dict[int, Routes] = {}

    def cases(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return Gbps delivered and latency in states of one pattern (demands, cases)."""
        question = self._question
        ups, of = question.states.patterns
        pattern = int(of[states[0]])
        if pattern not in self._made:
            self._made = {pattern: self._routes.under(ups[pattern])}
        routes, moments = self._made[pattern], question.rates.shape[1]
        rates = np.tile(question.rates[question.mine[self._among]], len(states))
        capacity = np.repeat(question.states.capacity[states].T, moments, axis=1)
        capacity = np.maximum(capacity - np.tile(self._background, len(states)), 0.0)
        passes, _ = loss_fixed_point(routes, capacity, rates)
        delay = np.broadcast_to(question.network.delay_ms[:, None], passes.shape)
        share, latency = routes.arrivals(delay, passes)
        return rates * share, latency


def _background(question: Question) -> np.ndarray:
    """Load of demands that do not count, by shortest paths (arcs, moments)."""
    demands = question.case.demands
    others = np.setdiff1d(np.arange(len(demands)), question.mine)
    routes = IgpEcmp().route(question.network, demands.take(others))
    return routes.loads(question.rates[others])


# -- by cuts --------------------------------------------------------------------------------------


def _by_cuts(question: Question, behaviour: Behaviour, *, low: bool) -> Served:
    """Cut the ends of each direction back alike, as far as cuts make it necessary.

    Where a direction is fixed, or between and *low* is asked for, its routes say.
    """
    fixed: dict[str, _Fixed] = {}
    place = {int(k): i for i, k in enumerate(question.mine.tolist())}
    at = {
        way: np.array([place[int(k)] for k in side.mine if int(k) in place], dtype=np.int64)
        for way, side in question.case.sides.items()
    }
    for way, kind in behaviour.kind.items():
        if way in at and (kind == FIXED or (kind == BETWEEN and low)):
            fixed[way] = _Fixed(question, behaviour, at[way])
    cuts = _cut_shares(question, [way for way in at if way not in fixed])

    def cases(states: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        moments = question.rates.shape[1]
        got = np.zeros((len(question.mine), len(states) * moments))
        for way, rows in at.items():
            if way in fixed:
                got[rows] = fixed[way].cases(states)[0]
                continue
            side = question.case.sides[way]
            share = cuts[way][states][:, :, side.demands.far]  # (states, moments, demands)
            rates = np.tile(question.rates[side.mine], len(states))
            got[rows] = rates * share.reshape(-1, len(side.mine)).T
        return got, None

    return _collected(question, cases, BY_CUTS)


def _cut_shares(question: Question, ways: Sequence[str]) -> dict[str, np.ndarray]:
    """Share that every end gets, by direction: (states, moments, ends)."""
    found = {}
    only_exits = {each.kind for each in question.states.elements} == {"cables"}
    for way in ways:
        side, network = question.case.sides[way], question.network
        cuts = side.cuts
        assert cuts is not None
        whole = np.where(network.up, network.capacity_gbps, 0.0)
        cuts = cuts.reduced(whole if only_exits and _only_exits_ride(question) else None)
        by_moment = []
        for moment in range(question.rates.shape[1]):
            asked = np.bincount(side.demands.far, question.rates[side.mine, moment],
                                len(side.ends))  # fmt: skip
            by_moment.append(cuts.fair_shares(question.states.capacity, asked))
        found[way] = np.stack(by_moment, axis=1)
    return found


def _only_exits_ride(question: Question) -> bool:
    """Whether nothing but exits rides on what may fail."""
    network = question.network
    share = [network.fault_share(each.fault) for each in question.states.elements]
    return not any(each[network.link_class != "exit"].any() for each in share)


# -- by asking the scheme -------------------------------------------------------------------------


def _by_scheme(question: Question, behaviour: Behaviour, order: np.ndarray) -> Served:
    """Ask the scheme itself for routes in the likeliest states, with the traffic of each moment."""
    moments, states = question.rates.shape[1], question.states
    most = max(1, MOST_ROUTED // moments)
    count, judge = len(states.chance), question.judge
    met = np.full((len(judge.levels), count), np.nan)
    lost = np.full((len(judge.scopes), count), np.nan)
    asked = question.rates[question.mine]
    for state in order[:most].tolist():
        got, latency = _routed(question, behaviour, state)
        met[:, state] = judge.met(asked, got, latency).mean(axis=1)
        lost[:, state] = judge.lost(asked, got).mean(axis=1)
    return Served(met, lost, BY_SCHEME)


def _routed(question: Question, behaviour: Behaviour, state: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what arrives and its latency in one state (demands, moments)."""
    states = question.states
    elements: Sequence[Element] = states.elements
    down = np.flatnonzero(states.down[state]).tolist()
    network = question.network.after([elements[i].fault for i in down])
    demands = question.case.demands
    got, latency = np.zeros((2, len(question.mine), question.rates.shape[1]))
    background = _background(question)
    for moment in range(question.rates.shape[1]):
        rates = question.rates[:, moment]
        asked = demands.with_gbps(rates).take(question.mine)
        loaded = network.carrying(background[:, moment])
        routes = behaviour.strategy.scheme.route(loaded, asked)
        left = np.maximum(network.capacity_gbps - background[:, moment], 0.0)
        found = link_state(
            routes, network.under(capacity_gbps=left), asked.gbps[:, None], NoQueue()
        )
        got[:, moment], latency[:, moment] = found.delivered_gbps[:, 0], found.latency_ms[:, 0]
    return got, latency


# -- all states -----------------------------------------------------------------------------------


def _collected(question: Question, cases: Cases, how: str) -> Served:
    """Judge all states, those of one pattern of dead links together."""
    judge, moments = question.judge, question.rates.shape[1]
    count = len(question.states.chance)
    met = np.zeros((len(judge.levels), count))
    lost = np.zeros((len(judge.scopes), count))
    _, of = question.states.patterns
    step = max(1, _CASES // moments)
    for pattern in np.unique(of).tolist():
        here = np.flatnonzero(of == pattern)
        for start in range(0, len(here), step):
            states = here[start : start + step]
            got, latency = cases(states)
            asked = np.tile(question.rates[question.mine], len(states))
            shape = (-1, len(states), moments)
            met[:, states] = judge.met(asked, got, latency).reshape(shape).mean(axis=2)
            lost[:, states] = judge.lost(asked, got).reshape(shape).mean(axis=2)
    return Served(met, lost, how)


Found = Mapping[str, tuple[Served, Served]]
"""What each strategy surely delivers, and may at most."""
