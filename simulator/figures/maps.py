"""Networks on a map: land, nodes by kind, links by class and capacity.

    sim.plot_map(sim.load_network("china169-2017"))

One panel, or two where a network has points abroad: the world with the ways out of the country,
and home. Lines are great circles between the ends, not the way of the fibre. The land is Natural
Earth's, comes with the package, and has no borders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.figures.plots import (
    FORMATS,
    GREY,
    LEGEND_PT,
    SOURCE_PT,
    TITLE_PT,
    WIDTH_IN,
    NothingToShow,
    _legend_shape,
    _name,
    _pyplot_figure,
    _save,
    _sentence,
    _stroke,
    _styled,
    _width_in,
    _wrapped,
)
from simulator.model.facts import Facts, facts
from simulator.model.network import BACKBONE_CLASSES, LINK_CLASSES, NODE_KINDS, Network

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LAND = Path(__file__).parent / "land" / "land.npz"
SEA, SHORE, LAND_GREY = "#ffffff", "#cfcfcf", "#ededed"
CLASS_COLOURS = {
    "core": "#0072B2",
    "provincial": "#56B4E9",
    "gateway": "#009E73",
    "exit": "#D55E00",
    "overseas": "#CC79A7",
    "access": "#b8a36a",
}
KIND_LOOKS: dict[str, dict[str, Any]] = {
    "super_core": {"marker": "o", "ms": 6.5, "mfc": "#08306b", "mec": "white", "mew": 0.6},
    "core": {"marker": "o", "ms": 4.6, "mfc": "#0072B2", "mec": "white", "mew": 0.5},
    "provincial": {"marker": "o", "ms": 2.9, "mfc": "white", "mec": "#0072B2", "mew": 0.7},
    "gateway": {"marker": "D", "ms": 8.0, "mfc": "none", "mec": "#009E73", "mew": 1.2},
    "pop": {"marker": "^", "ms": 5.4, "mfc": "#D55E00", "mec": "white", "mew": 0.5},
    "region": {"marker": "s", "ms": 3.2, "mfc": "white", "mec": "#8a7434", "mew": 0.8},
}
KIND_WORDS = {
    "super_core": "super core",
    "provincial": "province",
    "pop": "point of presence",
    "region": "region abroad",
}
RANK = {kind: i for i, kind in enumerate(("super_core", "pop", "gateway", "core", "region"))}
"""Whose name is written first where there is no room for all."""
MOST_LABELS = 45
LABEL_PT = 6.2
FINE = 1500
"""Steps across a panel in which land is drawn: 200 to an inch."""
POINTS = 65
"""Points of a great circle."""
PANEL_IN = WIDTH_IN - 0.2
MOST_HIGH, LEAST_HIGH = 0.68, 0.3
"""Height of a panel over its width."""
THINNEST_PT, THICKEST_PT = 0.4, 3.6
UNSCALED = ("access",)
"""Classes whose capacity is as good as without limit, and says nothing about widths."""


# -- the picture --------------------------------------------------------------------------------


@_styled
def plot_map(network: Network, *, new_figure: Callable[..., Figure] | None = None) -> np.ndarray:
    """Draw a network on a map; its title says how it leaves the country, or how it holds together.

    Parameters
    ----------
    network : Network
        Nodes without coordinates are left out, and the line at the bottom counts them.
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
    """
    map_data = MapData.of(network)
    views = views_of(map_data)
    known = facts(network)
    legend = _legend(map_data)
    titles = _wrapped(_title(network, known), WIDTH_IN - 0.4, TITLE_PT, "bold")[:3]
    text = _wrapped(_caption(network, map_data, views), WIDTH_IN - 0.4, SOURCE_PT)[:4]
    columns, lines = _legend_shape([label for _, label in legend])

    titled = len(views) > 1 or _differ(_scaled(map_data.bundles))
    head_in = 0.13 + 0.165 * len(titles) + 0.145 * lines
    foot_in, gap_in = 0.14 + 0.125 * len(text), 0.24 if titled else 0.1
    heights = [PANEL_IN * view.high for view in views]
    total = head_in + sum(heights) + gap_in * len(views) + foot_in
    fig = (new_figure or _pyplot_figure)(figsize=(WIDTH_IN, total))
    left = 0.1 / WIDTH_IN
    fig.suptitle(
        "\n".join(titles), x=left, y=1 - 0.08 / total, ha="left", va="top",
        fontsize=TITLE_PT, fontweight="bold", linespacing=1.25,
    )  # fmt: skip
    fig.supxlabel(
        "\n".join(text), x=left, y=0.05 / total, ha="left", va="bottom",
        fontsize=SOURCE_PT, color=GREY, linespacing=1.3,
    )  # fmt: skip
    fig.legend(
        [handle for handle, _ in legend],
        [label for _, label in legend],
        loc="upper left", bbox_to_anchor=(left, 1 - (0.13 + 0.165 * len(titles)) / total),
        ncols=columns, borderaxespad=0, borderpad=0, handlelength=1.8, columnspacing=1.4,
        handletextpad=0.5, labelspacing=0.35, fontsize=LEGEND_PT,
    )  # fmt: skip
    panels = []
    top = total - head_in
    for view, high in zip(views, heights, strict=True):
        top -= gap_in
        ax = fig.add_axes((left, (top - high) / total, PANEL_IN / WIDTH_IN, high / total))
        _draw(ax, map_data, view)
        ax.set_title(view.title, loc="left", pad=3, fontsize=8, fontweight="bold")
        panels.append(ax)
        top -= high
    return np.array(panels, dtype=object)


def write_map(network: Network, path: str | Path) -> Path:
    """Write the map of *network* to a file; its ending says in which format.

    Parameters
    ----------
    network : Network
    path : path
        Ends in ``.png``, ``.svg`` or ``.pdf``. The same network gives the same bytes.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    SimulatorError
        No node has coordinates.
    """
    from matplotlib.figure import Figure

    path = Path(path)
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise ValueError(f"a map ends in one of {', '.join(FORMATS)}, not {path.suffix!r}")
    drawn = plot_map(network, new_figure=Figure)[0].figure
    return _save(drawn, path, form)


# -- what is drawn ------------------------------------------------------------------------------


class LinkBundle(NamedTuple):
    """The links of one class between two nodes, drawn as one line."""

    a: int
    b: int
    name: str
    links: int
    gbps: float


@dataclass(frozen=True, eq=False)
class MapData:
    """What of a network can be drawn.

    Attributes
    ----------
    network : Network
    lon, lat : ndarray of float, shape (nodes,)
        NaN where the file gives none. Longitudes run east from *seam*, over 360 degrees.
    seam : float
        The meridian at which the map is cut open: where it cuts the fewest links.
    strands : tuple of Strand
        Links that are up between nodes with coordinates.
    undrawn_links : int
        Links that are up and have an end without coordinates.
    """

    network: Network
    lon: np.ndarray
    lat: np.ndarray
    seam: float
    bundles: tuple[LinkBundle, ...]
    undrawn_links: int

    @classmethod
    def of(cls, network: Network) -> MapData:
        """Prepare *network*."""
        data = [attributes for _, attributes in network.graph.nodes(data=True)]
        lon, lat = (
            np.array([math.nan if d.get(key) is None else d[key] for d in data], dtype=float)
            for key in ("lon", "lat")
        )
        placed = np.isfinite(lon) & np.isfinite(lat)
        lon[~placed] = lat[~placed] = math.nan
        if not placed.any():
            raise NothingToShow(f"no node of {network.name!r} has coordinates; a map needs some")
        bundles, undrawn = _link_bundles(network, placed)
        seam = best_seam(lon[placed], [(lon[s.a], lon[s.b]) for s in bundles])
        return cls(network, seam + (lon - seam) % 360.0, lat, seam, bundles, undrawn)

    @property
    def placed(self) -> np.ndarray:
        """Which nodes have coordinates."""
        return np.isfinite(self.lon)

    def nodes_of(self, kind: str) -> np.ndarray:
        """Positions of the nodes of a kind that have coordinates."""
        return np.flatnonzero((self.network.node_kind == kind) & self.placed)

    def segments(self, bundle: LinkBundle) -> list[np.ndarray]:
        """Return the line of a strand, in two pieces where it crosses the seam."""
        a, b = bundle.a, bundle.b
        lon, lat = great_circle(self.lon[a], self.lat[a], self.lon[b], self.lat[b])
        return split(lon, lat, self.seam)


def _link_bundles(network: Network, placed: np.ndarray) -> tuple[tuple[LinkBundle, ...], int]:
    together: dict[tuple[int, int, str], list[int]] = {}
    undrawn = 0
    for link in np.flatnonzero(network.up[::2]).tolist():
        a, b = sorted((int(network.tail[2 * link]), int(network.head[2 * link])))
        if placed[a] and placed[b]:
            together.setdefault((a, b, str(network.link_class[link])), []).append(link)
        else:
            undrawn += 1
    bundles = (
        LinkBundle(a, b, name, len(links), float(network.capacity_gbps[2 * np.array(links)].sum()))
        for (a, b, name), links in together.items()
    )
    return tuple(bundles), undrawn


def best_seam(lon: np.ndarray, links: Sequence[tuple[float, float]]) -> float:
    """Return the meridian at which to cut the map open, from -180 up to 180.

    Parameters
    ----------
    lon : ndarray of float
        Longitudes of the nodes.
    links : sequence of pairs of float
        Longitudes of the ends; a link takes the shorter way round.

    Returns
    -------
    float
        The middle of a gap between nodes: of those that the fewest links cross, the widest.
    """
    at = np.unique(np.mod(lon, 360.0))
    gaps = np.diff(at, append=at[0] + 360.0)
    middles = np.mod(at + gaps / 2, 360.0)
    ends = np.mod(np.array(links, dtype=float).reshape(-1, 2), 360.0)
    east = np.mod(ends[:, 1] - ends[:, 0], 360.0)
    begin = np.where(east <= 180.0, ends[:, 0], ends[:, 1])
    reach = np.minimum(east, 360.0 - east)
    crossed = (np.mod(middles[:, None] - begin, 360.0) < reach).sum(axis=1)
    best = min(range(len(at)), key=lambda i: (crossed[i], -gaps[i]))
    return float((middles[best] + 180.0) % 360.0 - 180.0)


def great_circle(
    lon_a: float, lat_a: float, lon_b: float, lat_b: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return longitudes and latitudes along the shortest way between two places.

    Longitudes run on without a jump, from *lon_a*.
    """
    ends = np.radians([[lon_a, lat_a], [lon_b, lat_b]])
    x = np.stack(
        [np.cos(ends[:, 1]) * np.cos(ends[:, 0]), np.cos(ends[:, 1]) * np.sin(ends[:, 0]),
         np.sin(ends[:, 1])], axis=1,
    )  # fmt: skip
    angle = math.acos(min(1.0, max(-1.0, float(x[0] @ x[1]))))
    at = np.linspace(0.0, 1.0, POINTS)[:, None]
    if math.sin(angle) < 1e-9:  # the same place, or opposite ones with no shortest way
        lon = np.linspace(lon_a, lon_a + (lon_b - lon_a + 180.0) % 360.0 - 180.0, POINTS)
        return lon, np.linspace(lat_a, lat_b, POINTS)
    on = (np.sin((1 - at) * angle) * x[0] + np.sin(at * angle) * x[1]) / math.sin(angle)
    lon = np.degrees(np.unwrap(np.arctan2(on[:, 1], on[:, 0])))
    lon += 360.0 * round((lon_a - lon[0]) / 360.0)
    return lon, np.degrees(np.arcsin(np.clip(on[:, 2], -1.0, 1.0)))


def split(lon: np.ndarray, lat: np.ndarray, seam: float) -> list[np.ndarray]:
    """Cut a line where it crosses the seam.

    Parameters
    ----------
    lon, lat : ndarray of float
        The line; longitudes run on without a jump.
    seam : float

    Returns
    -------
    list of ndarray, shape (points, 2)
        Pieces with longitudes from *seam* to *seam* + 360; two that meet have their last and
        first point on the seam, at one latitude.
    """
    turn = np.floor((lon - seam) / 360.0)
    pieces, start = [], 0
    entry: list[tuple[float, float]] = []
    for cut in [*(np.flatnonzero(np.diff(turn)) + 1), len(lon)]:
        line = [*entry, *zip(lon[start:cut] - 360.0 * turn[start], lat[start:cut], strict=True)]
        if cut < len(lon):
            meridian = seam + 360.0 * max(turn[cut - 1], turn[cut])
            share = (meridian - lon[cut - 1]) / (lon[cut] - lon[cut - 1])
            there = lat[cut - 1] + share * (lat[cut] - lat[cut - 1])
            eastward = turn[cut] > turn[cut - 1]
            line.append((seam + 360.0 * eastward, there))
            entry = [(seam + 360.0 * (not eastward), there)]
        pieces.append(np.array(line, dtype=float))
        start = cut
    return pieces


# -- panels -------------------------------------------------------------------------------------


class View(NamedTuple):
    """A panel: what it shows of the earth, which nodes and which classes of links."""

    title: str
    west: float
    east: float
    south: float
    north: float
    nodes: np.ndarray
    classes: tuple[str, ...]

    @property
    def stretch(self) -> float:
        """How much longer a degree of latitude is drawn than one of longitude."""
        return 1.0 / math.cos(math.radians((self.south + self.north) / 2))

    @property
    def high(self) -> float:
        """Height over width."""
        return (self.north - self.south) * self.stretch / (self.east - self.west)

    def bundles(self, map_data: MapData) -> list[LinkBundle]:
        """Return those of its classes between nodes that it shows."""
        shown = set(self.nodes.tolist())
        return [s for s in map_data.bundles if s.name in self.classes and {s.a, s.b} <= shown]


def views_of(map_data: MapData) -> list[View]:
    """Return the panels of a map: the world and home where some nodes are abroad, else one."""
    abroad = np.flatnonzero(map_data.network.is_abroad & map_data.placed)
    home = np.flatnonzero(~map_data.network.is_abroad & map_data.placed)
    everything = np.flatnonzero(map_data.placed)
    places = {(map_data.lon[i], map_data.lat[i]) for i in home}
    if not len(abroad) or len(places) < 2:
        return [_view(map_data, "", everything, LINK_CLASSES)]
    outward = tuple(name for name in LINK_CLASSES if name not in (*BACKBONE_CLASSES, "gateway"))
    touched = {end for s in map_data.bundles if s.name in outward for end in (s.a, s.b)}
    out = np.array(sorted(touched | set(abroad.tolist())), dtype=np.int64)
    inward = tuple(name for name in LINK_CLASSES if name not in outward)
    return [
        _view(map_data, "Ways out", out, outward),
        _view(map_data, "At home", home, inward),
    ]


def _view(map_data: MapData, title: str, nodes: np.ndarray, classes: tuple[str, ...]) -> View:
    """Return a view of some nodes and of their lines, with a margin, neither flat nor high."""
    shown = set(nodes.tolist())
    lines = [
        piece
        for bundle in map_data.bundles
        if bundle.name in classes and {bundle.a, bundle.b} <= shown
        for piece in map_data.segments(bundle)
    ]
    points = np.concatenate([np.stack([map_data.lon[nodes], map_data.lat[nodes]], axis=1), *lines])
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    wide, high = max(east - west, 0.5), max(north - south, 0.25)
    middle_x, middle_y = (west + east) / 2, min(70.0, max(-70.0, (south + north) / 2))
    wide = min(1.16 * wide, 360.0)
    high = min(1.18 * high, 170.0)
    stretch = 1.0 / math.cos(math.radians(middle_y))
    wide = max(wide, high * stretch / MOST_HIGH)
    high = max(high, wide * LEAST_HIGH / stretch)
    return View(
        title,
        middle_x - wide / 2,
        middle_x + wide / 2,
        middle_y - high / 2,
        middle_y + high / 2,
        nodes,
        classes,
    )


@cache
def _land() -> tuple[np.ndarray, np.ndarray]:
    with np.load(LAND) as held:
        return held["points"] / 100.0, held["starts"]


def land_in(view: View) -> list[np.ndarray]:
    """Return the rings of land and lakes that a view shows, moved to its longitudes.

    They are as fine as the panel can show. What lies far outside is drawn in to just outside,
    where many points become few.
    """
    points, starts = _land()
    west = np.minimum.reduceat(points[:, 0], starts[:-1])
    east = np.maximum.reduceat(points[:, 0], starts[:-1])
    south = np.minimum.reduceat(points[:, 1], starts[:-1])
    north = np.maximum.reduceat(points[:, 1], starts[:-1])
    grain = (view.east - view.west) / FINE
    least, most = (view.west - 2, view.south - 2), (view.east + 2, view.north + 2)
    found = []
    for turn in (-360.0, 0.0, 360.0):
        seen = (east + turn > view.west) & (west + turn < view.east)
        seen &= (north > view.south) & (south < view.north)
        for i in np.flatnonzero(seen):
            ring = np.clip(points[starts[i] : starts[i + 1]] + [turn, 0.0], least, most)
            ring = np.rint(ring / grain) * grain
            ring = ring[np.append(True, np.any(np.diff(ring, axis=0) != 0, axis=1))]
            if len(ring) > 3:  # less is a speck
                found.append(ring)
    return found


def _draw(ax: Axes, map_data: MapData, view: View) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    ax.set_xlim(view.west, view.east)
    ax.set_ylim(view.south, view.north)
    ax.set_facecolor(SEA)
    ax.grid(visible=False)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(True)
        spine.set_color(SHORE)
    rings = land_in(view)
    if rings:
        # One outline for all, so that a ring that runs the other way round is a hole.
        outline = Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))
        ax.add_patch(PathPatch(outline, fc=LAND_GREY, ec=SHORE, lw=0.4, zorder=0.5, gid="land"))
    shown = set(view.nodes.tolist())
    width = _key_of_widths(ax, map_data, view)
    busy = []
    for name in reversed(view.classes):  # the core comes last, and so on top
        bundles = [s for s in view.bundles(map_data) if s.name == name]
        pieces = [(piece, width(s.gbps)) for s in bundles for piece in map_data.segments(s)]
        if pieces:
            lines = [piece for piece, _ in pieces]
            drawn = LineCollection(
                lines,
                linewidths=[pt for _, pt in pieces],
                colors=CLASS_COLOURS[name],
                alpha=0.85,
                capstyle="round",
                zorder=2,
                gid=f"links-{name}",
                label=name,
            )
            ax.add_collection(drawn, autolim=False)
            busy += lines
    marks = []
    for kind in reversed(NODE_KINDS):
        nodes = np.array([i for i in map_data.nodes_of(kind) if i in shown], dtype=np.int64)
        if len(nodes):
            look = _look(kind, len(shown))
            zorder = 3.5 if kind == "gateway" else 3 + 0.1 * (len(RANK) - RANK.get(kind, len(RANK)))
            at = map_data.lon[nodes], map_data.lat[nodes]
            ax.plot(*at, ls="", zorder=zorder, label=kind, gid=f"nodes-{kind}", **look)
            marks += [(map_data.lon[i], map_data.lat[i], look["ms"]) for i in nodes]
    _write_names(ax, map_data, view, busy, marks)


def _look(kind: str, nodes: int) -> dict[str, Any]:
    """How a kind is marked; smaller where there are many."""
    look = dict(KIND_LOOKS[kind])
    look["ms"] *= _crowd(nodes)
    return look


def _crowd(count: int) -> float:
    """How much smaller to draw where there is much to draw."""
    return min(1.0, max(0.45, math.sqrt(80 / max(count, 1))))


def widths(gbps: Sequence[float]) -> Callable[[float], float]:
    """Return the width of a line, in points, by its capacity: its square is in proportion.

    Parameters
    ----------
    gbps : sequence of float
        The capacities of a panel; the largest is drawn thickest, and less so where there are many.
    """
    crowd = _crowd(len(gbps))
    if not _differ(gbps):
        return lambda _: 1.2 * crowd
    most, thickest = max(gbps), max(THICKEST_PT * crowd, 2 * THINNEST_PT)

    def width(gbps: float) -> float:
        share = math.sqrt(min(gbps / most, 1.0))
        return THINNEST_PT + (thickest - THINNEST_PT) * share

    return width


def _key_of_widths(ax: Axes, map_data: MapData, view: View) -> Callable[[float], float]:
    """Tell above a panel what the widths of its lines mean, and return them."""
    bundles = view.bundles(map_data)
    gbps = _scaled(bundles)
    width = widths(gbps)
    if _differ(gbps):
        key = [
            _stroke(f"{sample:,.6g} Gbps", color=GREY, lw=width(sample), solid_capstyle="butt")
            for sample in samples(min(gbps), max(gbps))
        ]
        ax.legend(
            [handle for handle, _ in key], [label for _, label in key],
            loc="lower right", bbox_to_anchor=(1, 1), ncols=len(key), borderaxespad=0.15,
            borderpad=0, handlelength=1.8, handletextpad=0.5, columnspacing=1.4, fontsize=7,
        )  # fmt: skip
    return width


def _scaled(bundles: Iterable[LinkBundle]) -> list[float]:
    """Capacities that decide on widths."""
    bundles = list(bundles)
    return [s.gbps for s in bundles if s.name not in UNSCALED] or [s.gbps for s in bundles]


def _differ(gbps: Sequence[float]) -> bool:
    return len(set(gbps)) > 1


def samples(least: float, most: float) -> list[float]:
    """Return round capacities that show what widths mean: the largest within, and less.

    Parameters
    ----------
    least, most : float
        The smallest and the largest capacity drawn.
    """
    power = 10.0 ** math.floor(math.log10(most))
    top = next(power * digit for digit in (5, 2, 1) if power * digit <= most)
    within = [gbps for gbps in (top / 10, top / 2, top) if gbps >= least]
    return within if len(within) > 1 else [least, most]


# -- names --------------------------------------------------------------------------------------


class Box(NamedTuple):
    """A rectangle on the panel, in inches."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Say whether the two overlap."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


def names_of(map_data: MapData, view: View) -> list[tuple[int, str]]:
    """Return the names to write, the most important first; nodes at one place share one."""
    network = map_data.network
    carried = np.bincount(network.tail, network.capacity_gbps, minlength=len(network.nodes))
    kinds = network.node_kind
    order = sorted(
        view.nodes.tolist(), key=lambda i: (RANK.get(str(kinds[i]), len(RANK)), -carried[i], i)
    )
    seen: set[tuple[float, float]] = set()
    found = []
    for node in order:
        place = (round(map_data.lon[node], 2), round(map_data.lat[node], 2))
        if place not in seen:
            seen.add(place)
            name = network.graph.nodes[network.nodes[node]].get("city") or network.nodes[node]
            found.append((node, _name(name, 24)))
    return found


def _write_names(
    ax: Axes,
    map_data: MapData,
    view: View,
    lines: Iterable[np.ndarray],
    marks: Sequence[tuple[float, float, float]],
) -> None:
    """Write names beside their nodes, where they cover no other name and no mark.

    Of the places around a node, the one that covers the fewest points of lines is taken; a name
    for which there is no place is left out.
    """
    from matplotlib.patheffects import withStroke

    per_degree = PANEL_IN / (view.east - view.west)

    def inches(points: np.ndarray) -> np.ndarray:
        scale = np.array([per_degree, per_degree * view.stretch])
        return (np.atleast_2d(points) - [view.west, view.south]) * scale

    panel = Box(0.03, 0.03, PANEL_IN - 0.03, PANEL_IN * view.high - 0.03)
    ink = np.concatenate([inches(_dense(line)) for line in lines] or [np.zeros((0, 2))])
    taken = []
    for lon, lat, size in marks:
        (x, y), half = inches(np.array([lon, lat]))[0], size / 144.0
        taken.append(Box(x - half, y - half, x + half, y + half))
    written = 0
    for node, name in names_of(map_data, view):
        if written == MOST_LABELS:
            break
        x, y = inches(np.array([map_data.lon[node], map_data.lat[node]]))[0]
        near = [box for box in taken if abs(box.left - x) < 1.5 and abs(box.bottom - y) < 1.0]
        free = [
            box
            for box in _places(x, y, _width_in(name, LABEL_PT), LABEL_PT / 72.0)
            if panel.left <= box.left and box.right <= panel.right
            and panel.bottom <= box.bottom and box.top <= panel.top
            and not any(box.meets(other) for other in near)
        ]  # fmt: skip
        if not free:
            continue
        box = min(free, key=lambda box: _covered(ink, box))
        taken.append(box)
        written += 1
        ax.text(
            view.west + (box.left + box.right) / 2 / per_degree,
            view.south + (box.bottom + box.top) / 2 / (per_degree * view.stretch),
            name,
            fontsize=LABEL_PT,
            ha="center",
            va="center",
            zorder=5,
            path_effects=[withStroke(linewidth=1.6, foreground="white", alpha=0.85)],
        )


def _dense(line: np.ndarray) -> np.ndarray:
    """Return a line with three points for each of its own, against which names are held."""
    at = np.arange(0, len(line) - 1 + 1e-9, 1 / 3)
    index = np.arange(len(line))
    return np.stack([np.interp(at, index, line[:, k]) for k in (0, 1)], axis=1)


def _places(x: float, y: float, wide: float, high: float) -> list[Box]:
    """Places for a name around a node, the best first."""
    found = []
    for gap in (0.055, 0.1):
        for side, up in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
            reach = gap * (0.75 if side and up else 1.0)
            left = x + reach if side > 0 else x - reach - wide if side < 0 else x - wide / 2
            low = y + reach if up > 0 else y - reach - high if up < 0 else y - high / 2
            found.append(Box(left, low, left + wide, low + high))
    return found


def _covered(ink: np.ndarray, box: Box) -> int:
    within = (ink[:, 0] > box.left) & (ink[:, 0] < box.right)
    return int(np.sum(within & (ink[:, 1] > box.bottom) & (ink[:, 1] < box.top)))


# -- words --------------------------------------------------------------------------------------


def _title(network: Network, known: Facts) -> str:
    name = _name(network.name, 40)
    if known.exits:
        return f"Where does {name} leave the country? {_exits_words(network, known)}"
    return f"How does {name} hold together? {_sentence(_hold_words(known))}"


def _exits_words(network: Network, known: Facts) -> str:
    total = sum(each.out_gbps for each in known.exits)
    towards: dict[str, float] = {}
    for each in known.exits:
        city = network.graph.nodes[each.pop].get("city") or each.pop
        towards[city] = towards.get(city, 0.0) + each.out_gbps
    gateways = _counted(len({each.gateway for each in known.exits}), "gateway")
    exits = _counted(len(known.exits), "exit")
    most = sorted(towards, key=lambda city: (-towards[city], city))[:2]
    shares = " and ".join(f"{_name(c)} ({100 * towards[c] / total:.0f} %)" for c in most)
    where = f"above all to {shares}" if len(towards) > 2 else f"to {shares}"
    return f"{total:,.6g} Gbps in {exits} at {gateways}, {where}"


def _hold_words(known: Facts) -> str:
    core, links = known.cuts[-1], _counted(known.cuts[-1].links, "link")
    alone = len(known.stubs.on_one_link)
    stubs = f"; {_counted(alone, 'stub')} on a single link" if alone else ""
    if known.parts > 1:
        return f"it is in {known.parts:,} pieces"
    if core.bridges:
        if len(core.bridges) == 1:
            return f"1 of its {links} is a bridge, without which it falls apart{stubs}"
        bridges = f"{len(core.bridges):,} of its {links} are bridges"
        return f"{bridges}: without any one of them it falls apart{stubs}"
    fewest = core.edge_connectivity
    if fewest is None:
        return f"no single one of its {links} breaks it{stubs}"
    any_of = "any one" if fewest == 2 else f"any {fewest - 1}"
    return f"it stays whole without {any_of} of its {links}{stubs}"


def _caption(network: Network, map_data: MapData, views: Sequence[View]) -> str:
    said = ["lines: great circles, not the way of the fibre; parallel links are one line"]
    missing = int(np.sum(~map_data.placed))
    if missing:
        links = _counted(map_data.undrawn_links, "link")
        said.append(
            f"left out: {missing:,} of {_counted(len(network.nodes), 'node')} without coordinates,"
            f" and {links} at them"
        )
    if len(views) > 1:
        said.append("links at home are left out of the upper panel, exits out of the lower")
    if any(each["of"].startswith("links") for each in network.about.estimates):
        said.append("links and capacities are estimates (see simulator topology show)")
    said.append("land: Natural Earth")
    return f"{_sentence('. '.join(_sentence(each) for each in said))}."


def _legend(map_data: MapData) -> list[tuple[Artist, str]]:
    entries = []
    for name in LINK_CLASSES:
        bundles = [s for s in map_data.bundles if s.name == name]
        if bundles:
            gbps = [s.gbps for s in bundles]
            count = _counted(sum(s.links for s in bundles), "link")
            span = f"{min(gbps):,.6g}" + (f"–{max(gbps):,.6g}" if max(gbps) > min(gbps) else "")
            look = {"color": CLASS_COLOURS[name], "lw": 1.6}
            entries.append(_stroke(f"{name}: {count}, {span} Gbps", **look))
    for kind in NODE_KINDS:
        nodes = map_data.nodes_of(kind)
        if len(nodes):
            look = {**KIND_LOOKS[kind], "ls": "", "ms": min(6.0, KIND_LOOKS[kind]["ms"])}
            entries.append(_stroke(f"{KIND_WORDS.get(kind, kind)} ({len(nodes):,})", **look))
    return entries


def _counted(count: int, one: str) -> str:
    return f"{count:,} {one if count == 1 else one + 's'}"
