"""SNDlib files, native and XML, become networks and recordings."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import third_party
from numpy.testing import assert_allclose, assert_array_equal

from simulator.base.errors import InputError
from simulator.formats.format import read_network, write_network
from simulator.formats.matrices.demand_format import read_recording
from simulator.formats.sndlib.model import UNITS
from simulator.model.network import Network
from simulator.model.topology import FIBRE_KM_PER_MS

#: id, x, y
NODES = (("Wien", 16.37, 48.21), ("Linz", 14.29, 48.31), ("Graz", 15.44, 47.07))
#: id, source, target, installed, its cost, routing cost, set-up cost, modules; in Mbps
LINKS = (
    ("WL", "Wien", "Linz", 2500.0, 7.0, 3.0, 1.0, ((10_000.0, 4.0),)),
    ("LG", "Linz", "Graz", 0.0, 0.0, 2.0, 0.0, ((155.52, 1.0), (622.08, 2.5))),
    ("GW", "Graz", "Wien", 0.0, 0.0, 4.0, 0.0, ()),
)
#: source, target, routing unit, value
DEMANDS = (("Wien", "Graz", 1, 120.5), ("Graz", "Linz", 2, 30.0))


def moved(value: float, places: int) -> str:
    """Write a number with its point moved, so that no digit is rounded away."""
    return f"{Decimal(repr(value)).scaleb(places):f}"


def native(nodes=NODES, links=LINKS, demands=DEMANDS, places=0, **meta: str) -> str:
    """Write a network file in the native format, numbers with their point moved by *places*."""
    rows = ["?SNDlib native format; type: network; version: 1.0", "# network test", ""]
    if meta:
        rows += ["META (", *(f"  {key}  = {value}" for key, value in meta.items()), ")"]
    rows += ["NODES (", *(f"  {name} ( {x:.2f} {y:.2f} )" for name, x, y in nodes), ")"]
    rows += ["# <link_id> ( <source> <target> ) ...", "LINKS ("]
    for name, source, target, installed, cost, routing, setup, modules in links:
        sold = " ".join(f"{moved(size, places)} {price}" for size, price in modules)
        rows.append(
            f"  {name} ( {source} {target} ) {moved(installed, places)} {cost} {routing} {setup}"
            f" ( {sold} ) # a comment"
        )
    rows += [")", "DEMANDS ("]
    rows += [
        f"  d{i} ( {source} {target} ) {unit} {moved(value, places)} UNLIMITED"
        for i, (source, target, unit, value) in enumerate(demands)
    ]
    rows += [")", "ADMISSIBLE_PATHS (", "  d0 (", "    P_1 ( LG WL )", "  )", ")"]
    return "\n".join([*rows, ""])


def xml(nodes=NODES, links=LINKS, demands=DEMANDS, places=0, kind="geographical", **meta) -> str:
    """Write the same in XML."""
    rows = [
        '<?xml version="1.0" encoding="ISO-8859-1"?>',
        '<network xmlns="http://sndlib.zib.de/network" version="1.0">',
    ]
    if meta:
        rows += ["<meta>", *(f"<{key}>{value}</{key}>" for key, value in meta.items()), "</meta>"]
    rows += ["<networkStructure>", f'<nodes coordinatesType="{kind}">']
    rows += [
        f'<node id="{name}"><coordinates><x>{x}</x>\n<y>{y}</y></coordinates></node>'
        for name, x, y in nodes
    ]
    rows += ["</nodes>", "<links>"]
    for name, source, target, installed, cost, routing, setup, modules in links:
        rows.append(f'<link id="{name}"><source>{source}</source><target>{target}</target>')
        if installed:
            rows.append(
                f"<preInstalledModule><capacity>{moved(installed, places)}</capacity>"
                f"<cost>{cost}</cost></preInstalledModule>"
            )
        rows.append(f"<routingCost>{routing}</routingCost><setupCost>{setup}</setupCost>")
        rows.append("<additionalModules>")
        rows += [
            f"<addModule><capacity>{moved(size, places)}</capacity><cost>{price}</cost></addModule>"
            for size, price in modules
        ]
        rows.append("</additionalModules></link>")
    rows += ["</links>", "</networkStructure>", "<demands>"]
    for i, (source, target, unit, value) in enumerate(demands):
        rows.append(
            f'<demand id="d{i}"><source>{source}</source><target>{target}</target>'
            f"<routingUnit>{unit}</routingUnit><demandValue>{moved(value, places)}</demandValue>"
            "<admissiblePaths><admissiblePath id='P'><linkId>WL</linkId></admissiblePath>"
            "</admissiblePaths></demand>"
        )
    return "\n".join([*rows, "</demands>", "</network>", ""])


def tree(element: ElementTree.Element, mark="@", listed=False) -> object:
    """Return what converters of XML make of an element; *listed* puts every child into a list."""
    made: dict[str, object] = {mark + key: value for key, value in element.attrib.items()}
    children: dict[str, list] = {}
    for child in element:
        children.setdefault(child.tag.rpartition("}")[2], []).append(tree(child, mark, listed))
    for name, values in children.items():
        made[name] = values if listed or len(values) > 1 else values[0]
    return made or (element.text or "").strip() or None


def in_json(mark="@", listed=False, **options) -> str:
    """Write the same in JSON, as xmltodict does."""
    root = tree(ElementTree.fromstring(xml(**options)), mark, listed)
    return json.dumps({"network": root}, indent=1)


FORMATS = {"txt": native, "xml": xml, "json": in_json}
ending = pytest.mark.parametrize("ending", FORMATS)


def read(folder: Path, ending: str, name="test", **options) -> Network:
    path = folder / f"{name}.{ending}"
    path.write_text(FORMATS[ending](**options))
    network, problems = read_network(path)
    assert {problem.severity for problem in problems} <= {"warning"}
    return network


def refused(path: Path, *words: str, network: Network | None = None) -> str:
    """Read what must be refused, quickly and in words; return them."""
    begin = time.process_time()
    with pytest.raises(InputError) as error:
        read_network(path) if network is None else read_recording(path, network)
    assert time.process_time() - begin < 2
    told = str(error.value)
    assert str(path) in told
    for word in words:
        assert word in told
    return told


def arcs(network: Network) -> tuple[np.ndarray, ...]:
    return (
        network.tail, network.head, network.capacity_gbps, network.metric, network.delay_ms
    )  # fmt: skip


# ---------------------------------------------------------------- networks


@ending
def test_a_network_is_what_the_file_says(tmp_path, ending):
    network = read(tmp_path, ending, unit="MBITPERSEC")
    assert network.nodes == ("Wien", "Linz", "Graz")
    assert network.links == ("WL", "LG", "GW")
    assert network.name == "test"
    # Installed; the largest module, 4 x 155.52; and what is left out, as the smallest given.
    assert_array_equal(network.capacity_gbps[::2], [2.5, 0.62208, 0.62208])
    assert_array_equal(network.capacity_gbps[1::2], network.capacity_gbps[::2])
    assert_array_equal(network.metric[::2], [3, 2, 4])
    assert_array_equal(network.tail[::2], [0, 1, 2])
    assert_array_equal(network.head[::2], [1, 2, 0])
    # Vienna and Linz are about 155 km apart.
    assert network.delay_ms[0] * FIBRE_KM_PER_MS / 1.35 == pytest.approx(155, abs=2)
    told = " ".join(network.about.assumptions)
    assert "the capacity of 1 link is that of the largest module" in told
    assert "capacity of 1 of 3 links not given: 0.62208 Gbps" in told
    assert "Mbps" not in told


@ending
def test_modules_and_costs_are_kept(tmp_path, ending):
    network = read(tmp_path, ending)
    assert network.attributes("WL")["modules"] == ({"capacity_gbps": 10.0, "cost": 4.0},)
    assert network.attributes("WL")["setup_cost"] == 1.0
    assert network.attributes("LG")["modules"] == (
        {"capacity_gbps": 0.15552, "cost": 1.0},
        {"capacity_gbps": 0.62208, "cost": 2.5},
    )
    assert "setup_cost" not in network.attributes("LG")
    for name in ("again.yaml", "again.graphml", "again.json", "tables"):
        assert write_network(network, tmp_path / name) == []
        again = read_network(tmp_path / name)[0]
        assert again.attributes("LG") == network.attributes("LG")


@ending
def test_the_unit_makes_no_difference_to_the_last_bit(tmp_path, ending):
    places = {"bps": 6, "kbps": 3, "mbps": 0, "gbps": -3, "tbps": -6}
    links = [(*link[:3], 9953.28, *link[4:7], ((0.5, 1.0),)) for link in LINKS]
    found = {}
    for word, unit in UNITS.items():
        text = FORMATS[ending](links=links, places=places[unit], unit=word)
        path = tmp_path / f"{unit}.{ending}"
        path.write_text(text)
        found[unit] = read_network(path)[0]
    for network in found.values():
        for mine, other in zip(arcs(network), arcs(found["mbps"]), strict=True):
            assert_array_equal(mine, other)
    assert_array_equal(found["mbps"].capacity_gbps, np.full(6, 9.95328))


@ending
def test_without_a_unit_it_is_mbps_and_said_so(tmp_path, ending):
    network = read(tmp_path, ending)
    assert network.capacity_gbps[0] == 2.5
    assert "capacities and demands are in Mbps; the file does not say" in network.about.assumptions


def test_all_formats_give_the_same_network(tmp_path):
    one, *more = (read(tmp_path, ending) for ending in FORMATS)
    for other in more:
        for mine, others in zip(arcs(one), arcs(other), strict=True):
            assert_array_equal(mine, others)
        assert one.about.estimates == other.about.estimates


@ending
def test_a_routing_cost_of_zero_anywhere_is_no_metric(tmp_path, ending):
    links = [LINKS[0], (*LINKS[1][:5], 0.0, *LINKS[1][6:]), LINKS[2]]
    assert_array_equal(read(tmp_path, ending, links=links).metric, np.ones(6))


@ending
@pytest.mark.parametrize("told", ["by itself", "by the name of the problem", "in the file"])
def test_two_directed_links_are_one_full_duplex_link(tmp_path, ending, told):
    back = [
        ("LW", "Linz", "Wien", 1000.0, 0.0, 3.0, 0.0, ()),
        ("GL", "Graz", "Linz", 0.0, 0.0, 2.0, 0.0, ((622.08, 2.5),)),
        ("WG", "Wien", "Graz", 0.0, 0.0, 4.0, 0.0, ()),
    ]
    name = "test--D-D-M-N-C-A-N-N" if told == "by the name of the problem" else "test"
    meta = {"link_model": "DIRECTED"} if told == "in the file" else {}
    network = read(tmp_path, ending, name=name, links=[*LINKS, *back], **meta)
    assert network.links == ("WL", "LG", "GW")
    assert_array_equal(network.capacity_gbps, [2.5, 1.0, 0.62208, 0.62208, 0.62208, 0.62208])
    assert "3 pairs of directed links are one full-duplex link each" in network.about.assumptions
    assert (told == "by itself") == any("does not say" in s and "model" in s for s in
                                        network.about.assumptions)  # fmt: skip


def test_parallel_directed_links_go_with_their_like(tmp_path):
    links = [
        ("a1", "Wien", "Linz", 1000.0, 0.0, 1.0, 0.0, ()),
        ("a2", "Wien", "Linz", 2000.0, 0.0, 1.0, 0.0, ()),
        ("b2", "Linz", "Wien", 2000.0, 0.0, 1.0, 0.0, ()),
        ("b1", "Linz", "Wien", 1000.0, 0.0, 1.0, 0.0, ()),
    ]
    network = read(tmp_path, "txt", nodes=NODES[:2], links=links, demands=())
    assert_array_equal(network.capacity_gbps, [1, 1, 2, 2])


@ending
def test_a_directed_link_without_one_back_is_one_way_and_it_is_said(tmp_path, ending):
    network = read(tmp_path, ending, link_model="DIRECTED")
    assert_array_equal(network.up, [True, False] * 3)
    told = "3 links taken for one-way: no link back (Wien>Linz, Linz>Graz, Graz>Wien)"
    assert told in network.about.assumptions


@ending
def test_unlike_routing_costs_are_those_of_each_direction(tmp_path, ending):
    links = [
        ("a", "Wien", "Linz", 1000.0, 0.0, 1.0, 0.0, ()),
        ("b", "Linz", "Wien", 1000.0, 0.0, 3.0, 0.0, ()),
    ]
    network = read(tmp_path, ending, nodes=NODES[:2], links=links, demands=())
    assert_array_equal(network.metric, [1, 3])


def test_shared_capacity_is_said_to_be_shared(tmp_path):
    network = read(tmp_path, "txt", name="test--U-U-M-N-C-A-N-N")
    assert any("both directions share it" in text for text in network.about.assumptions)


@pytest.mark.parametrize("kind", ["pixel", "geographical"])
def test_places_on_a_drawing_are_left_out(tmp_path, kind):
    network = read(tmp_path, "xml", kind=kind)
    assert all(("lat" in d) == (kind != "pixel") for _, d in network.graph.nodes(data=True))


def test_native_coordinates_that_are_no_degrees_are_left_out(tmp_path):
    nodes = [("Wien", 400.0, 20.0), *NODES[1:]]
    network = read(tmp_path, "txt", nodes=nodes)
    assert all("lat" not in d for _, d in network.graph.nodes(data=True))


# ---------------------------------------------------------------- demands


@ending
def test_the_rate_is_routing_unit_times_value(tmp_path, ending):
    network = read(tmp_path, ending)
    recording = read_recording(tmp_path / f"test.{ending}", network)
    frame = recording.demands.frame()
    assert frame[["source", "target"]].to_numpy().tolist() == [["Wien", "Graz"], ["Graz", "Linz"]]
    assert_array_equal(frame["gbps"], [0.1205, 0.06])
    in_kbps = read_recording(tmp_path / f"test.{ending}", network, unit="kbps")
    assert_array_equal(in_kbps.demands.gbps, [0.0001205, 0.00006])


@ending
def test_demands_of_a_pair_add_up_and_none_stays_at_home(tmp_path, ending):
    demands = [*DEMANDS, ("Wien", "Graz", 1, 79.5), ("Linz", "Linz", 1, 99.0)]
    network = read(tmp_path, ending, demands=demands)
    recording = read_recording(tmp_path / f"test.{ending}", network)
    assert_array_equal(recording.demands.gbps, [0.2, 0.06])


@ending
@pytest.mark.parametrize(
    ("model", "count"), [("UNDIRECTED", 2), ("DIRECTED", 2), ("BIDIRECTED", 4)]
)
def test_the_demand_model_says_whether_there_is_one_back(tmp_path, ending, model, count):
    network = read(tmp_path, ending, demand_model=model)
    demands = read_recording(tmp_path / f"test.{ending}", network).demands
    assert len(demands) == count
    assert demands.total_gbps() == pytest.approx(0.1805 * count / 2)


@ending
def test_unknown_nodes_and_models_are_told_with_the_nearest(tmp_path, ending):
    network = read(tmp_path, ending)
    path = tmp_path / f"wrong.{ending}"
    path.write_text(FORMATS[ending](demands=[("Wein", "Graz", 1, 1.0)]))
    told = refused(path, "no node named 'Wein'", "did you mean 'Wien'?", network=network)
    line = next(i for i, row in enumerate(path.read_text().split("\n"), 1) if "Wein" in row)
    assert (f"{path}: demand: " if ending == "json" else f"{path}:{line}: ") in told
    for key, word, near in (
        ("unit", "MBITPERSEK", "MBITPERSEC"),
        ("unit", "MBITPRSEC", "MBITPERSEC"),
        ("link_model", "BIDIRECT", "BIDIRECTED"),
    ):
        path.write_text(FORMATS[ending](**{key: word}))
        refused(path, repr(word), f"did you mean {near!r}?")


def matrix(ending: str, demands, **meta: str) -> str:
    return FORMATS[ending](links=(), demands=demands, **meta)


@ending
@pytest.mark.parametrize("tells", ["meta", "name"])
def test_a_folder_of_matrices_is_a_recording(tmp_path, ending, tells):
    network = read(tmp_path, ending)
    folder = tmp_path / "matrices"
    folder.mkdir()
    # By the names alone, the order would be the other way round.
    for stamp, name, rate in (
        ("20040301-0000", "c", 10.0),
        ("20040301-0005", "b", 20.0),
        ("20040302-0000", "a", 60.0),
    ):
        demands = [("Wien", "Graz", 1, rate)]
        demands += [("Linz", "Wien", 1, 2 * rate)] if rate != 20.0 else []
        name = f"demandMatrix-{stamp}" if tells == "name" else name
        meta = {"time": stamp} if tells == "meta" else {}
        (folder / f"{name}.{ending}").write_text(
            matrix(ending, demands, unit="MBITPERSEC", granularity="5min", **meta)
        )
    (folder / "readme.md").write_text("not a matrix")
    recording = read_recording(folder, network)
    assert_allclose(recording.hours, [0, 1 / 12, 24], rtol=1e-15)
    assert recording.start == "2004-03-01T00:00"
    by_pair = dict(zip(recording.demands.names, recording.gbps, strict=True))
    assert_array_equal(by_pair["Wien>Graz:domestic"], [0.01, 0.02, 0.06])
    assert_array_equal(by_pair["Linz>Wien:domestic"], [0.02, np.nan, 0.12])


@ending
@pytest.mark.parametrize("granularity", ["5min", "1hour"])
def test_a_missing_matrix_of_a_folder_is_a_gap(tmp_path, ending, granularity):
    network = read(tmp_path, ending)
    folder = tmp_path / "matrices"
    folder.mkdir()
    demands = [("Wien", "Graz", 1, 10.0), ("Linz", "Linz", 1, 99.0)]
    for minute in (0, 5, 15, 25, 35):
        text = matrix(ending, demands, granularity=granularity, time=f"20040301-00{minute:02}")
        (folder / f"{minute}.{ending}").write_text(text)
    recording = read_recording(folder, network)
    if granularity == "5min":  # as it is stated
        assert "3 of 8 instants are missing, 2004-03-01T00:10, " in recording.gaps_summary()
    else:  # no two matrices are an hour apart, and most are ten minutes
        assert len(recording) == 5
    told = [note.message for note in recording.notes]
    assert told[0] == "no unit is stated, rates are read as Mbps"
    assert told[1].startswith("demands from a node to itself are left out, 1 in all, the first")
    assert len(told) == 2


def test_matrices_without_a_time_or_with_one_twice_are_refused(tmp_path):
    network = read(tmp_path, "xml")
    folder = tmp_path / "matrices"
    folder.mkdir()
    (folder / "one.xml").write_text(matrix("xml", DEMANDS, time="20040301-0000"))
    (folder / "two.xml").write_text(matrix("xml", DEMANDS))
    with pytest.raises(InputError, match=r"two\.xml: neither `time` in meta nor the name"):
        read_recording(folder, network)
    (folder / "two.xml").write_text(matrix("xml", DEMANDS, time="20040301-0000"))
    with pytest.raises(InputError, match=r"two\.xml: a second matrix of 2004-03-01T00:00"):
        read_recording(folder, network)
    (folder / "two.xml").write_text(matrix("xml", DEMANDS, time="20041301-0000"))
    with pytest.raises(InputError, match=r"two\.xml: meta\.time: expected YYYYMMDD-HHMM"):
        read_recording(folder, network)


def test_many_broken_matrices_are_told_briefly(tmp_path):
    network = read(tmp_path, "xml")
    folder = tmp_path / "matrices"
    folder.mkdir()
    for i in range(200):
        (folder / f"{i:03}.xml").write_text("<network>")
    with pytest.raises(InputError) as error:
        read_recording(folder, network)
    assert len(error.value.problems) <= 52


@third_party.needed
def test_a_day_of_abilene_written_as_xml_is_the_day_in_the_table(tmp_path):
    folder = third_party.FOLDER / "abilene"
    table = pd.read_csv(folder / "tm_20040304.csv.gz", index_col="time").iloc[::12]
    graph = nx.MultiGraph()
    graph.add_nodes_from(pd.read_csv(folder / "nodes.csv")["id"])
    for link in pd.read_csv(folder / "links.csv").itertuples():
        third_party.join(graph, link.source, link.target, link.capacity)
    network = Network(graph, "abilene")
    pairs = [name.split(">") for name in table.columns]
    for stamp, row in table.iterrows():
        text = matrix("xml", [(*pair, 1, rate) for pair, rate in zip(pairs, row, strict=True)])
        (tmp_path / f"demandMatrix-abilene-{pd.Timestamp(stamp):%Y%m%d-%H%M}.xml").write_text(text)
    recording = read_recording(tmp_path, network)
    assert recording.start == "2004-03-04T00:00"
    assert_array_equal(recording.hours, np.arange(24))
    assert_allclose(recording.gbps, table.to_numpy().T / 1000, rtol=1e-15)


# ---------------------------------------------------------------- hostile files

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE network [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><network>&i;</network>"
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE n [<!ENTITY x SYSTEM "file:///etc/passwd">]><network/>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("  \n \n", "empty"),
        ("<network>", "not valid XML: no element found"),
        (xml()[:900], "not valid XML"),
        ("\x00\x01\x02" * 50, "not valid XML"),
        ("<graphml/>", "the root is <graphml>"),
        ('<network xmlns="http://else.where"/>', "the root is <network> in the namespace 'http://else.where'"),
        ("<network/>", "no nodes in this file"),
        (BOMB, "document types and entities are not read"),
        (OUTSIDE, "document types and entities are not read"),
        ("<network>" + "<a>" * 100_000, "nested more than 30 deep"),
        (xml().replace("2500.0", "nan"), "link 'WL': preInstalledModule/capacity: expected a"),
        (xml().replace("2500.0", "-1"), "below 0"),
        (xml().replace("2500.0", "1e999"), "expected a finite number, found '1e999'"),
        (xml().replace("<x>16.37</x>", "<x>east</x>"), "node 'Wien': coordinates/x"),
        (xml().replace("<source>Linz</source>", ""), "link 'LG': no source"),
        (xml().replace('id="Linz"', 'id="Wien"'), "a second node with the id 'Wien'"),
        (xml().replace("<target>Graz</target>", "<target>Gratz</target>"), "did you mean 'Graz'?"),
        (xml().replace("ISO-8859-1", "no-such-thing"), "not valid XML"),
        (xml(nodes=(), links=()), "this file holds demands only"),
        (xml(links=()), "no links in this file"),
    ],
)  # fmt: skip
def test_xml_that_cannot_be_used_is_refused(tmp_path, text, words):
    path = tmp_path / "hostile.xml"
    path.write_text(text)
    first = refused(path, words).splitlines()[0]
    assert first.count(str(path)) == 1, "the file is named once"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (native()[:300], "is not closed: the file is cut short"),
        (native().replace("type: network", "type: model"), "type 'model', not network"),
        (native().replace("version: 1.0", "version: 9"), "version '9'"),
        (native().replace("LINKS (", "LINK ("), "did you mean 'LINKS'?"),
        (native().replace("( Wien Linz )", "( Wien )"), "expected id ( source target )"),
        (native().replace("2500.0", "nan"), "expected a finite number, found 'nan'"),
        (native().replace("2500.0", "-3"), "expected a number of at least 0"),
        (native().replace("( 155.52 1.0", "( 155.52 1.0 3"), "expected id ( source target )"),
        (native().replace("16.37 48.21", "16.37"), "expected id ( x y )"),
        (native().replace("Linz ( 14.29", "Linz (( 14.29"), "is not closed"),
        (native() + "NODES (\n)\n", "a second section NODES"),
        ("?SNDlib native format; type: network; version: 1.0\n", "neither a section NODES"),
        ("?SNDlib native format; type: network; version: 1.0\n" + "(" * 100_000, "a section"),
        ("?SNDlib native format; type: network; version: 1.0\nNODES " + "(" * 99_999, "not closed"),
        (native(nodes=()), "no nodes in this file"),
        (native(links=()), "no links in this file"),
    ],
)  # fmt: skip
def test_native_text_that_cannot_be_used_is_refused(tmp_path, text, words):
    path = tmp_path / "hostile.txt"
    path.write_text(text)
    refused(path, words)


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(native().replace("Graz", "Gr\xe4z").encode("latin-1"))
    assert f"{path}:7:5: not UTF-8 text" in refused(path)


def test_demands_from_hostile_files_are_refused(tmp_path):
    network = read(tmp_path, "xml")
    for name, text, words in (
        ("bomb.xml", BOMB, "document types and entities"),
        ("cut.xml", xml()[:-30], "not valid XML"),
        ("none.xml", xml(demands=()), "no demands in this file"),
        ("none.txt", native(demands=()), "no demands in this file"),
        ("nan.xml", xml().replace("120.5", "NaN"), "demand 'd0': demandValue: expected a finite"),
        ("minus.txt", native().replace("120.5", "-1"), "expected a number of at least 0"),
        ("huge.txt", native(unit="TBITPERSEC").replace("120.5", "9e307"), "at most 1e+12 Gbps"),
    ):
        path = tmp_path / name
        path.write_text(text)
        refused(path, words, network=network)


# ---------------------------------------------------------------- JSON


def same(path: Path, xml_path: Path) -> None:
    """Assert that two files say the same: network, demands and what is told about them."""
    (one, told), (other, others) = read_network(path), read_network(xml_path)
    assert one.nodes == other.nodes
    assert one.links == other.links
    for mine, his in zip(arcs(one), arcs(other), strict=True):
        assert_array_equal(mine, his)
    assert one.about.assumptions == other.about.assumptions
    assert [(each.key, each.message) for each in told] == [(e.key, e.message) for e in others]
    mine, his = read_recording(path, one), read_recording(xml_path, other)
    assert_array_equal(mine.gbps, his.gbps)
    assert mine.start == his.start
    assert [each.message for each in mine.notes] == [each.message for each in his.notes]


@pytest.fixture
def both(tmp_path):
    """Return a path for JSON beside a file in XML that says the same."""
    (tmp_path / "net.xml").write_text(xml(unit="GBITPERSEC", time="20040301-0000"))
    return tmp_path / "net.json", tmp_path / "net.xml"


@pytest.mark.parametrize("mark", ["@", "", "_", "@_", "-"])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("rooted", [True, False])
def test_json_of_any_converter_is_read_as_the_xml_is(both, mark, listed, rooted):
    path, beside = both
    data = json.loads(in_json(mark, listed, unit="GBITPERSEC", time="20040301-0000"))
    if rooted and listed:
        data = {"?xml": {"version": "1.0"}, "network": [data["network"]]}
    path.write_text(json.dumps(data if rooted else data["network"]))
    same(path, beside)


def test_json_with_attributes_apart_and_namespaces_is_read_as_the_xml_is(both):
    path, beside = both

    def apart(value):
        if isinstance(value, list):
            return [apart(each) for each in value]
        if not isinstance(value, dict):
            return {"_text": value}
        own = {key[1:]: each for key, each in value.items() if key[0] == "@"}
        below = {f"ns:{key}": apart(each) for key, each in value.items() if key[0] != "@"}
        return ({"_attributes": own} if own else {}) | below

    data = json.loads(in_json(unit="GBITPERSEC", time="20040301-0000"))
    path.write_text(json.dumps(apart(data)))
    same(path, beside)


def test_json_with_plain_lists_and_numbers_is_read_as_the_xml_is(both):
    path, beside = both
    links = [
        {
            "id": name,
            "source": source,
            "target": target,
            **({"pre_installed_module": {"capacity": size, "cost": cost}} if size else {}),
            "routing_cost": routing,
            "setupCost": setup,
            "additionalModules": [{"capacity": each, "cost": price} for each, price in modules],
        }
        for name, source, target, size, cost, routing, setup, modules in LINKS
    ]
    nodes = {name: {"coordinates": {"x": x, "y": y}} for name, x, y in NODES}
    demands = [
        {"source": source, "target": target, "routingUnit": unit, "demandValue": value}
        for source, target, unit, value in DEMANDS
    ]
    structure = {"nodes": nodes, "links": links}
    beside.write_text(xml(unit="GBITPERSEC", kind="geographical"))
    beside.write_text(beside.read_text().replace(' coordinatesType="geographical"', ""))
    data = {"meta": {"unit": "GBITPERSEC"}, "demands": demands}
    for written in ({**data, **structure}, {**data, "networkStructure": structure}):
        path.write_text(json.dumps(written))
        same(path, beside)


def test_a_single_child_is_no_list(tmp_path):
    text = in_json(nodes=NODES[:2], links=LINKS[:1], demands=[("Wien", "Linz", 1, 5.0)])
    assert isinstance(json.loads(text)["network"]["demands"]["demand"], dict)
    path = tmp_path / "net.json"
    path.write_text(text)
    network, _ = read_network(path)
    assert network.links == ("WL",)
    assert_array_equal(read_recording(path, network).demands.gbps, [0.005])


@pytest.mark.parametrize("form", ["xml", "json"])
def test_keys_that_sndlib_has_not_are_named(tmp_path, form):
    text = xml().replace("<setupCost>", "<length>12</length><setupCost>")
    text = text.replace("<links>", "<links><cable/>").replace('id="LG"', 'id="LG" delay="3"')
    text = text.replace("</demands>", "</demands><matrix/>")
    if form == "json":
        text = json.dumps({"network": tree(ElementTree.fromstring(text))})
    path = tmp_path / f"net.{form}"
    path.write_text(text)
    network, problems = read_network(path)
    found = [each.message for each in problems if "no such keys" in each.message]
    assert len(found) == 1
    for name in ("link/length", "link/delay", "cable", "matrix"):
        assert repr(name) in found[0]
    assert network.links == ("WL", "LG", "GW")
    told = [each.message for each in read_recording(path, network).notes]
    assert found[0] in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"demandValue": "many"}, "demands[0]: demandValue: expected a finite"),
        ({"demandValue": None}, "demands[0]: an empty demandValue"),
        ({"demandValue": [1, 2]}, "demands[0]: a second demandValue"),
        ({"demandValue": -1}, "demands[0]: demandValue is -1, below 0"),
        ({"demandValue": True}, "expected a finite number, found 'true'"),
        ({"source": []}, "demands[0]: no source"),
    ],
)
def test_what_is_wrong_in_json_is_told_with_its_place(tmp_path, change, words):
    path = tmp_path / "net.json"
    demand = {"source": "Wien", "target": "Graz", "demandValue": 1} | change
    path.write_text(json.dumps({"networkStructure": {}, "demands": [demand]}))
    network = read(tmp_path, "xml")
    refused(path, words, network=network)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"networkStructure": 1}', "neither nodes nor demands"),
        ('["networkStructure", {"demandValue": 1}]', "expected an object"),
        ('{"networkStructure": {"nodes": [1, 2]}}', "nodes[0]: expected an object, found 1"),
        ('{"demandValue": NaN}', "NaN is no number"),
        ('{"networkStructure": {"nodes": ' + "[" * 10_000, "nested too deep"),
        (
            '{"demands": [{"demandValue": ' + '{"a": ' * 99 + "1" + "}" * 99 + "}]}",
            "nested more than 30 deep",
        ),
    ],
)
def test_json_that_cannot_be_used_is_refused(tmp_path, text, words):
    path = tmp_path / "hostile.json"
    path.write_text(text)
    refused(path, words)
