"""Page: what the browser shows first, and the questions that it asks then."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.base.schema import fields_of
from simulator.base.text import plain
from simulator.explore.asked import KINDS, REQUEST, Asked, asked_of, outbound_gbps
from simulator.explore.grounds import grounds
from simulator.explore.pace import Paced
from simulator.explore.warm import Answered
from simulator.explore.words import words_of
from simulator.figures import style
from simulator.figures.link_series import links_of_bundles
from simulator.figures.maps.map_data import MapData
from simulator.figures.maps.views import views_of
from simulator.figures.time_axis import TimeAxis
from simulator.model.demands import INTERNATIONAL
from simulator.model.network import Network
from simulator.report.map_data import link_data
from simulator.report.map_geometry import view_data
from simulator.report.packing import percents, script_json, ten_thousandths
from simulator.report.rendering import Extension, policy, render
from simulator.routing.scheme import scheme as schemes
from simulator.scenario.scenario import Scenario

INSTANTS = 24
"""Instants of the first day that curves are drawn through."""
ASSETS = Extension(
    Path(__file__).parent,
    ("explore.css",),
    ("state.js", "controls.js", "explore.js"),
    {"connect-src": "'self'"},
)
_STATED = "as stated"


class Page:
    """The page of a scenario, as a server shows it.

    Parameters
    ----------
    paced : Paced
        What answers.
    begin : sequence of str
        The scenario and the options with which the page was opened, for commands.
    """

    def __init__(self, paced: Paced, begin: Sequence[str]) -> None:
        self._paced, self._begin = paced, begin
        self._scenario: Scenario = paced.explorer.scenario
        self.policy = f"{policy(ASSETS)}; frame-ancestors 'none'"
        self.page = render("explore.html", self._content(), ASSETS).encode()
        self._questions: dict[str, Callable[[Asked], Any]] = {
            "answer": self._answer,
            "words": self._words,
        }

    def answer(self, what: str, data: Any) -> Any:
        """Return the answer to a question as plain data."""
        question = self._questions[what]
        return question(asked_of(data, self._scenario))

    def _answer(self, asked: Asked) -> Any:
        for name in asked.schemes.values():
            if name not in ready_schemes():
                message = f"no scheme {name!r} without options{did_you_mean(name, ready_schemes())}"
                raise InputError([Problem(REQUEST, None, None, "schemes", message)])
        return answer_data(self._paced.answer(asked))

    def _words(self, asked: Asked) -> Any:
        return words_of(asked, self._scenario, self._begin)._asdict()

    # -- what stands still --------------------------------------------------------------------

    def _content(self) -> dict[str, Any]:
        scenario = self._scenario
        data = self._data()
        return {
            "kind": "Explore",
            "title": plain(scenario.settings.title or scenario.name),
            "network": plain(scenario.network.about.title or scenario.network.name),
            "sentence": ("Working out the scenario as stated.", ""),
            "head": [],
            "data": script_json(data),
            "map": data.get("map"),
            "exits": data.get("exits"),
            "instants": len(instants(scenario)),
        }

    def _data(self) -> dict[str, Any]:
        scenario, hours = self._scenario, instants(self._scenario)
        count = len(scenario.settings.strategies)
        found: dict[str, Any] = {
            "time": _time(scenario, hours, self._first()),
            "explore": self._explore(hours),
        }
        network = self._paced.explorer.calm.network
        if len(network.exits):
            found["exits"] = _exits(network, 2 * count, len(hours), self._fuller_first())
        drawn = MapData.of(network)
        if drawn.placed.any():
            found["map"] = _map(network, drawn, 2 * count, len(hours))
        return found

    def _fuller_first(self) -> list[str]:
        """Return the directions of exits, the one with more traffic first."""
        demands = self._scenario.demands
        total = {way: demands.total_gbps((f"international_{way}",)) for way in ("in", "out")}
        return sorted(total, key=lambda way: -total[way])

    def _first(self) -> list[str]:
        """Return the strategies that are shown side by side at first: two that answer at once."""
        paces = self._paced.paces
        quick = [name for name, pace in paces.items() if pace == "at once"]
        return [*quick, *(name for name in paces if name not in quick)][:2]

    def _explore(self, hours: np.ndarray) -> dict[str, Any]:
        scenario, paces = self._scenario, self._paced.paces
        network, demands = scenario.network, scenario.demands
        ids = {
            kind: [target for of, target in network.resources.row if of == kind] for kind in KINDS
        }
        total = [self._paced.explorer.traffic_gbps(float(hour)) for hour in hours]
        return {
            "hours": [float(hour) for hour in hours],
            "busiest": int(np.argmax(total)),
            "paces": [paces[name] for name in scenario.settings.strategies],
            "names": list(scenario.settings.strategies),
            "schemes": [each.scheme.kind for each in scenario.settings.strategies.values()],
            "known": ready_schemes(),
            "exits": list(outbound_gbps(network).items()),
            "ids": ids,
            "words": {"cable": _cables(network)},
            "riders": _riders(network),
            "gbps": network.installed_gbps.tolist(),
            "arcs": [plain(each) for each in _arc_words(network)],
            "exitLinks": [int(i) for i in network.exits],
            "abroad": bool(demands.of_class(INTERNATIONAL).any()),
            "target": scenario.settings.targets.exit_utilisation,
            "grounds": grounds(scenario),
        }


def instants(scenario: Scenario) -> np.ndarray:
    """Return the hours of the instants that curves are drawn through: of the first day at most."""
    step_h = scenario.settings.step_s / 3600.0
    horizon_h = min(scenario.horizon_s / 3600.0, 24.0)
    steps = math.ceil(horizon_h / step_h - 1e-9)
    every = max(1, -(-steps // INSTANTS))
    return np.arange(0, steps, every) * step_h


def ready_schemes() -> list[str]:
    """Return the schemes that need no options."""
    return [
        name
        for name in schemes.names()
        if not any(f.is_required() for n, f in fields_of(schemes[name]).items() if n != "kind")
    ]


def answer_data(answered: Answered) -> dict[str, Any]:
    """Return an answer as JSON holds it."""
    plain_values = {
        key: _number(getattr(answered, key))
        for key in ("offered_gbps", "lost_gbps", "latency_ms", "abroad_latency_ms", "cut_off_gbps")
    }
    return {
        **plain_values,
        "load_gbps": answered.load_gbps.tolist(),
        "capacity_gbps": answered.capacity_gbps.tolist(),
        "cut_off": [[plain(place), part] for place, part in answered.cut_off[:12]],
        "cut_off_places": len(answered.cut_off),
        "work_s": answered.work_s,
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _time(scenario: Scenario, hours: np.ndarray, first: Sequence[str]) -> dict[str, Any]:
    axis = TimeAxis.of(scenario.resolved())
    every_h = float(hours[1] - hours[0]) if len(hours) > 1 else scenario.horizon_s / 3600.0
    names = [(name, "") for name in scenario.settings.strategies]
    names += [(name, f", {_STATED}") for name in scenario.settings.strategies]
    count = len(scenario.settings.strategies)
    return {
        "labels": [axis.words(float(hour)) for hour in hours],
        "hours": [round(axis.begin_h + float(hour), 4) for hour in hours],
        "end": axis.begin_h + float(hours[-1]) + every_h,
        "days": axis.in_days,
        "length": f"{every_h:g} h",
        "binned": False,
        "instants": True,
        "replications": 1,
        "target": scenario.settings.targets.exit_utilisation,
        "strategies": [
            {
                "name": f"{plain(name) or name}{more}",
                "colour": style.COLOURS[i % count % len(style.COLOURS)],
                "chip": i % count,
                "dash": "3 4" if more else "",
                "bound": scenario.settings.strategies[name].bound,
                "shown": not more and name in first,
                "drawn": not more or name in first,
                "aside": bool(more),
            }
            for i, (name, more) in enumerate(names)
        ],
        "events": [],
    }


def _exits(network: Network, strategies: int, frames: int, ways: Sequence[str]) -> dict[str, Any]:
    ids = [network.links[i] for i in network.exits]
    nothing = ten_thousandths(np.full(2 * len(ids) * frames, np.nan))
    return {
        "ids": [plain(each) or each for each in ids],
        "capacity": [[0.0, 0.0] for _ in ids],
        "peaks": [[0.0, 0.0] for _ in ids],
        "arcs": [
            [int(network.exit_arcs[way][np.flatnonzero(network.exit_arcs[way] // 2 == i)[0]])
             for way in ("out", "in")]
            for i in network.exits
        ],
        "ways": ways,
        "tracks": [[nothing] for _ in range(strategies)],
    }  # fmt: skip


def _map(network: Network, drawn: MapData, strategies: int, frames: int) -> dict[str, Any]:
    together = links_of_bundles(network)
    nothing = percents(np.full(2 * len(network.links) * frames, np.nan))
    return {
        "views": [view_data(drawn, view, together) for view in views_of(drawn)],
        "links": [link_data(network, i) for i in range(len(network.links))],
        "ids": list(network.links),
        "use": [nothing for _ in range(strategies)],
        "changes": {},
        "leftOut": int(np.sum(~drawn.placed)),
    }


def _arc_words(network: Network) -> list[str]:
    """Return link and direction of every arc."""
    links = np.repeat(np.array(network.links, dtype=object), 2)
    return [f"{link} {way}" for link, way in zip(links, network.directions, strict=True)]


def _cables(network: Network) -> dict[str, str]:
    """Return the names of cables by id."""
    about = network.about.cables
    return {each: plain(str(about.get(each, {}).get("name") or "")) for each in network.cables}


def _riders(network: Network) -> list[list[list[Any]]]:
    """Return, for every link, the cables that it rides on with the share of each."""
    cables = [network.attributes(link).get("cables") or {} for link in network.links]
    return [[[str(cable), float(share)] for cable, share in each.items()] for each in cables]
