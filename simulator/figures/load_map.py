"""Load map: how full every link is at one moment, a map for each strategy."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np

from simulator.base.errors import unknown_name
from simulator.figures import run_page, style
from simulator.figures.figure import Figure, figure
from simulator.figures.link_series import directions_of, links_of_bundles
from simulator.figures.maps.load_drawing import draw_loads, load_legend
from simulator.figures.maps.map_data import MapData
from simulator.figures.maps.views import View, views_of
from simulator.figures.page import MARGIN_IN, page, panel
from simulator.figures.run_data import Folds, RunView, Track, rows_of
from simulator.figures.style import Canvas
from simulator.figures.words import percent
from simulator.formats.format import load_network
from simulator.model.network import Network
from simulator.results.results import Results

TOPOLOGY = "inputs/topology.yaml"
GAP_IN, HEAD_IN = 0.14, 0.2
VIEWS = ("out", "home")


class LoadsThen(NamedTuple):
    """How full links are at one moment.

    Attributes
    ----------
    at_s : float
        When the step begins.
    view : View
        The part of the network that is shown.
    utilisation : dict of str to ndarray, shape (directions,)
        For every strategy, mean over replications; NaN where the direction is down.
    standing : ndarray, shape (directions,)
        Least share of the capacity at the start that stands, over strategies and replications.
    """

    run: RunView
    at_s: float
    map_data: MapData
    view: View
    utilisation: dict[str, np.ndarray]
    standing: np.ndarray


@figure("load_map")
class LoadMap(Figure):
    """How full is every link at the worst moment? A map for each strategy.

    Parameters
    ----------
    at_h : float, optional
        Hours after the start; the step in which an exit is the fullest, of any strategy that can be
        built, when left out.
    view : {"out", "home"}, optional
        The ways out of the country, or the network at home; the first that has links to show when
        left out.
    """

    question = "How full is every link at the worst moment?"
    order = 9.5
    standard: ClassVar[bool] = False

    at_h: float | None = None
    view: str | None = None

    def data(self, results: Results) -> LoadsThen:
        """Return how full links are at one moment."""
        if self.view not in (None, *VIEWS):
            raise unknown_name(f"no part of a network named {self.view!r}", str(self.view), VIEWS)
        run = RunView.of(results)
        network = load_network(results.folder / TOPOLOGY)
        map_data = MapData.of(network)
        step = _worst_step(run) if self.at_h is None else _step(run, self.at_h)
        used, standing = _loads(run, network, step)
        at_s = float(run.time.steps_s[step])
        return LoadsThen(run, at_s, map_data, self._view(map_data), used, standing)

    def _view(self, map_data: MapData) -> View:
        views = views_of(map_data)
        if self.view is None:
            return next((each for each in views if each.bundles(map_data)), views[0])
        return views[min(VIEWS.index(self.view), len(views) - 1)]

    def draw(self, data: LoadsThen, fig: Canvas) -> np.ndarray:
        """Draw a panel for each strategy."""
        run, view, factor = data.run, data.view, style.enlargement(fig)
        full = style.layout_width(fig)
        names = list(data.utilisation)
        across = 1 if full < style.NARROW_IN else min(2, len(names))
        rows = -(-len(names) // across)
        wide = (full - 2 * MARGIN_IN - GAP_IN * (across - 1)) / across
        high = wide * view.high
        body = rows * (high + HEAD_IN) + 0.04 * rows
        legend = load_legend(run.target, data.map_data, view, wide, factor)
        top = body + page(fig, _title(data), legend, _source(data), body, free_in=0.4)
        links = links_of_bundles(data.map_data.network)
        panels = []
        for place, name in enumerate(names):
            row, column = divmod(place, across)
            low = top - (row + 1) * (high + HEAD_IN) - 0.04 * row
            ax = panel(fig, MARGIN_IN + column * (wide + GAP_IN), low, wide, high)
            loads = data.utilisation[name], data.standing
            draw_loads(ax, data.map_data, view, links, loads, run.target, wide)
            look: dict[str, Any] = {"pad": factor * 3, "fontsize": factor * 8}
            ax.set_title(style.name(name, 22), loc="left", fontweight="bold", **look)
            ax.set_title(_fullest(data, name), loc="right", pad=factor * 3, fontsize=factor * 7)
            panels.append(ax)
        return np.array(panels, dtype=object)


# -- data ---------------------------------------------------------------------------------------


def _worst_step(run: RunView) -> int:
    """Return the step in which an exit (a link, without exits) is the fullest, mean over days."""
    table = "exits" if run.results.run["network"]["exits"] else "links"
    folds, count = Folds(), len(run.time.steps_s)
    for strategy, parts in rows_of(run, table, ["time_s", "utilisation"]):
        highest = np.zeros(count)
        for rows in parts:
            values = np.nan_to_num(rows["utilisation"].to_numpy())
            np.maximum.at(highest, run.time.index(rows["time_s"].to_numpy()), values)
        folds.add(strategy, highest)
    tracks = folds.tracks(run.time.steps_s)
    built = [name for name in tracks if name not in run.results.bounds] or list(tracks)
    means: list[Track] = [tracks[name] for name in built]
    return int(np.max([track.mean for track in means], axis=0).argmax())


def _step(run: RunView, at_h: float) -> int:
    """Return the step that holds a time."""
    if not 0 <= at_h < run.time.horizon_h:
        ends = f"from 0 to below {run.time.horizon_h:g} h"
        raise unknown_name(f"{at_h:g} h after the start is outside the run", f"{at_h:g}", [ends])
    return int(np.searchsorted(run.time.steps_s, at_h * 3600 + 1e-6, side="right")) - 1


def _loads(run: RunView, network: Network, step: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return utilisation by strategy and direction in a step, and what stands of capacities."""
    folds, directions = Folds(), 2 * len(network.links)
    standing = np.ones(directions)
    columns = ["time_s", "link", "source", "capacity_gbps", "utilisation"]
    for strategy, parts in rows_of(run, "links", columns):
        values = np.full(directions, np.nan)
        for part in parts:
            rows = part[run.time.index(part["time_s"].to_numpy()) == step]
            at = directions_of(rows, network)
            values[at] = rows["utilisation"]
            whole = np.where(network.capacity_gbps[at] > 0, network.capacity_gbps[at], 1.0)
            np.minimum.at(standing, at, rows["capacity_gbps"].to_numpy() / whole)
        folds.add(strategy, values)
    tracks = folds.tracks(np.arange(directions, dtype=float))
    return {name: tracks[name].mean for name in run.strategies}, standing


# -- words --------------------------------------------------------------------------------------


def _hottest(data: LoadsThen, strategy: str) -> tuple[str, float]:
    """Return the fullest exit of a strategy, and how full; the fullest link without exits."""
    network, used = data.map_data.network, np.nan_to_num(data.utilisation[strategy])
    exits = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
    arcs = exits if len(exits) else np.arange(len(used))
    arc = int(arcs[used[arcs].argmax()])
    return network.links[arc // 2], float(used[arc])


def _fullest(data: LoadsThen, strategy: str) -> str:
    link, used = _hottest(data, strategy)
    thing = "exit" if data.run.results.run["network"]["exits"] else "link"
    return f"fullest {thing}: {style.name(link, 20)} {percent(used)}"


def _title(data: LoadsThen) -> str:
    def report(strategy: str) -> str:
        link, used = _hottest(data, strategy)
        return f" {percent(used)} ({style.name(link)})"

    run = data.run
    when = run.time.words(data.at_s / 3600)
    thing = "exit" if run.results.run["network"]["exits"] else "link"
    answer = run_page.each(report, run.strategies)
    return f"{LoadMap.question} {when}, fullest {thing}: {answer}"


def _source(data: LoadsThen) -> str:
    run, missing = data.run, int(np.sum(~data.map_data.placed))
    left_out = f"{missing:,} nodes without coordinates are left out" if missing else ""
    words = [
        f"{run_page.count_words(run)}; colour: the fuller direction, mean of the step",
        "lines: great circles, not the way of the fibre; parallel links are one line",
        left_out,
        "land: Natural Earth",
    ]
    return run_page.source(run, words)
