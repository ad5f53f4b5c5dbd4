"""Originals as other programs write them: read as they are, or refused with what they are."""

import json

import pytest
import sources
from cases import case
from topology_files import gbps, read, refused

from simulator.base.errors import InputError
from simulator.formats.sndlib.xml import read_xml
from simulator.formats.xml_file import read_xml_bytes

XMLNS = 'xmlns="http://graphml.graphdrawing.org/xmlns"'


# ---------------------------------------------------------------- GraphML


@pytest.mark.parametrize("name", ["a07-graphml-no-namespace", "a29-graphml-no-namespace"])
def test_graphml_without_namespace(name):
    network, told = read(case(name, "net.graphml"))
    assert gbps(network) == [10.0, 20.0, 30.0]
    assert ("no such keys are declared, read under their ids: 'd17'" in told) == ("a07" in name)


def test_graphml_of_few_words(tmp_path):
    path = tmp_path / "net.graphml"
    path.write_text(
        "<graphml><key id='c' for='edge' attr.name='capacity' attr.type='double'/><graph>"
        "<edge source='x' target='y'><data key='capacity_gbps'>10</data></edge>"
        "<edge source='y' target='z'><data key='c'/><data key='label'>4x10G</data></edge>"
        "<edge source='z' target='x'><data key='c'>2,5</data></edge>"
        "<node id='x'/><node id='y'/><node id='z'/></graph></graphml>"
    )
    network, told = read(path)
    assert gbps(network) == [10.0, 40.0, 2.5]
    assert "read under their ids: 'capacity_gbps', 'label'" in told
    assert "'2,5' as 2.5" in told


def test_graphml_in_other_orders_and_with_defaults():
    network, _ = read(case("d07-graphml-node-order", "net.graphml"))
    assert network.links == ("a-b",)
    assert "links[1].b: no node named 'zz'" in refused(
        case("d07-graphml-node-order", "net2.graphml")
    )
    network, _ = read(case("d09-key-defaults", "net.graphml"))
    assert gbps(network) == [100.0, 100.0, 40.0]


def test_graphml_in_other_encodings():
    network, _ = read(case("d05-graphml-latin1-declared", "net.graphml"))
    assert network.nodes == ("Zürich", "Genève")
    network, _ = read(case("d13-graphml-utf16", "net.graphml"))
    assert network.nodes == ("a", "b")


@pytest.mark.parametrize(
    ("encoding", "city"),
    [
        *[("ISO-8859-1", "Zürich"), ("windows-1252", "Ždár"), ("GB2312", "北京")],
        *[("GBK", "北京"), ("Big5", "台北"), ("Shift_JIS", "東京"), ("KOI8-R", "Москва")],
        *[("UTF-16", "Zürich"), ("utf-8", "北京"), ("iso-8859-2", "Łódź")],
    ],
)
def test_xml_in_the_encoding_that_it_declares(tmp_path, encoding, city):
    path = tmp_path / "net.graphml"
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<graphml {XMLNS}><graph>\n' + (
        f"<node id='{city}'/><node id='b'/>\n<edge source='{city}' target='b'/></graph></graphml>"
    )
    path.write_bytes(text.encode(encoding))
    network, told = read(path)
    assert network.nodes == (city, "b")
    assert "net.graphml:4: links[0]" in told


def test_bytes_that_an_encoding_has_not_are_told_with_their_line(tmp_path):
    path = tmp_path / "net.graphml"
    path.write_bytes(b'<?xml version="1.0" encoding="GBK"?>\n<graphml>\n\xff\xff</graphml>')
    with pytest.raises(InputError, match="graphml:3: not text in GBK, as the file .* byte 0xff"):
        read_xml_bytes(path)


# ---------------------------------------------------------------- GML


def test_gml_as_people_write_it():
    network, told = read(case("a08-gml-unquoted-nan", "net.gml"))
    assert network.nodes == ("n42", "n43", "n44")
    assert gbps(network) == [10.0, 10.0, 10.0]
    assert "nan on 'n43-n44', inf on 'n44-n42'" in told
    assert "9 words without quotes read as text: n42" in told


@pytest.mark.parametrize("word", ["NAN", "nan", "NaN", "+INF", "-inf", "Infinity"])
def test_gml_has_many_words_for_no_number(tmp_path, word):
    path = tmp_path / "net.gml"
    path.write_text(
        f"graph [ # no label\n node [ id 1 ]\n node [ id 2 ] edge [ source 1 target 2"
        f" capacity {word} ] edge [ source 1 target 2 capacity 5 ] ]"
    )
    network, told = read(path)
    assert gbps(network) == [5.0, 5.0]
    assert "capacity of 1 of 2 links cannot be used" in told


def test_gml_with_a_value_left_out_is_refused(tmp_path):
    path = tmp_path / "net.gml"
    path.write_text("graph [\nnode [ id 1 ] node [ id 2 ]\nedge [ source 1 target capacity 5 ] ]")
    assert "net.gml:3: not GML: " in refused(path)


# ---------------------------------------------------------------- JSON


def test_d3_finds_nodes_by_position():
    network, told = read(case("a09-node-link-d3-index", "net.json"))
    assert network.links == ("Oslo-Bergen", "Bergen-Tromso")
    assert gbps(network) == [10.0, 20.0]
    assert "nodes have no id: links find them by position, counted from 0" in told


@pytest.mark.parametrize(
    ("nodes", "ends", "told"),
    [
        ([{"name": "x"}, {"name": "y"}], ("x", "y"), "links find them by name"),
        ([{"id": "x"}, {"id": "y"}], (0, 1), "by position, counted from 0: their ends are no ids"),
        ([{"id": "x"}, {"id": "y"}], ({"id": "x"}, {"id": "y"}), ""),
        ([{"id": 0, "name": "y"}, {"id": 1, "name": "x"}], (1, 0), ""),
        ([{"id": 1, "name": "x"}, {"id": 2, "name": "y"}], ("1", 2), ""),
    ],
)
def test_ends_of_links_in_many_ways(tmp_path, nodes, ends, told):
    path = tmp_path / "net.json"
    links = [{"source": ends[0], "target": ends[1], "capacity_gbps": 1}]
    path.write_text(json.dumps({"nodes": nodes, "links": links}))
    network, found = read(path)
    assert network.links == ("x-y",)
    assert told in found and ("links find" in found) == bool(told)


def test_a_position_that_no_node_has_is_an_unknown_end(tmp_path):
    path = tmp_path / "net.json"
    path.write_text('{"nodes": [{"id": "x"}, {"id": "y"}], "links": [{"source": 1, "target": 2}]}')
    assert "no node named '2'" in refused(path)


def test_two_lists_of_links_of_which_one_is_empty():
    network, told = read(case("d10-node-link-two-lists", "net.json"))
    assert network.links == ("a-b",)
    assert "'edges' is empty, 'links' is read" in told
    network, _ = read(case("d11-json-int-vs-text-ids", "net.json"))
    assert network.links == ("1-2",)


def test_restconf_of_one_network():
    network, _ = read(case("d01-rfc8345-restconf-one", "net.json"))
    assert network.links == ("a", "c") and len(network.nodes) == 3


# ---------------------------------------------------------------- SNDlib, REPETITA, tables


def test_xml_of_another_kind_is_refused_once():
    for path in (
        case("d03-xml-other-root", "net.xml"),
        case("r07-openroadm-xml", "otn-topology.xml"),
    ):
        told = refused(path)
        assert "no SNDlib network, whose root is <network>: the root is <data> in the" in told
        assert "not valid XML" not in told and told.count(str(path)) == 1


def test_sndlib_in_latin_1():
    path = case("d06-sndlib-xml-latin1", "net.xml")
    network, _ = read(path)
    assert gbps(network) == [0.1]
    assert read_xml(path).meta["origin"] == "Müller"


SIZES = {
    "atlanta": (15, 22), "cost266": (37, 57), "dfn-bwin": (10, 45), "dfn-gwin": (11, 47),
    "di-yuan": (11, 42), "france": (25, 45), "germany50": (50, 88), "giul39": (39, 86),
    "india35": (35, 80), "janos-us": (26, 42), "janos-us-ca": (39, 61), "newyork": (16, 49),
    "nobel-eu": (28, 41), "nobel-germany": (17, 26), "nobel-us": (14, 21), "norway": (27, 51),
    "pdh": (11, 34), "polska": (12, 18), "sun": (27, 51), "ta1": (24, 55), "ta2": (65, 108),
    "zib54": (54, 81),
}  # fmt: skip


@pytest.mark.parametrize(("name", "size"), SIZES.items())
@pytest.mark.reference(sources.SNDLIB)
def test_originals_of_sndlib(name, size):
    network, _ = read(case("r06-sndlib-all-originals", f"{name}.txt"))
    assert (len(network.nodes), len(network.links)) == size


def test_repetita_with_other_blanks():
    network, _ = read(case("d12-repetita-extra", "net.graph"))
    assert gbps(network) == [1.0, 1.0, 1.0]


def test_links_alone_make_nodes_of_their_ends(tmp_path):
    network, told = read(case("d16-csv-one-file", "links.csv"))
    assert network.nodes == ("r1", "r2", "r3") and gbps(network) == [10.0, 10.0]
    assert "3 nodes read from the ends of the links: there is no nodes.csv" in told
    path = tmp_path / "mine.csv"
    path.write_text("Source;Target;Capacity (Gbps)\n".replace(";", ",") + "a,b,4x10G\nb,c,2.5\n")
    network, _ = read(path)
    assert network.name == "mine" and gbps(network) == [40.0, 2.5]


def test_a_column_of_another_unit_in_tables_like_ours(tmp_path):
    (tmp_path / "nodes.csv").write_text("id\na\nb\n")
    (tmp_path / "links.csv").write_text("id,a,b,capacity_mbps\nx,a,b,10000\n")
    network, _ = read(tmp_path)
    assert network.links == ("x",) and gbps(network) == [10.0]


@pytest.mark.parametrize("columns", ["gbps", "time,mbps", "demand", "class,gbps"])
def test_a_matrix_is_no_topology(tmp_path, columns):
    path = tmp_path / "tm.csv"
    path.write_text(f"source,target,{columns}\na,b{',1' * len(columns.split(','))}\n")
    assert "the columns of a traffic matrix, not a topology" in refused(path)


def test_all_unknown_ends_of_a_table_are_told_at_once(tmp_path):
    (tmp_path / "nodes.csv").write_text("id\nLondon\nParis\n")
    (tmp_path / "links.csv").write_text("source,target\nLondn,Paris\nLondon,Rome\n")
    told = refused(tmp_path)
    assert "links.csv:2: no node 'Londn' in nodes.csv; did you mean 'London'?" in told
    assert "links.csv:3: no node 'Rome' in nodes.csv" in told


# ---------------------------------------------------------------- what is no topology


def test_what_no_format_reads_is_named_for_what_it_is():
    told = refused(case("h07-extension-hints", "net.txt"))
    assert "did you mean" not in told
    assert "it begins with 'A B 10'; a .txt file must be in SNDlib's native format" in told
    assert "a list of edges becomes links.csv" in told
    told = refused(case("h07-extension-hints", "net.xls"))
    assert "did you mean" not in told and "old Excel workbook" in told


@pytest.mark.parametrize(
    ("name", "raw", "told"),
    [
        ("net.xlsx", b"PK\x03\x04", "an Excel workbook; save each sheet as CSV UTF-8"),
        ("net.zip", b"PK\x03\x04", "a ZIP archive; unpack it"),
        ("net.pdf", b"%PDF-1.4", "a PDF"),
        ("net.edgelist", b"a b\nb c\n", "a list of edges becomes links.csv"),
        ("net.csv", b"x,y,z\n1,2,3\n", "a .csv file must be a table of links, with the columns"),
        ("net.txt", "a b".encode("utf-16"), "text in UTF-16; save it in UTF-8"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path, name, raw, told):
    (tmp_path / name).write_bytes(raw)
    found = refused(tmp_path / name)
    assert f"{name}: not a topology I can read: " in found
    assert told in found and "did you mean" not in found
