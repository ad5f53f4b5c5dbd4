"""Load film: how full every link is over time, strategies side by side, as a GIF or a video.

It shows what the map of a report plays, for slides and mails that take no page.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simulator.base.errors import SimulatorError, unknown_name
from simulator.base.whole import whole
from simulator.figures import style
from simulator.figures.link_series import LinkSeries, links_of_bundles
from simulator.figures.maps.drawing import UNSCALED, draw_land, widths
from simulator.figures.maps.load_drawing import DOWN, LEVELS, draw_nodes, load_colour
from simulator.figures.maps.map_data import MapData
from simulator.figures.maps.names import LABEL_PT, placed_names
from simulator.figures.maps.views import View, views_of
from simulator.figures.page import MARGIN_IN, page, panel
from simulator.figures.run_data import RunView, side_by_side
from simulator.figures.run_page import count_words
from simulator.figures.style import Axes, Canvas
from simulator.figures.words import percent
from simulator.formats.format import load_network
from simulator.results.results import Results

FORMS = ("gif", "mp4")
MOST_FRAMES = 96
"""Frames of a film: a day in steps of 15 minutes."""
FRAMES_A_SECOND = 8
TOPOLOGY = "inputs/topology.yaml"
BAR_IN, GAP_IN = 0.16, 0.16
DPI = 110


class FilmPanel(NamedTuple):
    """The lines of a panel that change, the links of each, and what is full there."""

    strategy: str
    lines: Any
    links: list[np.ndarray]
    words: Any


def write_film(results: Results, path: str | Path) -> Path:
    """Write how full links are over time, to a ``.gif`` or ``.mp4`` file, and return its path.

    The baseline and the first strategy with a control loop stand side by side. A frame shows the
    highest step within it, mean over replications. The same results give the same GIF.

    Raises
    ------
    SimulatorError
        No node has coordinates, or there is no ``ffmpeg`` for a video.
    UnknownName
        The ending is another one.
    """
    from matplotlib.figure import Figure as Canvas

    path = Path(path)
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise unknown_name(f"no film as {form!r}", form, FORMS)
    if form == "mp4" and shutil.which("ffmpeg") is None:
        raise SimulatorError("a video needs the program ffmpeg, which is not there; a GIF does not")
    with style.style():
        canvas = Canvas(figsize=(style.WIDTHS_IN["slide"], 4.0))
        count, paint = _film(results, canvas)
        with whole(path) as unfinished:
            _write(canvas, count, paint, unfinished, form)
    return path


def _write(canvas: Canvas, count: int, paint: Callable[[int], Any], path: Path, form: str) -> None:
    from matplotlib import animation

    canvas.set_dpi(DPI)
    made = animation.FuncAnimation(canvas, paint, frames=count, cache_frame_data=False)
    named = path.with_name(f"{path.name}.{form}")  # writers go by the ending
    try:
        writer = (
            animation.PillowWriter(fps=FRAMES_A_SECOND)
            if form == "gif"
            else animation.FFMpegWriter(fps=FRAMES_A_SECOND, extra_args=["-pix_fmt", "yuv420p"])
        )
        made.save(str(named), writer=writer, dpi=DPI)
        named.replace(path)
    finally:
        named.unlink(missing_ok=True)


def _film(results: Results, canvas: Canvas) -> tuple[int, Callable[[int], Any]]:
    """Draw what stands still, and return how many frames there are and what paints one."""
    run = RunView.of(results)
    network = load_network(results.folder / TOPOLOGY)
    map_data = MapData.of(network)
    series = LinkSeries.of(run, network, MOST_FRAMES)
    view = views_of(map_data)[0]
    names = side_by_side(run)
    clock, panels = _layout(run, canvas, map_data, view, names)
    fullest = series.fullest()

    def paint(frame: int) -> Any:
        hours = float(series.time_s[frame]) / 3600.0
        clock.set_text(_clock(run, hours))
        for each in panels:
            _paint(each, fullest[each.strategy][frame], run.target, network.links)

    return len(series.time_s), paint


def _clock(run: RunView, hours: float) -> str:
    now = [
        style.name(event.what, 40)
        for event in run.events
        if event.shaded and event.begin_h <= hours + 1e-9
        and (event.end_h is None or hours < event.end_h)
    ]  # fmt: skip
    return "   ".join([run.time.words(hours), *now])


def _layout(
    run: RunView, canvas: Canvas, map_data: MapData, view: View, names: Sequence[str]
) -> tuple[Any, list[FilmPanel]]:
    full, factor = style.layout_width(canvas), style.enlargement(canvas)
    wide = (full - MARGIN_IN * 2 - GAP_IN * (len(names) - 1)) / len(names)
    high = wide * view.high
    body = BAR_IN + 0.2 + high
    about = _title(run)
    source = (
        f"{count_words(run)}. Colour: the fuller direction, highest step of each frame. Lines:"
        " great circles, not the way of the fibre; width: capacity. Land: Natural Earth."
    )
    low = page(canvas, about, _legend(run, factor), source, body, free_in=0.4)
    total = canvas.get_figheight() / factor
    clock = canvas.text(
        MARGIN_IN / full, (low + high + 0.24) / total, "", fontsize=factor * 9, fontweight="bold"
    )
    panels = []
    for place, name in enumerate(names):
        ax = panel(canvas, MARGIN_IN + place * (wide + GAP_IN), low, wide, high)
        panels.append(_panel(ax, map_data, view, name, wide, factor))
    return clock, panels


def _title(run: RunView) -> str:
    about = run.results.run
    return f"How full is each link? {style.name(about['title'] or about['name'], 90)}"


def _legend(run: RunView, factor: float) -> list[Any]:
    half, target = percent(run.target / 2), percent(run.target)
    words = (f"below {half}", f"to {target} (target)", "to capacity", "overloaded")
    strokes = [
        style.stroke(text, color=colour, lw=factor * 2.2)
        for colour, text in zip(LEVELS, words, strict=True)
    ]
    return [*strokes, style.stroke("down", color=DOWN, lw=factor * 1.6, ls=style.DOTS)]


def _panel(
    ax: Axes, map_data: MapData, view: View, name: str, wide: float, factor: float
) -> FilmPanel:
    """Draw land, nodes and names, and lines that have no colour yet."""
    from matplotlib.collections import LineCollection

    draw_land(ax, view)
    bundles = sorted(view.bundles(map_data), key=lambda bundle: -bundle.gbps)
    scaled = [b.gbps for b in bundles if b.link_class not in UNSCALED]
    width = widths(scaled or [b.gbps for b in bundles])
    pieces = [(piece, i) for i, b in enumerate(bundles) for piece in map_data.segments(b)]
    lines = LineCollection(
        [piece for piece, _ in pieces],
        linewidths=[factor * max(0.7, width(bundles[i].gbps)) for _, i in pieces],
        capstyle="round",
        zorder=2,
    )
    ax.add_collection(lines, autolim=False)
    marks = draw_nodes(ax, map_data, view, factor)
    drawn = [piece for piece, _ in pieces]
    for each in placed_names(map_data, view, drawn, marks, wide, LABEL_PT):
        ax.text(each.lon, each.lat, each.label, fontsize=factor * LABEL_PT, ha="center",
                va="center", zorder=5)  # fmt: skip
    ax.set_title(style.name(name), loc="left", pad=factor * 3, fontsize=factor * 8,
                 fontweight="bold")  # fmt: skip
    words = ax.set_title("", loc="right", pad=factor * 3, fontsize=factor * 7)
    links = links_of_bundles(map_data.network)
    keys = [bundles[i][:3] for _, i in pieces]
    own = [np.array(links[key]) for key in keys]
    return FilmPanel(name, lines, own, words)


def _paint(own: FilmPanel, fullest: np.ndarray, target: float, links: Sequence[str]) -> None:
    """Give every line the colour of its fullest link."""
    values = [np.fmax.reduce(fullest[each]) for each in own.links]
    own.lines.set_color([load_colour(float(value), target) for value in values])
    own.lines.set_linestyle([style.DOTS if np.isnan(value) else "-" for value in values])
    hottest = max(own.links, key=lambda each: np.nan_to_num(fullest[each]).max())
    link = int(hottest[np.nan_to_num(fullest[hottest]).argmax()])
    own.words.set_text(f"{style.name(links[link])} {percent(float(fullest[link]))}")
