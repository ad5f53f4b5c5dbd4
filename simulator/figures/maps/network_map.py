"""Network map: how a network leaves the country, or holds together, on the land of the world.

    sim.plot_map(sim.load_network("china169-2017"))

One panel, or two where a network has points abroad: the world with the ways out of the country,
and home. Lines are great circles between the ends, not the way of the fibre.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulator.base.text import counted
from simulator.figures import style
from simulator.figures.figure import Figure, figure
from simulator.figures.maps.drawing import CLASS_COLOURS, KIND_STYLES, draw_view, has_width_key
from simulator.figures.maps.map_data import MapData
from simulator.figures.maps.names import panel_width
from simulator.figures.maps.views import View, views_of
from simulator.figures.page import MARGIN_IN, page, panel
from simulator.figures.style import Artist, Canvas
from simulator.model.facts import Facts, facts
from simulator.model.network import Network
from simulator.model.topology import LINK_CLASSES, NODE_KINDS

KIND_WORDS = {
    "super_core": "super core",
    "provincial": "province",
    "pop": "point of presence",
    "region": "region abroad",
}


class MapContent(NamedTuple):
    """A network on the map, the panels that show it, and the facts that the title states."""

    map_data: MapData
    views: list[View]
    known: Facts


@figure("map")
class NetworkMap(Figure):
    """Where does the network leave the country? Nodes and links on a map.

    Without exits, the title is about how it holds together.
    """

    question = "Where does the network leave the country, or how does it hold together?"
    of = "network"

    def data(self, network: Network) -> MapContent:
        """Return what can be drawn; raise NothingToShow where no node has coordinates."""
        map_data = MapData.of(network)
        return MapContent(map_data, views_of(map_data), facts(network))

    def draw(self, data: MapContent, fig: Canvas) -> np.ndarray:
        """Draw a panel for each view, from the top."""
        map_data, views, known = data
        titled = len(views) > 1 or has_width_key(map_data.bundles)
        gap_in = 0.24 if titled else 0.1
        wide, factor = panel_width(fig), style.enlargement(fig)
        heights = [wide * view.high for view in views]
        body = sum(heights) + gap_in * len(views)
        title, caption = _title(map_data.network, known), _caption(map_data, views)
        top = page(fig, title, _legend(map_data, factor), caption, body, free_in=0.4) + body + 0.06
        panels = []
        for view, high in zip(views, heights, strict=True):
            top -= gap_in + high
            ax = panel(fig, MARGIN_IN, top, wide, high)
            draw_view(ax, map_data, view)
            size_pt = factor * 8
            ax.set_title(
                view.title, loc="left", pad=factor * 3, fontsize=size_pt, fontweight="bold"
            )
            panels.append(ax)
        return np.array(panels, dtype=object)


@style.styled
def plot_map(
    network: Network,
    *,
    width: str | float | None = None,
    new_figure: Callable[..., Canvas] | None = None,
) -> np.ndarray:
    """Draw a network on a map; its title is how it leaves the country, or how it holds together.

    Parameters
    ----------
    network : Network
        Nodes without coordinates are left out, and the line at the bottom counts them.
    width : str or float, optional
        ``column`` (3.5 in), ``page`` (7.2 in, the default), ``slide`` (10 in, with larger type), or
        a number of inches.
    new_figure : callable, optional
        Makes an empty figure of a given ``figsize``; pyplot's when left out, so that a notebook
        shows it.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        The world and home, or a single panel.

    Raises
    ------
    SimulatorError
        No node has coordinates.
    UnknownName
        The width is unknown.
    """
    picture = NetworkMap()
    data = picture.data(network)
    size_in = (style.width_of(width), picture.size_in[1])
    canvas = (new_figure or style.pyplot_figure)(figsize=size_in)
    with style.enlarged(style.enlargement(canvas)):
        return picture.draw(data, canvas)


def write_map(network: Network, path: str | Path, *, width: str | float | None = None) -> Path:
    """Write the map of *network* to a ``.png``, ``.svg`` or ``.pdf`` file, and return its path.

    The same network gives the same bytes; *width* is one of `plot_map`.

    Raises
    ------
    SimulatorError
        No node has coordinates.
    UnknownName
        The width is unknown.
    """
    from matplotlib.figure import Figure as Canvas

    path = Path(path)
    form = path.suffix.lower().removeprefix(".")
    if form not in style.FORMATS:
        raise ValueError(f"a map ends in one of {', '.join(style.FORMATS)}, not {path.suffix!r}")
    drawn = plot_map(network, width=width, new_figure=Canvas)[0].figure
    return style.save(drawn, path, form)


# -- words --------------------------------------------------------------------------------------


def _title(network: Network, known: Facts) -> str:
    label = style.name(network.name, 40)
    if known.exits:
        return f"Where does {label} leave the country? {_exits_words(network, known)}"
    return f"How does {label} hold together? {style.sentence(_hold_words(known))}"


def _exits_words(network: Network, known: Facts) -> str:
    total = sum(each.out_gbps for each in known.exits)
    towards: dict[str, float] = {}
    for each in known.exits:
        city = network.graph.nodes[each.pop].get("city") or each.pop
        towards[city] = towards.get(city, 0.0) + each.out_gbps
    gateways = counted(len({each.gateway for each in known.exits}), "gateway")
    exits = counted(len(known.exits), "exit")
    most = sorted(towards, key=lambda city: (-towards[city], city))[:2]
    shares = " and ".join(f"{style.name(c)} ({100 * towards[c] / total:.0f} %)" for c in most)
    where = f"above all to {shares}" if len(towards) > 2 else f"to {shares}"
    return f"{total:,.6g} Gbps in {exits} at {gateways}, {where}"


def _hold_words(known: Facts) -> str:
    core, links = known.cuts[-1], counted(known.cuts[-1].links, "link")
    alone = len(known.stubs.on_one_link)
    stubs = f"; {counted(alone, 'stub')} on a single link" if alone else ""
    if known.parts > 1:
        return f"it is in {known.parts:,} pieces"
    if len(core.bridges) == 1:
        return f"1 of its {links} is a bridge, without which it falls apart{stubs}"
    if core.bridges:
        bridges = f"{len(core.bridges):,} of its {links} are bridges"
        return f"{bridges}: without any one of them it falls apart{stubs}"
    fewest = core.edge_connectivity
    if fewest is None:
        return f"no single one of its {links} breaks it{stubs}"
    any_of = "any one" if fewest == 2 else f"any {fewest - 1}"
    return f"it stays whole without {any_of} of its {links}{stubs}"


def _caption(map_data: MapData, views: Sequence[View]) -> str:
    network = map_data.network
    parts = ["lines: great circles, not the way of the fibre; parallel links are one line"]
    missing = int(np.sum(~map_data.placed))
    if missing:
        links = counted(map_data.undrawn_links, "link")
        parts.append(
            f"left out: {missing:,} of {counted(len(network.nodes), 'node')} without coordinates,"
            f" and {links} at them"
        )
    if len(views) > 1:
        parts.append("links at home are left out of the upper panel, exits out of the lower")
    if any(each["of"].startswith("links") for each in network.about.estimates):
        parts.append("links and capacities are estimates (see simulator topology show)")
    parts.append("land: Natural Earth")
    return f"{style.sentence('. '.join(style.sentence(each) for each in parts))}."


def _legend(map_data: MapData, factor: float = 1.0) -> list[tuple[Artist, str]]:
    entries = []
    for link_class in LINK_CLASSES:
        bundles = [b for b in map_data.bundles if b.link_class == link_class]
        if bundles:
            gbps = [s.gbps for s in bundles]
            count = counted(sum(s.links for s in bundles), "link")
            span = f"{min(gbps):,.6g}" + (f"–{max(gbps):,.6g}" if max(gbps) > min(gbps) else "")
            look = {"color": CLASS_COLOURS[link_class], "lw": factor * 1.6}
            entries.append(style.stroke(f"{link_class}: {count}, {span} Gbps", **look))
    for kind in NODE_KINDS:
        nodes = map_data.nodes_of(kind)
        if len(nodes):
            look = {**KIND_STYLES[kind], "ls": "", "ms": factor * min(6.0, KIND_STYLES[kind]["ms"])}
            entries.append(style.stroke(f"{KIND_WORDS.get(kind, kind)} ({len(nodes):,})", **look))
    return entries
