"""Files that are broken or mean harm are refused at once, in words, whatever their ending."""

import gzip
import json
import re
import time
from pathlib import Path

import pytest

from simulator.base.errors import InputError
from simulator.formats import reading, sheet
from simulator.formats.format import load_network, read_network, write_network
from simulator.formats.rules import checks

ENDINGS = (".graphml", ".gml", ".json", ".yaml", ".geojson")
SECONDS = 2.0
GRAPHML = '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(
        f'<!ENTITY {name} "{f"&{below};" * 10}">'
        for below, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + f"]>{GRAPHML}<graph><node id='&j;'/></graph></graphml>"
)
EXTERNAL = (
    '<?xml version="1.0"?><!DOCTYPE g [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    f"{GRAPHML}<graph><node id='a'/><node id='&x;'/></graph></graphml>"
)
DTD = f'<!DOCTYPE graphml SYSTEM "http://127.0.0.1:1/x.dtd">{GRAPHML}<graph/></graphml>'
UNKNOWN_ENTITY = f"{GRAPHML}<graph><node id='&x;'/></graph></graphml>"
DEEP_XML = f"{GRAPHML}<graph>" + "<node id='a'><graph>" * 100_000
DEEP_GML = "graph [ " + "node [ " * 100_000
DEEP_JSON = "[" * 100_000
DEEP_JSON_GRAPH = '{"nodes": [], "edges": ' + '{"a": ' * 100_000
NODES_ONLY = {
    ".graphml": GRAPHML
    + "<graph>"
    + "".join(f'<node id="{i}"/>' for i in range(10_000))
    + "</graph></graphml>",
    ".gml": "graph [ " + " ".join(f"node [ id {i} ]" for i in range(10_000)) + " ]",
    ".json": json.dumps({"nodes": [{"id": i} for i in range(10_000)], "links": []}),
}


def refused(path: Path) -> str:
    """Read the file, which must stop soon and name itself; return what is said."""
    start = time.process_time()
    with pytest.raises(InputError) as stopped:
        read_network(path)
    assert time.process_time() - start < SECONDS
    assert all(problem.file == str(path) for problem in stopped.value.problems)
    assert all(problem.message for problem in stopped.value.problems)
    told = str(stopped.value)
    assert len(told) < 20_000
    return told


def written(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


SNDLIB = "<network><networkStructure>{}</networkStructure></network>"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("net.json", '{"nodes": [], "links": [], "x": [' + "[]," * 200 + "1]}"),
        ("net.json", '{"networkStructure": {"nodes": [' + "{}," * 200 + "{}]}}"),
        ("net.json", '{"ietf-network:networks": [' + "1," * 200 + "1]}"),
        ("net.xml", SNDLIB.format("<a/>" * 200)),
        ("net.graphml", f"{GRAPHML}{'<key/>' * 200}<graph/></graphml>"),
        ("net.gml", "graph [" + "a [ ] " * 200 + "]"),
    ],
)
def test_more_values_than_memory_should_hold_are_refused(tmp_path, monkeypatch, name, content):
    monkeypatch.setattr(reading, "MOST_VALUES", 100)
    told = refused(written(tmp_path, name, content))
    assert "; at most 100 are read: leave out what the network does not need" in told


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("net.json", json.dumps({"nodes": [{"id": 1}] * 30, "links": []}), "nodes"),
        ("net.json", json.dumps({"nodes": [], "edges": [{"source": 1}] * 30}), "edges"),
        (
            "net.json",
            json.dumps({"networkStructure": {"nodes": [{"id": str(i)} for i in range(30)]}}),
            "nodes",
        ),
        (
            "net.json",
            json.dumps({"ietf-network:networks": {"network": [{"node": [{}] * 30, "link": [{}]}]}}),
            "ietf-network:networks.network[0].node",
        ),
        ("net.xml", SNDLIB.format("<nodes>" + "<node id='a'/>" * 30 + "</nodes>"), "1: nodes"),
        ("net.graphml", f"{GRAPHML}<graph>{'<node/>' * 30}</graph></graphml>", "1: nodes"),
        ("net.graphml", f"{GRAPHML}<graph>{'<edge/>' * 30}</graph></graphml>", "1: edges"),
        ("net.gml", "graph [" + "node [ ] " * 30 + "]", "nodes"),
    ],
)
def test_too_many_elements_are_refused_before_they_are_made(
    tmp_path, monkeypatch, name, content, place
):
    monkeypatch.setattr(reading, "MOST_ELEMENTS", 20)
    told = refused(written(tmp_path, name, content))
    assert f"{name}:{place}: " in told.replace(f"{name}: ", f"{name}:")
    assert "of them; at most 20 are read" in told


def test_a_record_of_a_million_keys_is_refused(tmp_path):
    many = "".join(f"<a{i}/>" for i in range(2_000))
    text = SNDLIB.format(f"<nodes><node id='a'>{many}</node></nodes>")
    assert "net.xml:1: more than 1,000 keys in one record" in refused(
        written(tmp_path, "net.xml", text)
    )
    keys = json.dumps({"nodes": [{f"a{i}": i for i in range(2_000)}]})
    text = f'{{"networkStructure": {keys}}}'
    assert "more than 1,000 keys in one record" in refused(written(tmp_path, "net.json", text))
    text = SNDLIB.format(many)
    told = refused(written(tmp_path, "net.xml", text))
    assert "no links in this file" in told


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a," + "b" * 10_000_000 + ",1", "links.csv:2:1: not valid CSV: field larger than"),
        ('a,"' + "b" * 10_000_000, "links.csv:2:1: not valid CSV: field larger than"),
        ("a,b\0,1", "a name with control characters: 'b\\x00'"),
    ],
)
def test_rows_of_tables_that_mean_harm(tmp_path, row, told):
    text = f"source,target,capacity_mbps\n{row}\n"
    assert told in refused(written(tmp_path, "links.csv", text))


def test_a_table_of_a_hundred_thousand_columns_is_refused(tmp_path):
    many = "".join(f",c{i}" for i in range(100_000))
    text = f"source,target{many}\na,b{',1' * 100_000}\n"
    told = refused(written(tmp_path, "links.csv", text))
    assert "links.csv:1:1: 100,002 columns; at most 1,000 are read" in told


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", None])
def test_any_line_ends_are_read(tmp_path, end):
    rows = ["source,target,capacity_mbps", "a,b,1", "b,c,2", "c,a,3", ""]
    text = (
        "source,target,capacity_mbps\r\na,b,1\nb,c,2\rc,a,3\r\n" if end is None else end.join(rows)
    )
    network, _ = read_network(written(tmp_path, "links.csv", text))
    assert network.capacity_gbps[::2].tolist() == [0.001, 0.002, 0.003]


@pytest.fixture(scope="module", autouse=True)
def formats_are_imported():
    load_network("china169-mini")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   \n\n ",
        b"\x00\x01\x02\xff" * 1000,
        b"\xff\xfe\x00",
        bytes(range(256)),
        b"\x89PNG\r\n\x1a\n" + b"\0" * 500,
        b"PK\x03\x04" + b"\0" * 500,
        "<script>alert(1)</script>",
        "[" * 100_000,
        "{" * 100_000,
        "graph [ " * 100_000,
        "<a>" * 100_000,
        "x" * 1_000_000,
        "\0" * 1000,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_topology_is_refused(ending, content, tmp_path):
    assert refused(written(tmp_path, f"net{ending}", content))


@pytest.mark.parametrize("ending", [".graphml", ".gml", ".json"])
def test_a_file_cut_anywhere_is_refused(ending, tmp_path):
    whole = tmp_path / f"whole{ending}"
    write_network(load_network("china169-mini"), whole)
    raw = whole.read_bytes().rstrip()
    for size in range(0, len(raw) - 1, len(raw) // 40):
        refused(written(tmp_path, f"cut{ending}", raw[:size]))


@pytest.mark.parametrize("ending", [".graphml", ".gml", ".json"])
def test_the_wrong_encoding_is_refused(ending, tmp_path):
    whole = tmp_path / f"whole{ending}"
    write_network(load_network("china169-mini"), whole)
    text = whole.read_text().replace("beijing", "p\u00e9kin")
    assert refused(written(tmp_path, f"net{ending}", text.encode("latin-1")))


@pytest.mark.parametrize(
    "content, told",
    [
        (BOMB, "a document type or entities"),
        (EXTERNAL, "a document type or entities"),
        (DTD, "a document type or entities"),
        (UNKNOWN_ENTITY, "not well-formed XML: undefined entity"),
        (DEEP_XML, "nested more than 100 deep"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "unknown encoding"),
        ('<?xml version="1.0" encoding="hex"?><a/>', "cannot read this XML"),
        ("<html><body/></html>", "this XML is no GraphML: its root is 'html'"),
        (f"{GRAPHML}</graphml>", "no graph in this GraphML"),
        (f"{GRAPHML}<graph/><graph/></graphml>", "a second graph in one file"),
        (f"{GRAPHML}<graph><node id='a' id='a'/></graph></graphml>", "duplicate attribute"),
        (f"{GRAPHML}<data key='x'>1</data></graphml>", "no graph in this GraphML"),
    ],
    ids=lambda text: text[:20],
)
def test_hostile_xml_is_refused(content, told, tmp_path):
    assert told in refused(written(tmp_path, "net.graphml", content))


@pytest.mark.parametrize(
    "name, content, told",
    [
        ("net.gml", DEEP_GML, "nested more than 50 deep"),
        ("net.json", DEEP_JSON, "nested too deep"),
        ("net.json", DEEP_JSON_GRAPH, "nested too deep"),
        ("net.json", '{"nodes": [], "edges": [' + "1" * 10_000 + "]}", ""),
        ("net.json", '{"nodes": [], "nodes": [], "edges": []}', "a second key 'nodes'"),
    ],
)
def test_nested_and_doubled_text_is_refused(name, content, told, tmp_path):
    assert told in refused(written(tmp_path, name, content))


@pytest.mark.parametrize("most", [3, 4])
@pytest.mark.parametrize("ending", [".json", ".gml", ".graphml", ".yaml", ".graph", ""])
def test_more_links_than_memory_should_hold_are_refused(ending, most, tmp_path, monkeypatch):
    ring = "".join(f"  - {{id: n{i}, a: a{i}, b: a{(i + 1) % 4}, capacity_gbps: 1}}\n"
                   for i in range(4))  # fmt: skip
    nodes = "".join(f"  - {{id: a{i}, lat: 50, lon: {i}}}\n" for i in range(4))
    source = written(tmp_path, "source.yaml", f"nodes:\n{nodes}links:\n{ring}")
    path = tmp_path / f"net{ending}"
    write_network(read_network(source)[0], path)
    for module in (checks, sheet):
        monkeypatch.setattr(module, "MOST_ELEMENTS", most)
    if most == 4:
        assert len(read_network(path)[0].links) == 4
    else:
        with pytest.raises(InputError, match="at most"):
            read_network(path)


@pytest.mark.parametrize("blanks", [" ", "_", " _", "("])
def test_a_long_name_is_not_searched_for_a_unit_for_ever(blanks, tmp_path):
    name = "x" + blanks * 50_000 + "y"
    (tmp_path / "nodes.csv").write_text("id\na\nb\n")
    (tmp_path / "links.csv").write_text(f"source,target,{name}\na,b,5\n")
    start = time.process_time()
    network, _ = read_network(tmp_path)
    assert network.links == ("a-b",)
    assert time.process_time() - start < SECONDS


def test_many_mistakes_in_our_own_formats_are_told_in_few_words(tmp_path):
    nodes = "".join("  - {id: a, x: 1}\n" for _ in range(1_000))
    told = refused(written(tmp_path, "net.yaml", f"nodes:\n{nodes}links: []\n"))
    assert told.count("\n") == 50 and "net.yaml: and 1950 more" in told
    data = json.loads(graph("10")[".json"])
    data |= {"name": "x", "schema": "simulator topology 1"}
    data["nodes"] *= 100
    told = refused(written(tmp_path, "net.json", json.dumps(data)))
    assert "None" not in told


@pytest.mark.parametrize("ending", NODES_ONLY)
def test_ten_thousand_nodes_without_links_are_refused(ending, tmp_path):
    told = refused(written(tmp_path, f"net{ending}", NODES_ONLY[ending]))
    assert "no links in this file" in told


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_folder_with_the_name_of_a_file_is_refused(ending, tmp_path):
    (tmp_path / f"net{ending}").mkdir()
    assert refused(tmp_path / f"net{ending}")


def test_a_bomb_in_a_packed_file_is_refused(tmp_path):
    packed = gzip.compress(b" " * 150_000_000, compresslevel=1)
    assert "any-size" in refused(written(tmp_path, "net.graphml.gz", packed))
    assert "cut short" in refused(written(tmp_path, "net.graphml.gz", packed[:1000]))
    assert "not a gzip file" in refused(written(tmp_path, "net.graphml.gz", b"plain"))


def graph(capacity: str, name: str = "a", delay: str = "1") -> dict[str, str]:
    """Return the same two nodes and one link in three syntaxes, with raw text for numbers."""
    quoted = json.dumps(name)
    inner = f'"capacity_gbps": {capacity}, "delay_ms": {delay}, "metric": 1'
    escaped = name.replace("&", "&amp;").replace("<", "&lt;")
    return {
        ".json": f'{{"nodes": [{{"id": {quoted}}}, {{"id": "b"}}],'
        f' "edges": [{{"source": {quoted}, "target": "b", {inner}}}]}}',
        ".gml": f'graph [ node [ id 1 label "{escaped}" ] node [ id 2 label "b" ] edge [ source 1'
        f" target 2 capacity_gbps {capacity} delay_ms {delay} metric 1 ] ]",
        ".graphml": GRAPHML
        + '<key id="c" for="edge" attr.name="capacity_gbps" attr.type="double"/>'
        + '<key id="d" for="edge" attr.name="delay_ms" attr.type="double"/>'
        + f'<graph><node id="{escaped}"/><node id="b"/><edge source="{escaped}" target="b">'
        + f'<data key="c">{capacity}</data><data key="d">{delay}</data></edge></graph></graphml>',
    }


@pytest.mark.parametrize("ending", [".json", ".gml", ".graphml"])
@pytest.mark.parametrize("capacity", ["1e999", "1e308", "-1e308", "1" * 4000, "-0.0", "1e-400"])
@pytest.mark.parametrize("delay", ["1", "1e300"])
def test_numbers_beyond_reason_count_as_missing(ending, capacity, delay, tmp_path):
    path = written(tmp_path, f"net{ending}", graph(capacity, delay=delay)[ending])
    network, problems = read_network(path)
    assert network.capacity_gbps.tolist() == [10, 10]
    assert network.delay_ms.tolist() == [1, 1]
    assert any("capacity of the only link cannot be used" in each.message for each in problems)


@pytest.mark.parametrize("ending", [".json", ".gml", ".graphml"])
@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_no_numbers_count_as_missing(ending, word, tmp_path):
    word = {"Infinity": "INF", "-Infinity": "-INF"}.get(word, "NAN") if ending == ".gml" else word
    network, _ = read_network(written(tmp_path, f"net{ending}", graph(word)[ending]))
    assert network.capacity_gbps.tolist() == [10, 10]


@pytest.mark.parametrize("ending", [".json", ".gml", ".graphml"])
@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "../../etc/passwd", "a&b", "%s{0}"])
def test_an_odd_name_is_a_name_and_stays_one(ending, name, tmp_path):
    path = written(tmp_path, f"net{ending}", graph("5", name)[ending])
    network, _ = read_network(path)
    assert network.nodes == (name, "b")
    for written_as in (".json", ".gml", ".graphml", ".yaml", ".geojson", ""):
        write_network(network, tmp_path / f"again{written_as}")
        if written_as != ".geojson":
            assert read_network(tmp_path / f"again{written_as}")[0].nodes == (name, "b")
    assert "<script>" not in (tmp_path / "again.graphml").read_text()


@pytest.mark.parametrize("ending", [".json", ".gml", ".graphml"])
@pytest.mark.parametrize("name, told", [("x" * 1000, "1,000 characters"), ("a\tb", "control")])
def test_an_impossible_name_is_refused(ending, name, told, tmp_path):
    text = graph("5", name)[ending].replace("\t", "&#9;" if ending == ".graphml" else "\t")
    assert told in refused(written(tmp_path, f"net{ending}", text))


def test_a_hundred_thousand_broken_links_are_told_in_few_words(tmp_path):
    edges = [{"source": "a", "target": f"x{i}"} for i in range(20_000)]
    data = {"nodes": [{"id": "a"}, {"id": "b"}], "edges": edges}
    told = refused(written(tmp_path, "net.json", json.dumps(data)))
    assert "and 19950 more" in told


@pytest.mark.parametrize("ending", [".graphml", ".gml", ".json"])
def test_our_mark_opens_no_door(ending, tmp_path):
    """A file that says it is ours is checked like a topology file."""
    path = tmp_path / f"net{ending}"
    write_network(load_network("china169-mini"), path)
    text = path.read_text()
    for before, after in [("APCN", "A" * 300), ("super_core", "nan"), ("TPE", "\\u0000")]:
        assert before in text
        path.write_text(text.replace(before, after))
        assert refused(path)


@pytest.mark.parametrize("ending", [".graphml", ".gml", ".json", ".yaml"])
def test_sums_of_huge_numbers_are_refused_in_what_is_ours(ending, tmp_path):
    """Two capacities that are finite may have a sum that is not."""
    path = tmp_path / f"net{ending}"
    write_network(load_network("china169-mini"), path)
    text = re.sub(r"(?<![\d.])1800(\.0)?(?![\d.])", "1.5e308", path.read_text())
    assert text.count("1.5e308") > 1
    path.write_text(text)
    assert "at most 1e+12 Gbps is within reason, found 1.5e+308" in refused(path)
