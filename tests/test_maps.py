"""Maps: what is drawn where, checked on the data behind the picture."""

from __future__ import annotations

import socket

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import make_tiny
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import simulator as sim
from simulator.base.errors import SimulatorError
from simulator.cli.main import main
from simulator.figures.link_series import links_of_bundles
from simulator.figures.maps import drawing
from simulator.figures.maps.land import land_in, world_land
from simulator.figures.maps.map_data import MapData, best_seam, great_circle, split
from simulator.figures.maps.names import LABEL_PT
from simulator.figures.maps.network_map import plot_map, write_map
from simulator.figures.maps.views import View, views_of
from simulator.model.network import Network

BEIJING, ANGELES, FRANKFURT, SYDNEY = (116.4, 39.9), (-118.2, 34.1), (8.7, 50.1), (151.2, -33.9)


@pytest.fixture(autouse=True)
def _no_window():
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


def placed(places: dict[str, tuple[float, float] | None], *links: tuple, **kinds: str) -> Network:
    """Return a tiny network with coordinates, east and north."""
    graph = nx.MultiGraph(make_tiny(*links, **kinds).graph)
    for node, place in places.items():
        if place is not None:
            graph.nodes[node].update(lon=place[0], lat=place[1])
    return Network(graph, "tiny")


def drawn(ax, what: str):
    return [artist for artist in ax.get_children() if artist.get_gid() == what]


def segments(ax, name: str) -> list[np.ndarray]:
    return [line for lines in drawn(ax, f"links-{name}") for line in lines.get_segments()]


def marks(ax, kind: str) -> int:
    return sum(len(line.get_xdata()) for line in drawn(ax, f"nodes-{kind}"))


def words(axes) -> tuple[str, str]:
    figure = axes[0].figure
    return " ".join(figure.get_suptitle().split()), " ".join(figure.get_supxlabel().split())


# -- lines --------------------------------------------------------------------------------------


def test_a_great_circle_is_the_shortest_way():
    lon, lat = great_circle(*BEIJING, *ANGELES)
    assert (lon[0], lat[0]) == pytest.approx(BEIJING)
    assert (lon[-1] - 360, lat[-1]) == pytest.approx(ANGELES)  # on across the 180th meridian
    assert np.abs(np.diff(lon)).max() < 10
    # Every leg is as long as the next, and all together as long as the haversine says.
    a, b = np.radians([lon, lat])
    h = np.sin(np.diff(b) / 2) ** 2
    h += np.cos(b[:-1]) * np.cos(b[1:]) * np.sin(np.diff(a) / 2) ** 2
    legs = 2 * 6371 * np.arcsin(np.sqrt(h))
    assert legs == pytest.approx(np.full(len(legs), legs[0]))
    assert legs.sum() == pytest.approx(10_080, abs=30)


def test_a_great_circle_along_the_equator_and_to_where_it_began():
    lon, lat = great_circle(170.0, 0.0, -170.0, 0.0)
    assert lon == pytest.approx(np.linspace(170, 190, len(lon)))
    assert lat == pytest.approx(0)
    lon, lat = great_circle(*SYDNEY, *SYDNEY)
    assert np.ptp(lon) == np.ptp(lat) == 0


@pytest.mark.parametrize("eastward", [True, False])
def test_a_line_is_split_at_the_dateline(eastward):
    lon, lat = np.array([170.0, 178.0, 186.0, 190.0]), np.array([0.0, 8.0, 16.0, 20.0])
    if not eastward:
        lon, lat = lon[::-1], lat[::-1]
    pieces = split(lon, lat, -180.0)
    west = next(piece for piece in pieces if piece[:, 0].min() < 0)
    east = next(piece for piece in pieces if piece[:, 0].min() > 0)
    assert len(pieces) == 2
    order = np.argsort(west[:, 0])
    assert west[order].tolist() == [[-180.0, 10.0], [-174.0, 16.0], [-170.0, 20.0]]
    order = np.argsort(east[:, 0])
    assert east[order].tolist() == [[170.0, 0.0], [178.0, 8.0], [180.0, 10.0]]


def test_a_line_that_meets_no_seam_stays_whole():
    lon, lat = great_circle(*BEIJING, *FRANKFURT)
    (piece,) = split(lon, lat, -180.0)
    assert piece == pytest.approx(np.stack([lon, lat], axis=1))
    (moved,) = split(lon + 720.0, lat, -180.0)
    assert moved == pytest.approx(piece)


def test_the_map_is_cut_open_where_no_link_is():
    pacific = [(BEIJING[0], ANGELES[0])]
    seam = best_seam(np.array([BEIJING[0], ANGELES[0], FRANKFURT[0]]), pacific)
    assert seam == pytest.approx((ANGELES[0] + FRANKFURT[0]) / 2)  # in the Atlantic
    atlantic = [(FRANKFURT[0], ANGELES[0]), (FRANKFURT[0], BEIJING[0])]
    seam = best_seam(np.array([BEIJING[0], ANGELES[0], FRANKFURT[0]]), atlantic)
    assert seam == pytest.approx((BEIJING[0] + ANGELES[0] + 360) / 2)  # in the Pacific


def test_a_ring_around_the_earth_is_split_once():
    places = {"b": BEIJING, "l": ANGELES, "f": FRANKFURT}
    network = placed(places, ("1", "b", "l", 1.0), ("2", "l", "f", 1.0), ("3", "f", "b", 1.0))
    (ax,) = plot_map(network)
    lines = segments(ax, "core")
    assert len(lines) == 4  # three links, one of them in two
    seam = MapData.of(network).seam
    ends = np.array([line[i] for line in lines for i in (0, -1)])
    at_edge = ends[np.isclose(ends[:, 0], seam) | np.isclose(ends[:, 0], seam + 360)]
    assert sorted(at_edge[:, 0]) == pytest.approx([seam, seam + 360])
    assert at_edge[0, 1] == pytest.approx(at_edge[1, 1])
    assert all(np.abs(np.diff(line[:, 0])).max() < 30 for line in lines)


# -- what is on it ------------------------------------------------------------------------------


def test_all_of_china_is_on_it(china):
    network, _ = china
    world, home = plot_map(network)
    frame = network.frame()
    for name in ("core", "provincial", "gateway"):
        assert len(segments(home, name)) == len(set(_pairs(frame, name))), name
        assert not segments(world, name)
    for name in ("exit", "access"):
        assert len(segments(world, name)) == len(set(_pairs(frame, name))), name
        assert not segments(home, name)
    # One of the overseas links goes over the Atlantic, where the map is cut open.
    assert len(segments(world, "overseas")) == len(set(_pairs(frame, "overseas"))) + 1
    for kind in ("super_core", "core", "provincial", "gateway"):
        assert marks(home, kind) == int((network.node_kind == kind).sum())
    for kind in ("pop", "region", "gateway"):
        assert marks(world, kind) == int((network.node_kind == kind).sum())
    title, caption = words([world])
    assert "2,460 Gbps in 20 exits at 3 gateways" in title
    assert "Los Angeles (21 %) and San Jose (21 %)" in title
    assert "estimates" in caption
    assert "Natural Earth" in caption
    assert "without coordinates" not in caption


def _pairs(frame, name):
    return [frozenset(ends) for ends in frame.loc[frame["class"] == name, ["a", "b"]].to_numpy()]


def test_widths_go_by_capacity():
    places = {"a": BEIJING, "b": FRANKFURT, "c": (60.0, 20.0)}
    links = (("1", "a", "b", 100.0), ("2", "b", "c", 25.0), ("3", "b", "c", 75.0))
    network = placed(places, *links, ("4", "c", "a", 25.0))
    (ax,) = plot_map(network)
    (lines,) = drawn(ax, "links-core")
    thick, both, thin = lines.get_linewidths()
    assert thick == both > thin  # parallel links are one line with the sum of both
    least = drawing.THINNEST_PT
    assert (thin - least) / (thick - least) == pytest.approx(np.sqrt(25 / 100))


@pytest.mark.parametrize(
    ("least", "most", "shown"),
    [(0.002, 10, [1, 5, 10]), (20, 400, [20, 100, 200]), (200, 7600, [500, 2500, 5000]),
     (10, 20, [10, 20]), (10, 44, [10, 20]), (6, 7, [6, 7]), (999, 1000, [999, 1000])],
)  # fmt: skip
def test_the_key_of_widths_is_in_round_numbers(least, most, shown):
    assert drawing.samples(least, most) == pytest.approx(shown)


def test_what_has_no_place_is_counted():
    places = {"a": BEIJING, "b": FRANKFURT, "c": None, "d": None}
    network = placed(places, ("1", "a", "b", 1.0), ("2", "b", "c", 1.0), ("3", "c", "d", 1.0))
    axes = plot_map(network)
    assert len(segments(axes[0], "core")) == 1
    assert marks(axes[0], "core") == 2
    assert (
        "left out: 2 of 4 nodes without coordinates, and 2 links at them" in words(axes)[1].lower()
    )


def test_links_that_are_down_are_not_drawn(mini):
    network, _ = mini
    world, home = plot_map(network.failed(links=["beijing--wuhan", "guangzhou-hk"]))
    assert (len(segments(home, "core")), len(segments(world, "exit"))) == (10, 8)


def test_the_view_holds_all_that_is_shown(china):
    map_data = MapData.of(china[0])
    for view in views_of(map_data):
        for bundle in view.bundles(map_data):
            for line in map_data.segments(bundle):
                assert line[:, 0].min() >= min(view.west, map_data.seam)
                assert line[:, 0].max() <= max(view.east, map_data.seam + 360)
                assert view.south < line[:, 1].min() <= line[:, 1].max() < view.north
        inside = map_data.lon[view.nodes], map_data.lat[view.nodes]
        assert (inside[0] > view.west).all() and (inside[0] < view.east).all()
        assert (inside[1] > view.south).all() and (inside[1] < view.north).all()


@pytest.mark.parametrize(
    "places",
    [{"a": BEIJING, "b": BEIJING}, {"a": (0.0, 89.9), "b": (180.0, 89.9)},
     {"a": (-180.0, 0.0), "b": (180.0, 0.0)}, {"a": (179.9, -89.0), "b": (-179.9, 10.0)}],
)  # fmt: skip
def test_awkward_places(places):
    (ax,) = plot_map(placed(places, ("1", "a", "b", 1.0)))
    assert marks(ax, "core") == 2
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    assert 0 < east - west <= 361
    assert 0 < north - south <= 180


def test_names_neither_meet_nor_cover_marks(china):
    world, home = plot_map(china[0])
    for ax in (world, home):
        renderer = ax.figure.canvas.get_renderer()
        boxes = [text.get_window_extent(renderer) for text in ax.texts]
        frame = ax.get_window_extent(renderer)
        assert len(boxes) > 8
        for i, box in enumerate(boxes):
            assert frame.x0 <= box.x0 and box.x1 <= frame.x1
            assert not any(box.overlaps(other.expanded(0.97, 0.6)) for other in boxes[:i])
    names = {text.get_text() for text in home.texts}
    assert {"Beijing", "Shanghai", "Guangzhou", "Wuhan", "Urumqi"} <= names
    assert len(names) == len(home.texts)


def test_names_are_letters_and_nothing_else():
    places = {"<script>$x^2$\x1b[31m": BEIJING, "_under": FRANKFURT, "北京": SYDNEY}
    a, b, c = places
    (ax,) = plot_map(placed(places, ("1", a, b, 1.0), ("2", b, c, 1.0)))
    told = [text.get_text() for text in ax.texts]
    assert "<script>$x^2$[31m" in told
    assert not any("\x1b" in text for text in told)
    ax.figure.canvas.draw()  # warnings are errors


@pytest.mark.parametrize(
    ("links", "answer"),
    [
        ([("1", "a", "b", 1.0), ("2", "b", "c", 1.0)], "2 of its 2 links are bridges"),
        ([("1", "a", "b", 1.0), ("2", "b", "c", 1.0), ("3", "c", "a", 1.0)],
         "It stays whole without any one of its 3 links"),
        ([("1", "a", "b", 1.0), ("2", "b", "c", 1.0), ("3", "b", "c", 1.0)],
         "1 of its 3 links is a bridge"),
    ],
)  # fmt: skip
def test_the_title_is_an_answer(links, answer):
    axes = plot_map(placed({"a": BEIJING, "b": FRANKFURT, "c": SYDNEY}, *links))
    assert answer in words(axes)[0]


# -- land ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "is_land"),
    [
        (BEIJING, True), (FRANKFURT, True), ((-118.2 + 360, 34.1), True), ((133.0, -25.0), True),
        ((150.0, 30.0), False), ((-30.0, 40.0), False), ((51.0, 42.0), False),  # the Caspian Sea
        ((178.0, 67.5), True), ((182.5, 67.0), True),  # Chukotka, on both sides of the dateline
    ],
)  # fmt: skip
def test_land_is_where_it_is(place, is_land):
    view = View("", place[0] - 20, place[0] + 20, place[1] - 15, place[1] + 15,
                     np.array([0]), ("core",))  # fmt: skip
    assert _inside(land_in(view), *place) == is_land


def _inside(rings, x, y) -> bool:
    """Even-odd rule, by counting the edges that a ray to the east crosses."""
    crossings = 0
    for ring in rings:
        (x0, y0), (x1, y1) = ring[:-1].T, ring[1:].T
        spans = (y0 > y) != (y1 > y)
        at = x0[spans] + (y - y0[spans]) / (y1[spans] - y0[spans]) * (x1[spans] - x0[spans])
        crossings += int(np.sum(at > x))
    return crossings % 2 == 1


def test_every_ring_is_closed():
    points, starts = world_land()
    assert len(points) == starts[-1]
    assert (points[starts[:-1]] == points[starts[1:] - 1]).all()
    assert np.abs(points[:, 1]).max() <= 90


# -- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["png", "svg"])
def test_the_same_network_gives_the_same_bytes_and_asks_nobody(form, mini, tmp_path, monkeypatch):
    def nobody(*args, **kwargs):
        raise AssertionError("a map asked the network")

    monkeypatch.setattr(socket, "socket", nobody)
    monkeypatch.setattr(socket, "create_connection", nobody)
    one, two = (write_map(mini[0], tmp_path / f"{i}.{form}") for i in (1, 2))
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_size < 1_000_000
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"1.{form}", f"2.{form}"]


def test_a_network_without_any_place(tmp_path):
    network = make_tiny(("1", "a", "b", 1.0))
    with pytest.raises(SimulatorError, match="no node of 'tiny' has coordinates"):
        write_map(network, tmp_path / "map.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("width", "inches"), [("column", 3.5), ("page", 7.2), ("slide", 10.0)])
def test_a_map_is_as_wide_as_asked_and_its_text_is_on_it(china, width, inches):
    axes = plot_map(china[0], width=width, new_figure=Figure)
    fig = axes[0].figure
    assert fig.get_figwidth() == pytest.approx(inches)
    renderer = FigureCanvasAgg(fig).get_renderer()
    fig.draw(renderer)
    names = [text for ax in axes for text in ax.texts]
    keys = [text for ax in axes for text in ax.get_legend().get_texts()]
    titles = [ax.get_title(loc="left") and ax._left_title for ax in axes]
    for text in [*names, *keys, *titles, fig._suptitle, fig._supxlabel]:
        box = text.get_window_extent(renderer)
        assert box.x0 >= -2 and box.x1 <= fig.bbox.width + 2, text.get_text()
    for ax, title in zip(axes, titles, strict=True):
        key = ax.get_legend().get_window_extent(renderer)
        assert title.get_window_extent(renderer).x1 < key.x0
    factor = max(1.0, inches / 7.2)
    assert {text.get_fontsize() for text in names} == {factor * LABEL_PT}
    assert len(names) > 20


def test_a_map_without_a_width_is_that_of_a_page(mini, tmp_path):
    plain = write_map(mini[0], tmp_path / "a.svg").read_bytes()
    assert write_map(mini[0], tmp_path / "b.svg", width="page").read_bytes() == plain
    with pytest.raises(SimulatorError, match="did you mean 'column'"):
        write_map(mini[0], tmp_path / "c.svg", width="colum")


def test_topology_show_takes_a_width(tmp_path):
    image = pytest.importorskip("PIL.Image")
    words = ["topology", "show", "china169-mini", "--plot", str(tmp_path / "map.png")]
    assert CliRunner().invoke(main, [*words, "--width", "slide"]).exit_code == 0
    with image.open(tmp_path / "map.png") as png:
        assert png.width == 1500
    assert CliRunner().invoke(main, [*words, "--width", "poster"]).exit_code == 2


def test_the_notebook_face(mini):
    axes = sim.plot_map(mini[0])
    assert axes[0].figure.number in pyplot.get_fignums()
    before = pyplot.get_fignums()
    sim.plot_map(mini[0], new_figure=Figure)
    assert pyplot.get_fignums() == before


# -- links without capacity ---------------------------------------------------------------------


def places_with(**capacities):
    links = [
        ("ab", "a", "b", 10.0), ("bc", "b", "c", 20.0), ("ac", "a", "c", 10.0),
        ("ac-2", "a", "c", 10.0),
    ]  # fmt: skip
    network = make_tiny(*((link, a, b, capacities.get(link, gbps)) for link, a, b, gbps in links))
    graph = network.graph
    for node, (lon, lat) in {"a": (-9.1, 38.7), "b": (-3.7, 40.4), "c": (2.35, 48.85)}.items():
        graph.nodes[node].update(lon=lon, lat=lat)
    return graph


def test_a_link_without_capacity_is_thin_and_dashed():
    data = MapData.of(Network(places_with(ab=0.0), "idle"))
    names = [(b.a, b.b) for b in data.idle]
    assert len(names) == 1 and names[0] not in {(b.a, b.b) for b in data.bundles}
    assert sum(b.links for b in data.bundles) == 3
    axes = plot_map(data.network, new_figure=Figure)
    (dashed,) = [line for line in axes[0].get_lines() if line.get_gid() == "idle"]
    assert dashed.is_dashed() and dashed.get_linewidth() < 1
    found = links_of_bundles(data.network)
    assert found[data.idle[0][:3]] == [0]


def test_a_link_without_capacity_beside_one_with_it_is_no_line_of_its_own():
    data = MapData.of(Network(places_with(**{"ac-2": 0.0}), "beside"))
    assert data.idle == ()
    (both,) = [b for b in data.bundles if b.gbps == 10.0 and b.links == 1 and b.a == 0 and b.b == 2]
    assert links_of_bundles(data.network)[both[:3]] == [2]


def test_a_link_that_is_up_one_way_alone_is_drawn_as_it_is():
    graph = places_with(ab=0.0)
    graph["a"]["b"]["ab"]["capacity_ba_gbps"] = 5.0
    network = Network(graph, "one way")
    data = MapData.of(network)
    assert data.idle == () and {b.gbps for b in data.bundles} == {5.0, 20.0}
