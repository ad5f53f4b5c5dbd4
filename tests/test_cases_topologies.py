"""Topologies as people have them: numbers, units and names are read, or reported as they stand."""

import pytest
from cases import case
from topology_files import gbps, read, refused, ring, tables

from simulator import link_loads, load_demands, route
from simulator.base.errors import InputError, did_you_mean
from simulator.scenario.load import load

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


# ---------------------------------------------------------------- tables in other forms


def test_a_table_with_semicolons_and_decimal_commas_is_read():
    network, told = read(case("a12-csv-excel-topology"))
    assert gbps(network) == [2.5, 10.0, 10.0]
    assert "numbers read as people write them: " in told and "'50,1' as 50.1" in told


def test_a_table_in_utf_16_is_read():
    network, _ = read(case("a20-utf16-excel"))
    assert network.nodes == ("r1", "r2") and gbps(network) == [10.0]


def test_a_table_in_latin_1_is_refused_by_line_and_byte():
    told = refused(case("a21-latin1"))
    assert "links.csv:2:2: not UTF-8 text: byte 0xfc at offset 29 ('ü' in Latin-1)" in told


# ---------------------------------------------------------------- both directions


@pytest.mark.parametrize("name", ["net.yaml", "net2.yaml"])
def test_capacities_of_both_directions(name):
    network, _ = read(case("c11-capacity-each-way", name))
    demands = load_demands(case("c11-capacity-each-way", "tm.csv"), network)
    loads = link_loads(route("igp_ecmp", network, demands), demands)
    loads = loads[loads.link == "X"].set_index("source").utilisation
    assert loads["G"] == pytest.approx(0.4) and loads["P"] == pytest.approx(0.8)
