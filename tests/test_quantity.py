"""A number with its unit is refused under a key that says the unit, with what to write."""

from __future__ import annotations

import pytest

from simulator.base.errors import InputError
from simulator.base.quantity import as_written
from simulator.formats.format import check_network, read_network
from simulator.formats.matrices.demand_format import read_recording


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("capacity_gbps", "10G", "10 Gbps; write 10"),
        ("capacity_gbps", "10 Gbps", "10 Gbps; write 10"),
        ("capacity_gbps", "400 Mbps", "0.4 Gbps; write 0.4"),
        ("capacity_ba_gbps", "2,5 Gbit/s", "2.5 Gbps; write 2.5"),
        ("capacity_gbps", "4x100GE", "400 Gbps; write 400"),
        ("capacity_gbps", "1T", "1000 Gbps; write 1000"),
        ("capacity_gbps", "1,5", "1.5 Gbps; write 1.5"),
        ("mbps", "1 GBPS", "1000 Mbps; write 1000"),
        ("delay_ms", "5ms", "5 ms; write 5"),
        ("delay_ms", "250 µs", "0.25 ms; write 0.25"),
        ("fibre_km", "12 km", "12 km; write 12"),
        ("fibre_km", "800m", "0.8 km; write 0.8"),
        ("step_s", "5min", "300 s; write 300"),
        ("horizon_h", "2 days", "48 h; write 48"),
    ],
)
def test_what_to_write_is_told(key, text, words):
    assert as_written(key, text) == f", which is {words}"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("capacity_gbps", "10 GB/s"),
        ("capacity_gbps", "10 GBps"),
        ("capacity_gbps", "5 ms"),
        ("capacity_gbps", "1,000 Mbps"),
        ("capacity_gbps", "10-40G"),
        ("capacity_gbps", "0x10"),
        ("capacity_gbps", "fast"),
        ("capacity_gbps", "10"),
        ("delay_ms", "5 km"),
        ("price_usd_per_mbps", "5 Gbps"),
        ("metric", "10G"),
    ],
)
def test_nothing_is_told_where_it_is_in_doubt(key, text):
    assert as_written(key, text) == ""


YAML = """\
name: n
nodes: [{id: a, kind: core, lat: 1, lon: 2}, {id: b, kind: core, lat: 1, lon: 3}]
links:
  - {id: ab, a: a, b: b, class: core, capacity_gbps: 10G, delay_ms: 5 us, fibre_km: 12mi}
"""


def test_a_strict_file_says_what_to_write(tmp_path):
    (tmp_path / "n.yaml").write_text(YAML)
    told = [str(each).partition("n.yaml:")[2] for each in check_network(tmp_path / "n.yaml")]
    assert told == [
        "4:54: links[0].capacity_gbps: expected a number above 0, found '10G',"
        " which is 10 Gbps; write 10",
        "4:69: links[0].delay_ms: expected a number of at least 0, found '5 us',"
        " which is 0.005 ms; write 0.005",
        "4:85: links[0].fibre_km: expected a number of at least 0, found '12mi',"
        " which is 19.312128 km; write 19.312128",
    ]


def test_a_table_says_what_to_write(tmp_path):
    (tmp_path / "nodes.csv").write_text("id,kind,lat,lon\na,core,1,2\nb,core,1,3\n")
    (tmp_path / "links.csv").write_text("id,a,b,capacity_gbps,length_km\nx,a,b,400 Mbps,12 km\n")
    told = [str(each).partition("links.csv:")[2] for each in check_network(tmp_path)]
    assert told == [
        "2:7: capacity_gbps: expected a number above 0, found '400 Mbps', which is 0.4 Gbps;"
        " write 0.4",
        "2:16: length_km: expected a number of at least 0, found '12 km', which is 12 km; write 12",
    ]


@pytest.mark.parametrize(
    "text",
    ["source,target,mbps\na,b,10G\n", "time,a>b_mbps\n0,10G\n"],
    ids=["long", "wide"],
)
def test_a_matrix_says_what_to_write(tmp_path, text):
    (tmp_path / "links.csv").write_text("source,target,capacity_gbps\na,b,10\n")
    network, _ = read_network(tmp_path / "links.csv")
    (tmp_path / "tm.csv").write_text(text)
    with pytest.raises(InputError, match="found '10G', which is 10000 Mbps; write 10000"):
        read_recording(tmp_path / "tm.csv", network)


def test_a_list_of_wrong_items_is_not_too_short(tmp_path):
    (tmp_path / "n.yaml").write_text(YAML.replace(", delay_ms: 5 us, fibre_km: 12mi", ""))
    assert len(check_network(tmp_path / "n.yaml")) == 1
    (tmp_path / "n.yaml").write_text(YAML.partition("links:")[0] + "links: []\n")
    (told,) = check_network(tmp_path / "n.yaml")
    assert "links: expected a list of at least 1 items, found a list of 0 items" in str(told)
