"""Limit and plan of headroom: where growth ends, and what is asked in every state alike."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from simulator.control.settled import acts_at_once
from simulator.control.strategy import Strategy
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.results.writer import Coded
from simulator.routing.scheme import Scheme
from simulator.simulation.route_store import RouteStore

TOUCH = 1.0 + 1e-6
"""What a solver's tolerance makes of a limit that is reached."""


class Limit(NamedTuple):
    """Where growth ends.

    Attributes
    ----------
    factor : float
        Headroom: 0 when even the smallest factor tried is too much, infinite when nothing uses the
        exits, NaN without exits.
    at_s : float
        When, in seconds from the start.
    binds : str
        Scope of the exit direction that reaches its target there: ``exit:ID:out`` or ``:in``.
    link : str
        Link that is no exit and full at a smaller factor; empty without one. What exits could hold
        does not get there.
    link_factor : float
        That factor.
    """

    factor: float
    at_s: float = math.nan
    binds: str = ""
    link: str = ""
    link_factor: float = math.nan

    def columns(self) -> dict[str, np.ndarray | Coded]:
        """Return a row of the table ``headroom``."""
        return {
            "factor": np.array([self.factor]),
            "binds": Coded.of(np.array([self.binds], dtype=object)),
            "at_h": np.array([self.at_s / 3600.0]),
            "link": Coded.of(np.array([self.link], dtype=object)),
            "link_factor": np.array([self.link_factor]),
        }


class Plan:
    """What is asked of a strategy, the same in every state of its network.

    Attributes
    ----------
    strategy : Strategy
        Its scheme is asked to hold the target.
    static_scheme : Scheme
        Makes the routes below those of the controller.
    linear : bool
        Whether routes do not look at demand, so that loads are linear in it.
    plain : bool
        Whether one decision leads a controller to its goal.
    arcs, ways : ndarray, shape (exit directions,)
        Arcs of the exits, first out and then in, and ``out`` or ``in`` of each.
    inner : ndarray of bool, shape (arcs,)
        Arcs that are no exits.
    grows : ndarray of bool, shape (demands,)
        Demands that grow: the international ones.
    """

    def __init__(
        self,
        strategy: Strategy,
        network: Network,
        demands: Demands,
        target: float,
        streams: Streams,
        store: RouteStore,
    ) -> None:
        self.demands, self.target, self.streams, self.store = demands, target, streams, store
        self._network = network
        scheme = strategy.scheme if strategy.is_static else holding(strategy.scheme, target)
        self.strategy = replace(strategy, scheme=scheme)
        self.static_scheme = scheme if strategy.perfect_information else strategy.static_scheme
        self.plain = acts_at_once(strategy) and getattr(strategy.control, "pieces", None) is None
        self.linear = strategy.is_static or (self.plain and not scheme.demand_aware)
        self.arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
        self.ways = np.repeat(["out", "in"], [len(network.exit_arcs[w]) for w in ("out", "in")])
        self.inner = np.ones(len(network.tail), dtype=bool)
        self.inner[self.arcs] = False
        self.grows = demands.of_class(INTERNATIONAL)

    @cached_property
    def steered(self) -> np.ndarray:
        """Positions of the demands that the controller reaches."""
        return self.strategy.steered(self._network, self.demands)

    @cached_property
    def below(self) -> np.ndarray:
        """Share of every demand that static routes carry where the controller has all it may."""
        share = np.ones(len(self.demands))
        share[self.steered] -= self.strategy.steered_share
        return share

    @cached_property
    def by_direction(self) -> dict[str, np.ndarray]:
        """Ones for the demands that cross the exits of a direction, by its name."""
        names = {"out": "international_out", "in": "international_in"}
        return {way: self.demands.of_class(name).astype(float) for way, name in names.items()}

    def grown(self, rates: np.ndarray, factor: float) -> np.ndarray:
        """Rates with international traffic at so many times what it is."""
        grows = self.grows if rates.ndim == 1 else self.grows[:, None]
        return np.where(grows, rates * factor, rates)

    def exit_name(self, place: int) -> str:
        """Scope of an exit direction, by its place among all of them."""
        return f"exit:{self._network.links[self.arcs[place] // 2]}:{self.ways[place]}"

    def arc_name(self, arc: int) -> str:
        """A link in one direction, in words."""
        network = self._network
        return f"{network.links[arc // 2]} from {network.nodes[network.tail[arc]]}"


class Once(Scheme):
    """A scheme for the static routes of one network, which are made once."""

    def __init__(self, scheme: Scheme, store: RouteStore) -> None:
        self._scheme, self._store = scheme, store
        self._made: Routes | None = None

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return the routes of the first call, or those of the store."""
        if self._scheme.topology_only:
            return self._store.route(self._scheme, network, demands, current)
        if self._made is None:
            self._made = self._scheme.route(network, demands, current)
        return self._made


def holding(scheme: Any, target: float) -> Scheme:
    """Return the scheme, asked to hold *target* where it has a cap to set."""
    if any(field.name == "utilisation_cap" for field in fields(scheme)):
        return replace(scheme, utilisation_cap=target)
    return scheme
