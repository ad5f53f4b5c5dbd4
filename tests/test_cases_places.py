"""Places as people give them: unknown, swapped, out of range, with commas."""

import pytest
from cases import case
from topology_files import read, ring, tables

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
