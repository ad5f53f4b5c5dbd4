"""Topologies as people have them: numbers, units and names are read, or reported as they stand."""

import json
import warnings

import pytest
from cases import case

from simulator.base.errors import InputError, did_you_mean
from simulator.formats.format import NetworkWarning, read_network
from simulator.scenario.load import load

GRAPHML = "http://graphml.graphdrawing.org/xmlns"


@pytest.fixture(autouse=True)
def without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NetworkWarning)
        yield


def read(path):
    """Return the network and all that was reported, as one text."""
    network, problems = read_network(path)
    return network, "\n".join(map(str, problems))


def refused(path) -> str:
    with pytest.raises(InputError) as caught:
        read_network(path)
    return str(caught.value)


def gbps(network) -> list[float]:
    """Return the capacity of every link, from a to b."""
    return network.capacity_gbps[::2].tolist()


def ring(folder, *links, nodes=(), name="net.json"):
    """Write a ring of nodes around Berne, a link for each mapping of attributes."""
    ids = [f"r{i}" for i in range(len(links))]
    places = [{"id": r, "lat": 46 + i % 2, "lon": 7 + i} for i, r in enumerate(ids)]
    places = [each | more for each, more in zip(places, nodes or [{}] * len(ids), strict=True)]
    edges = [
        {"source": r, "target": ids[(i + 1) % len(ids)], **link}
        for i, (r, link) in enumerate(zip(ids, links, strict=True))
    ]
    path = folder / name
    path.write_text(json.dumps({"nodes": places, "edges": edges}), encoding="utf-8")
    return path


def tables(folder, links, nodes="id,lat,lon\nr1,50,8\nr2,51,9\nr3,50,10\n"):
    (folder / "links.csv").write_text(links, encoding="utf-8")
    (folder / "nodes.csv").write_text(nodes, encoding="utf-8")
    return folder


# ---------------------------------------------------------------- speeds in words


def test_decimal_commas_in_labels():
    network, told = read(case("a01-decimal-comma-speed", "net.graphml"))
    assert gbps(network) == [2.5, 0.1, 10.0]
    assert "2.5 Gbps from '2,5 Gbps' on 'ams-bru'" in told


def test_bundles_in_labels():
    network, told = read(case("a03-lag-labels", "net.graphml"))
    assert gbps(network) == [40.0] * 6
    assert "40 Gbps from '10GE x 4' on 'bru-cgn'" in told
    assert "not understood, 'ae0 10G 4 members' on 'ess-bru': 40 Gbps, the smallest given" in told


def test_bytes_ranges_and_two_directions_are_no_speed():
    network, told = read(case("g03-bytes-and-ranges", "net.graphml"))
    assert gbps(network) == [1.0] * 5
    for label in ("10 GB/s", "100-155 Mbit/s", "100/40 Mbps"):
        assert repr(label) in told
    assert "capacity of 4 of 5 links not understood" in told


def test_words_in_a_column_of_capacities():
    network, _ = read(case("h02-words-in-capacity-column"))
    assert gbps(network) == [10.0, 100.0, 10.0, 200.0, 1000.0]


def test_sums_of_equal_parts():
    network, _ = read(case("h03-sum-of-equal-parts", "net.graphml"))
    assert gbps(network) == [40.0, 20.0, 100.0]


def test_wide_digits():
    network, told = read(case("h06-unicode-digits-in-label", "net.graphml"))
    assert gbps(network) == [10.0, 400.0, 40.0]
    assert "from '１０G'" in told and "from '400Ｇ'" in told


@pytest.mark.parametrize("key", ["capacity", "label", "LinkSpeed", "bandwidth_mbps", "speed"])
def test_a_label_is_quoted_where_it_is_read_and_where_it_is_not(tmp_path, key):
    network, told = read(ring(tmp_path, {key: "4x10GE"}, {key: "100/40 Mbps"}, {key: "2,5 Gbps"}))
    assert gbps(network) == [40.0, 2.5, 2.5]
    assert "40 Gbps from '4x10GE' on 'r0-r1'" in told
    assert "not understood, '100/40 Mbps' on 'r1-r2': 2.5 Gbps, the smallest given" in told


def test_a_label_without_a_speed_is_none_and_a_capacity_in_words_is_asked_about(tmp_path):
    _, told = read(ring(tmp_path, *[{"label": "Leased fibre"}] * 3))
    assert "capacity of all 3 links not given" in told and "Leased" not in told
    _, told = read(ring(tmp_path, *[{"capacity": "plenty"}] * 3))
    assert "capacity of all 3 links not understood, 'plenty' on 3 links: 10 Gbps" in told


# ---------------------------------------------------------------- what is given is not missing


def test_quoted_thousands_are_quoted():
    network, told = read(case("a13-csv-quoted-thousands"))
    assert gbps(network)[2] == 40.0
    assert (
        "capacity of 2 of 3 links not understood, '1,000' on 'r1-r2', '10,000' on 'r2-r3'" in told
    )


def test_units_in_headers():
    network, _ = read(case("a25-unit-words-in-header", "a_links.csv"))
    assert gbps(network) == [100.0, 100.0, 40.0]
    network, _ = read(case("a25-unit-words-in-header", "b_links.csv"))
    assert gbps(network) == [1.0, 1.0, 1.0]
    _, told = read(case("a25-unit-words-in-header", "c_links.csv"))
    assert "not understood, 'speed 1000, in no stated unit' on 3 links" in told


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        *[("Capacity (Gbps)", 40, 40.0), ("bandwidth_mbps", 40_000, 40.0), ("MBPS", 4e4, 40.0)],
        *[("speed [Mbit/s]", "40000", 40.0), ("linkCapacityGbps", 40, 40.0), ("bw_kbps", 4e7, 40)],
        *[("Link Speed (Gb/s)", "40", 40.0), ("capacity in Tbps", 0.04, 40.0), ("bps", 4e10, 40)],
        *[("capacity_mbps", "40'000", 40.0), ("Capacity (Gbps)", "2,5", 2.5)],
    ],
)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_unit_in_a_name_counts_everywhere(tmp_path, name, value, expected, form):
    if form == "json":
        path = ring(tmp_path, *[{name: value}] * 3)
    else:
        rows = "".join(f'{a},{b},"{value}"\n' for a, b in ("r1 r2".split(), ["r2", "r3"]))
        path = tables(tmp_path, f"source,target,{name}\n{rows}")
    network, told = read(path)
    assert set(gbps(network)) == {expected}
    assert "capacity of" not in told and "not used" not in told


@pytest.mark.parametrize(
    ("name", "value", "expected_ms"),
    [
        *[("delay_ms", 20, 20.0), ("latency (ms)", "20", 20.0), ("delay [us]", 20_000, 20.0)],
        *[("latency_us", 2e4, 20.0), ("delay_s", 0.02, 20.0), ("Delay in ms", "20,0", 20.0)],
        *[("length_km", 4080, 20.0), ("distance (m)", 4_080_000, 20.0), ("dist_mi", 2535.2, 20.0)],
    ],
)
def test_units_of_delays_and_lengths(tmp_path, name, value, expected_ms):
    network, _ = read(ring(tmp_path, *[{"capacity_gbps": 1, name: value}] * 3))
    assert network.delay_ms[::2] == pytest.approx(expected_ms, rel=1e-4)


def test_numbers_that_are_not_used_are_named():
    network, told = read(case("r04-coordsim-graphml", "line-in1-cap2-delay10.graphml"))
    assert set(gbps(network)) == {9.95328}
    assert "'LinkDelay' (a delay? name it delay_ms, one way)" in told
    assert "'LinkFwdCap' (a capacity?" in told


def test_numbers_of_nodes_that_are_not_used_are_named_too(tmp_path):
    path = ring(tmp_path, *[{"capacity_gbps": 1}] * 3, nodes=[{"population": 7, "id": "x"}, {}, {}])
    path.write_text(path.read_text().replace('"r0"', '"x"'))
    assert "numbers of nodes not used: 'population'" in read(path)[1]


def test_a_link_of_capacity_zero_is_shut():
    network, told = read(case("a17-zero-capacity-means-down"))
    assert network.links == ("r1-r3", "r3-r2")
    assert "1 of 3 links left out: capacity 0, so shut ('r1-r2')" in told


def test_a_metric_of_zero_is_refused():
    told = refused(case("a18-zero-metric"))
    assert "links.csv:3: links[1].metric: metric 0: routing needs costs above 0" in told


@pytest.mark.parametrize("form", ["json", "csv", "graph"])
def test_zero_is_zero_in_every_format(tmp_path, form):
    if form == "json":
        path = ring(tmp_path, {"capacity": 0}, {"capacity": 5}, {"capacity": "0 Gbps"}, {"bw": 5})
    elif form == "csv":
        path = tables(tmp_path, "source,target,capacity_mbps\nr1,r2,0\nr2,r3,5\nr3,r1,5\n")
    else:
        edges = [(0, 1, 0), (1, 0, 0), (1, 2, 5), (2, 1, 5), (2, 0, 5), (0, 2, 5)]
        rows = "\n".join(f"e{i} {a} {b} 1 {kbps} 900" for i, (a, b, kbps) in enumerate(edges))
        path = tmp_path / "net.graph"
        head = (
            "NODES 3\nlabel x y\nA 8 50\nB 9 51\nC 10 50\nEDGES 6\nlabel src dest weight bw delay"
        )
        path.write_text(f"{head}\n{rows}\n")
    network, told = read(path)
    assert "left out: capacity 0, so shut" in told
    assert min(gbps(network)) > 0


# ---------------------------------------------------------------- what must stay


def test_parallel_rows_are_parallel_links():
    network, _ = read(case("a11-csv-parallel-rows"))
    assert gbps(network) == [100.0] * 6
    assert sum(link.startswith("r1-r2") for link in network.links) == 4


# ---------------------------------------------------------------- places


def places(folder, *rows, columns="id,lat,lon"):
    """Write nodes with places, and a ring of links."""
    ids = [row.split(",")[0] for row in rows]
    links = "".join(f"{a},{b},10\n" for a, b in zip(ids, [*ids[1:], ids[0]], strict=True))
    nodes = "\n".join([columns, *rows, ""])
    return tables(folder, f"source,target,capacity_gbps\n{links}", nodes)


def located(network) -> dict[str, tuple]:
    return {n: (d.get("lat"), d.get("lon")) for n, d in network.graph.nodes(data=True)}


def test_a_node_at_zero_in_a_network_elsewhere_has_no_place():
    network, told = read(case("a15-null-island", "net.graphml"))
    assert located(network)["dus"] == (None, None)
    assert max(network.delay_ms) < 1
    assert "coordinates of 1 of 4 nodes left out: 0, 0, far from all others" in told


def test_a_node_at_zero_among_others_there_stays(tmp_path):
    network, told = read(places(tmp_path, "a,0,0", "b,0,1", "c,1,0"))
    assert located(network)["a"] == (0, 0)
    assert "0, 0" not in told


def test_all_nodes_at_zero_are_nowhere(tmp_path):
    network, _ = read(places(tmp_path, "a,0,0", "b,0,0", "c,0,0"))
    assert set(located(network).values()) == {(None, None)}


def test_a_node_at_zero_in_a_file_of_ours_is_warned_of(tmp_path):
    nodes = "nodes: [{id: a, lat: 50, lon: 8}, {id: b, lat: 0, lon: 0}]\n"
    path = tmp_path / "net.yaml"
    path.write_text(nodes + "links: [{id: x, a: a, b: b, capacity_gbps: 1}]\n")
    network, told = read(path)
    assert located(network)["b"] == (0, 0)
    assert "nodes[1].lat: warning: coordinates 0, 0 lie in the sea" in told


def test_latitude_and_longitude_swapped_are_swapped_back():
    network, told = read(case("a16-swapped-lat-lon"))
    assert located(network)["Beijing"] == (39.9, 116.4)
    assert "latitude and longitude swapped on all 3 nodes: some latitudes are out of" in told


def test_swapped_places_of_known_cities_are_swapped_back(tmp_path):
    rows = ("Marseille,5.4,43.3", "London,-0.1,51.5", "Moscow,37.6,55.8")
    network, told = read(places(tmp_path, *rows))
    assert located(network)["Marseille"] == (43.3, 5.4)
    assert "cities named in the file lie where they are the other way round" in told


@pytest.mark.parametrize(
    "rows",
    [
        ("Marseille,43.3,5.4", "London,51.5,-0.1", "x,1,2"),  # as it should be
        ("a,2.35,48.86", "b,-0.1,51.5", "c,13.4,52.5"),  # nothing tells
        ("Marseille,5.4,43.3", "London,51.5,-0.1", "c,13.4,52.5"),  # one of them only
    ],
)
def test_what_is_not_surely_swapped_stays(tmp_path, rows):
    network, told = read(places(tmp_path, *rows))
    _, lat, lon = rows[-1].split(",")
    assert located(network)[rows[-1][0]] == (float(lat), float(lon))
    assert "swapped" not in told


def test_a_single_latitude_out_of_range_is_quoted(tmp_path):
    network, told = read(places(tmp_path, "a,50,8", "b,510,9", "c,49,120"))
    assert located(network)["b"] == (None, None)
    assert "out of range, or not a pair of numbers, lat 510, lon 9 ('b')" in told


def test_decimal_commas_in_coordinates():
    network, told = read(case("d14-longlat-comma", "net.graphml"))
    assert located(network) == {"ams": (50.0, 8.0), "bru": (50.3, 8.4), "cgn": (50.6, 8.8)}
    assert "'50,00' as 50" in told


def test_delays_faster_than_light_are_reported(tmp_path):
    for form, path in (
        ("recomputed from distance", ring(tmp_path, *[{"capacity_gbps": 1, "delay_ms": 0.01}] * 3)),
        ("faster than light in fibre", tmp_path / "net.yaml"),
    ):
        if path.suffix == ".yaml":
            path.write_text(
                "nodes: [{id: a, lat: 50, lon: 8}, {id: b, lat: 40, lon: 8}]\n"
                "links: [{id: x, a: a, b: b, capacity_gbps: 1, delay_ms: 1}]\n"
            )
        assert form in read(path)[1]


# ---------------------------------------------------------------- hints that must not mislead


@pytest.mark.parametrize(
    ("word", "known", "told"),
    [
        ("capacity_mbps", "capacity_gbps", "; did you mean 'capacity_gbps', which is in another"),
        ("Mbps", "gbps", "; did you mean 'gbps', which is in another unit?"),
        ("delay_us", "delay_ms", "; did you mean 'delay_ms', which is in another unit?"),
        ("capcity_gbps", "capacity_gbps", "; did you mean 'capacity_gbps'?"),
        ("Gbsp", "gbps", "; did you mean 'gbps'?"),
    ],
)
def test_a_hint_says_that_its_unit_is_another(word, known, told):
    assert did_you_mean(word, [known]).startswith(told)


def test_a_key_in_another_unit(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("nodes: [{id: a}, {id: b}]\nlinks: [{id: x, a: a, b: b, capacity_mbps: 5}]\n")
    assert "did you mean 'capacity_gbps', which is in another unit?" in refused(path)


@pytest.mark.parametrize("unit", ["Mbps", "Mbit/s", "Mbit per second"])
def test_units_of_graphs_in_many_words(tmp_path, unit):
    path = ring(tmp_path, *[{"capacity": 4000}] * 3)
    head = f'{{"graph": {{"unit": "{unit}"}}, "nodes"'
    path.write_text(path.read_text().replace('{"nodes"', head))
    assert gbps(read(path)[0]) == [4.0] * 3


def test_bytes_are_no_unit_of_graphs_and_bits_are_not_offered(tmp_path):
    path = ring(tmp_path, *[{"capacity": 4000}] * 3)
    path.write_text(path.read_text().replace('{"nodes"', '{"graph": {"unit": "GB/s"}, "nodes"'))
    told = refused(path)
    assert "no unit 'GB/s'; known: bps, kbps, mbps, gbps, tbps" in told


@pytest.mark.parametrize("name", ["Chinanet", "Cernet.graphml", "china169-mini"])
def test_the_name_of_a_topology_is_no_scenario(name):
    with pytest.raises(InputError, match="is a topology, not a scenario; a scenario names its"):
        load(name)


def test_the_name_of_a_scenario_is_no_topology():
    assert "'tpe-cut' is a scenario, not a topology" in refused("tpe-cut")


def test_the_file_of_a_topology_is_no_scenario(tmp_path):
    tables(tmp_path, "source,target\nr1,r2\nr2,r3\n")
    for path in (ring(tmp_path, *[{"capacity": 1}] * 3), tmp_path, tmp_path / "links.csv"):
        with pytest.raises(InputError, match="this is a topology, not a scenario"):
            load(path)
