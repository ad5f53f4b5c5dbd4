"""CSV tables of others: columns under the names that people give them."""

import json
import warnings

import pytest

import simulator as sim
from simulator.base.errors import InputError
from simulator.formats.format import NetworkWarning, read_network
from simulator.formats.matrices.demand_format import RecordingWarning
from simulator.model.geo import great_circle_km

NODES = "id,lon,lat\na,10,50\nb,11,51\nc,12,50\n"
LINKS = "source,target,capacity_mbps,weight\na,b,40000,7\nb,c,10000,3\nc,a,10000,1\n"


@pytest.fixture(autouse=True)
def without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NetworkWarning)
        yield


def written(folder, links=LINKS, nodes=NODES, names=("nodes.csv", "links.csv")):
    (folder / names[0]).write_text(nodes)
    (folder / names[1]).write_text(links)
    return folder


def test_a_folder(tmp_path):
    network = sim.load_network(written(tmp_path))
    assert network.links == ("a-b", "b-c", "c-a")
    assert network.capacity_gbps[::2].tolist() == [40.0, 10.0, 10.0]
    assert network.metric[::2].tolist() == [7.0, 3.0, 1.0]
    expected = great_circle_km(50.0, 10.0, 51.0, 11.0) * 1.35 / 204.0
    assert network.delay_ms[0] == pytest.approx(expected)
    assert network.name == tmp_path.name


@pytest.mark.parametrize("asked", ["it_links.csv", "it_nodes.csv"])
def test_a_pair_with_a_prefix(tmp_path, asked):
    written(tmp_path, names=("it_nodes.csv", "it_links.csv"))
    network = sim.load_network(tmp_path / asked)
    assert network.name == "it" and len(network.links) == 3


@pytest.mark.parametrize("columns", ["src,dst", "from,to", "source,target", "start,end"])
def test_other_names_for_the_ends(tmp_path, columns):
    links = LINKS.replace("source,target", columns).replace("capacity_mbps", "bw")
    network = sim.load_network(written(tmp_path, links, names=("nodes.csv", "edges.csv")))
    assert network.capacity_gbps[0] == 40000.0
    assert any("bw read as Gbps" in each for each in network.about.assumptions)


@pytest.mark.parametrize("unit", ["bps", "kbps", "mbps", "gbps", "tbps"])
def test_units_do_not_matter(tmp_path, unit):
    factor = {"bps": 1e9, "kbps": 1e6, "mbps": 1e3, "gbps": 1.0, "tbps": 1e-3}[unit]
    rows = [f"a,b,{40 * factor!r},7", f"b,c,{10 * factor!r},3", f"c,a,{10 * factor!r},1"]
    links = "\n".join([f"source,target,capacity_{unit},weight", *rows, ""])
    network = sim.load_network(written(tmp_path, links))
    assert network.capacity_gbps[::2].tolist() == [40.0, 10.0, 10.0]


def test_our_own_tables_are_still_checked_as_ours(tmp_path):
    links = "id,a,b,capacity_gbps\nx,a,b,10\ny,b,c,10\n"
    network, warned = read_network(written(tmp_path, links))
    assert network.links == ("x", "y") and not network.about.assumptions


@pytest.mark.parametrize(
    ("links", "nodes", "told"),
    [
        (LINKS.replace("a,b,", "a,z,"), NODES, "links.csv:2: no node 'z' in nodes.csv"),
        (LINKS.replace("a,b,40000,7", "a,b,40000"), NODES, "links.csv:2:1: 3 cells in this row"),
        ("source,target\n", NODES, "links.csv: no rows below the header"),
        (LINKS, "id,lon,lat\n", "nodes.csv: no rows below the header"),
        (
            LINKS,
            "lon,lat\n1,2\n",
            "nodes.csv: a node without any of id, node, node_id, name, label",
        ),
        (LINKS.replace("weight", "Source"), NODES, "links.csv:1: two columns of one name"),
        (LINKS.replace("a,b", '"a,b'), NODES, "links.csv"),
    ],
)
def test_mistakes_are_told(tmp_path, links, nodes, told):
    with pytest.raises(InputError) as caught:
        sim.load_network(written(tmp_path, links, nodes))
    assert told in str(caught.value)


def test_a_column_of_demands_without_a_unit(tmp_path):
    network = sim.load_network(written(tmp_path))
    (tmp_path / "tm.csv").write_text("source,target,demand\na,b,500\nb,c,250\n")
    with pytest.warns(RecordingWarning, match="no unit is stated: rates are read as Gbps"):
        assert sim.load_demands(tmp_path / "tm.csv", network).gbps.tolist() == [500.0, 250.0]
    in_mbps = sim.load_recording(tmp_path / "tm.csv", network, unit="mbps")
    assert in_mbps.demands.gbps.tolist() == [0.5, 0.25]


@pytest.mark.parametrize("columns", ["Node A,Node B", "A-end,Z-end", "from_node,to_node"])
def test_ends_in_the_words_of_operators(tmp_path, columns):
    links = LINKS.replace("source,target", columns)
    nodes = NODES.replace("id,", "Hostname,")
    assert sim.load_network(written(tmp_path, links, nodes)).links == ("a-b", "b-c", "c-a")


def test_links_that_repeat_another_are_told_once(tmp_path):
    path = tmp_path / "links.csv"
    rows = ["a,b,10", "a,b,10", "a,b,10", "b,c,10", "b,c,10", "c,a,10", "a,b,10", "b,a,10"]
    path.write_text("\n".join(["source,target,capacity_mbps", *rows]))
    network, problems = read_network(path)
    assert len(network.links) == 8
    assert [str(each) for each in problems if "twice" in each.message] == [
        f"{path}:3: links[1].id: warning: 5 links repeat another in ends, class, capacity and"
        " metric (lines 3, 4, 6 and 2 more): kept as parallel links; are they meant to be there"
        " twice?"
    ]


def test_without_lines_repeated_links_are_told_by_name(tmp_path):
    path = tmp_path / "net.json"
    edges = [{"source": "a", "target": "b", "id": f"e{i}", "capacity": 1} for i in range(3)]
    path.write_text(json.dumps({"nodes": [{"id": "a"}, {"id": "b"}], "links": edges}))
    told = [each.message for each in read_network(path)[1] if "twice" in each.message]
    assert len(told) == 1
    assert "2 links repeat another in ends, class, capacity and metric ('e1', 'e2'):" in told[0]


COMMENT = "# exported by a tool\n"


@pytest.mark.parametrize(
    "files",
    [
        {
            "nodes.csv": COMMENT + "id,kind\na,core\nb,core\n",
            "links.csv": COMMENT + "id,a,b,capacity_gbps\nab,a,b,10\n",
        },
        {
            "nodes.csv": COMMENT + "name\na\nb\n",
            "links.csv": COMMENT + "source,target,bandwidth_mbps\na,b,10\n",
        },
        {
            "interfaces.csv": COMMENT + "device,name,speed\na,x,10000\nb,y,10000\n",
            "cables.csv": COMMENT
            + "side_a_device,side_a_type,side_a_name,side_b_device,side_b_type,side_b_name\n"
            + "a,dcim.interface,x,b,dcim.interface,y\n",
        },
    ],
    ids=["ours", "third party", "netbox"],
)
def test_comments_above_tables_are_left_out_and_told(tmp_path, files):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    network, problems = read_network(tmp_path)
    assert network.nodes == ("a", "b")
    told = [str(each) for each in problems if "comment" in each.message]
    assert sorted(told) == sorted(
        f"{tmp_path / name}:1: warning: comment left out: '# exported by a tool'" for name in files
    )


EXITS = (
    "source,target,capacity_gbps,km,class\n"
    "Berlin,Munich,400,505,core\nBerlin,Hamburg,400,290,core\n"
    "Munich,Milan,100,350,exit\nHamburg,Oslo,100,720,exit\n"
    "Milan,Oslo,100,1600,overseas\nMilan,asia,1000,8000,access\n"
)


def read(folder, links):
    """Return the network of a table of links, and all that was told of it."""
    (folder / "links.csv").write_text(links)
    network, problems = read_network(folder / "links.csv")
    return network, "\n".join(map(str, problems))


def test_what_only_exits_lead_to_lies_abroad(tmp_path):
    network, told = read(tmp_path, EXITS)
    kinds = {name: network.graph.nodes[name]["kind"] for name in network.nodes}
    assert kinds == {
        "Berlin": "core", "Munich": "core", "Hamburg": "core",
        "Milan": "pop", "Oslo": "pop", "asia": "region",
    }  # fmt: skip
    assert "3 of 6 nodes taken for nodes abroad: exits lead there ('Milan', 'Oslo', 'asia')" in told
    assert network.attributes("Berlin-Munich")["fibre_km"] == 505
    # A node that says itself what it is stays so.
    (tmp_path / "nodes.csv").write_text(
        "id,kind\nBerlin,core\nMunich,core\nHamburg,core\nMilan,pop\nOslo,pop\nasia,pop\n"
    )
    network, told = read(tmp_path, EXITS)
    assert network.graph.nodes["asia"]["kind"] == "pop" and "taken for nodes abroad" not in told


def test_an_exit_between_two_that_only_exits_join_is_not_guessed(tmp_path):
    with pytest.raises(InputError, match="the nodes say which is which: kind: pop, or a column"):
        read(tmp_path, EXITS + "Oslo,Reykjavik,10,1700,exit\n")
