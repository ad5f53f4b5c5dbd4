"""The verbs on topologies: what they print, what they write, what they refuse."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import TOPOLOGIES, make_tiny

import simulator as sim
from simulator.base import library
from simulator.base import text as show
from simulator.base.errors import InputError, Problem
from simulator.cli import main as cli
from simulator.cli.topology import convert, show_json
from simulator.cli.topology_text import show_text
from simulator.formats.format import read_network, topology_format
from simulator.model.network import COUNTING_RULE, Network

BROKEN = """\
name: broken
nodes:
  - {id: a, kind: cor}
  - {id: b, kind: core}
links:
  - {id: ab, a: a, b: c, capacity_gbps: 10, delay_ms: 1}
"""
ODD = """\
nodes: [{id: a, kind: core}, {id: b, kind: core}]
links:
  - {id: one, a: a, b: b, class: core, capacity_gbps: 10, delay_ms: 1}
  - {id: two, a: a, b: b, class: core, capacity_gbps: 10, delay_ms: 1}
"""
"""Two links that are alike, about which the reader wonders."""


def call(*words):
    return CliRunner().invoke(cli.main, ["topology", *map(str, words)])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def broken(here):
    (here / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    return "broken.yaml"


def flat(text: str) -> str:
    return " ".join(text.split())


# -- list ---------------------------------------------------------------------------------------


def test_list_has_a_line_for_every_topology():
    done = call("list")
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert max(map(show.columns, lines)) <= show.WIDTH
    names = library.names("topologies")
    rows = {row[0]: row[1:] for row in (line.split() for line in lines[1 : 1 + len(names)])}
    assert set(rows) == set(names)
    assert rows["china169-2017"] == ["62", "141", "200,000", "20", "2,460"]
    assert COUNTING_RULE in flat(done.stdout)
    for name in topology_format.names():
        assert topology_format[name].readable in flat(done.stdout)
    assert "simulator list formats" in done.stdout


def test_list_in_json():
    rows = {row["name"]: row for row in json.loads(call("list", "--json").stdout)}
    assert set(rows) == set(library.names("topologies"))
    for name, row in rows.items():
        network, _ = read_network(name)
        assert row["title"] == network.about.title
        assert (row["nodes"], row["links"]) == (len(network.nodes), len(network.links))
        assert (row["backbone_gbps"], row["exits_gbps"]) == (
            network.backbone_gbps,
            network.exits_gbps,
        )


# -- show ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["china169-2017", "china169-mini"])
def test_show_tells_all(name):
    done = call("show", name)
    assert (done.exit_code, done.stderr) == (0, "")
    assert max(map(show.columns, done.stdout.splitlines())) <= show.WIDTH
    network = sim.load_network(name)
    text = flat(done.stdout)
    assert f"{len(network.nodes)} nodes, {len(network.links)} links" in text
    assert f"backbone {network.backbone_gbps:,.0f} Gbps" in text
    assert f"exits {network.exits_gbps:,.0f} Gbps" in text
    assert COUNTING_RULE in text
    for note in network.about.assumptions:
        assert flat(show.plain(note)) in text
    for estimate in network.about.estimates:
        assert flat(f"{estimate['of']}: {estimate['how']}") in text
    for exit_ in network.exits:
        assert re.search(rf"^{network.links[exit_]} ", done.stdout, re.MULTILINE)
    for cable in network.cables:
        assert re.search(rf"^{cable} ", done.stdout, re.MULTILINE)


def test_the_tables_of_the_small_network():
    """Figures added up by hand from the file."""
    lines = [line.split() for line in call("show", "china169-mini").stdout.splitlines()]
    assert ["core", "11", "20,000", "800", "1,600", "3,600"] in lines
    assert ["exit", "9", "246", "10", "30", "44"] in lines
    assert "beijing-la beijing pop-los-angeles 32 69.05 TPE 0.7, APCN-2 0.3".split() in lines
    # 0.5 of 12 and all of 40 Gbps; the cut leaves nothing of the latter.
    hong_kong = "GD-HK 46 2 guangzhou-hk Guangdong-Hong Kong terrestrial fibres".split()
    assert hong_kong in lines


def test_a_heading_stands_over_its_column():
    lines = call("show", "china169-mini").stdout.splitlines()
    (head,) = (line for line in lines if line.startswith("exit  ") and "gateway" in line)
    row = next(line for line in lines if line.startswith("guangzhou-hk"))
    for heading, text in (("gateway", "guangzhou "), ("point", "pop-hong"), ("cables", "GD-HK")):
        assert head.index(heading) == row.index(text, 13), heading


def test_show_in_json_is_all_there_is():
    done = call("show", "china169-2017", "--json")
    told = json.loads(done.stdout)
    network = sim.load_network("china169-2017")
    assert told["backbone_gbps"] == network.backbone_gbps
    assert told["counting_rule"] == COUNTING_RULE
    assert sum(each["gbps"] for each in told["classes"] if each["name"] in ("core", "provincial"))
    assert sum(each["out_gbps"] for each in told["exits"]) == network.exits_gbps
    assert told["exits"][0]["cables"] == network.attributes("bj-la")["cables"]
    assert told["exits"][0]["price_usd_per_mbps"] == 1.0
    assert len(told["estimates"]) == len(network.about.estimates)
    assert told["warnings"] == []
    assert told["map"] is None


def test_show_says_what_is_wrong_as_check_does(broken):
    done = call("show", broken)
    told = CliRunner().invoke(cli.main, ["check", broken])
    assert (done.exit_code, told.exit_code) == (2, 2)
    assert done.stdout == ""
    assert done.stderr == told.stdout
    assert "broken.yaml:3:19: nodes[0].kind" in done.stderr
    done = call("show", "china169-mimi")
    assert done.exit_code == 2
    assert "did you mean 'china169-mini'" in done.stderr


def test_show_repeats_the_warnings_of_the_reader(here):
    (here / "odd.yaml").write_text(ODD, encoding="utf-8")
    warnings = CliRunner().invoke(cli.main, ["check", "odd.yaml"]).stdout
    (letter,) = (line for line in warnings.splitlines() if "warning" in line)
    done = call("show", "odd.yaml")
    assert done.exit_code == 0
    assert letter in flat(done.stdout.partition("Warnings:")[2])
    (told,) = json.loads(call("show", "odd.yaml", "--json").stdout)["warnings"]
    assert told["severity"] == "warning"


def test_names_steer_no_terminal():
    evil = "\x1b[31m<script>\r\n\u202eabc"
    network = make_tiny((evil, "home", f"{evil}-far", 10.0), **{f"{evil}-far": "pop"})
    graph = nx.MultiGraph(network.graph)
    graph.edges["home", f"{evil}-far", evil]["cables"] = {evil: 1.0}
    about = sim.load_network("china169-mini").about
    told = {evil: {"name": evil}}
    network = Network(
        graph, replace(about, name=evil, title=evil, assumptions=(evil,), cables=told)
    )
    text = show_text(network, [Problem(evil, 1, 1, evil, evil, "warning")])
    assert "<script>" in text
    assert not set(text) & {"\x1b", "\r", "\u202e"}
    assert max(map(show.columns, text.splitlines())) <= show.WIDTH
    json.dumps(show_json(network, []), allow_nan=False)


def test_networks_that_lack_nearly_everything():
    for network in (Network(nx.MultiGraph(), "empty"), make_tiny(("1", "a", "b", 10.0))):
        text = show_text(network, [])
        assert f"{len(network.links)} link" in text
        json.dumps(show_json(network, []), allow_nan=False)


def test_many_exits_and_names_are_counted():
    links = [(f"x{i:03}", "home", f"far{i}", 10.0) for i in range(50)]
    text = show_text(make_tiny(*links, **{f"far{i}": "pop" for i in range(50)}), [])
    assert "x039" in text.partition("point of presence")[2]
    assert "10 more stand in --json" in text
    assert "Bridges: x000, x001, x002, x003, x004, x005, x006, x007 and 42 more" in flat(text)


# -- show --plot --------------------------------------------------------------------------------


def test_a_map_is_drawn(here):
    done = call("show", "china169-mini", "--plot", "map.svg")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith("\n\nMap in map.svg\n")
    assert "<svg" in (here / "map.svg").read_text(encoding="utf-8")[:500]


@pytest.mark.parametrize(
    ("picture", "letter"),
    [
        ("map.jpeg", "map.jpeg: cannot draw to this; endings that can be: .png, .svg, .pdf"),
        ("map", "map: cannot draw to this"),
        ("nowhere/map.png", "nowhere/map.png: cannot write to this: no folder"),
    ],
)
def test_a_map_that_cannot_be(here, picture, letter):
    done = call("show", "china169-mini", "--plot", picture)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(letter)
    assert not list(here.iterdir())


# -- convert ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["china169-2017", "china169-mini"])
def test_there_and_back(here, name):
    done = call("convert", name, "copy.yaml")
    assert (done.exit_code, done.stderr) == (0, "")
    old, new = sim.load_network(name), sim.load_network("copy.yaml")
    assert done.stdout == f"copy.yaml: {len(old.nodes)} nodes, {len(old.links)} links\n"
    assert (new.nodes, new.links) == (old.nodes, old.links)
    for array in ("tail", "head", "capacity_gbps", "delay_ms", "metric"):
        np.testing.assert_array_equal(getattr(new, array), getattr(old, array))
    assert [new.attributes(k)["cables"] for k in new.links] == [
        old.attributes(k)["cables"] for k in old.links
    ]
    assert new.about.assumptions == old.about.assumptions
    assert call("convert", "copy.yaml", "again.yaml", "--quiet").output == ""
    assert (here / "again.yaml").read_bytes() == (here / "copy.yaml").read_bytes()


def test_what_is_lost_is_told(here, monkeypatch):
    def write(network, path):
        here.joinpath(path).write_text(network.name, encoding="utf-8")
        return ["cables of 9 links", "2 estimates"]

    monkeypatch.setattr("simulator.cli.topology.write_network", write)
    done = call("convert", "china169-mini", "mini.graphml")
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        "mini.graphml: warning: not held by .graphml: cables of 9 links",
        "mini.graphml: warning: not held by .graphml: 2 estimates",
    ]
    assert done.stdout == "mini.graphml: 10 nodes, 20 links\n"
    assert convert("china169-mini", "tables/").lost[0].startswith("not held by folders of tables: ")


def test_what_stands_there_is_kept(here):
    (here / "mine.yaml").write_text("precious", encoding="utf-8")
    done = call("convert", "china169-mini", "mine.yaml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "mine.yaml: is there already; --force replaces it\n"
    assert (here / "mine.yaml").read_text(encoding="utf-8") == "precious"
    assert call("convert", "china169-mini", "mine.yaml", "--force").exit_code == 0
    assert sim.load_network("mine.yaml").name == "china169-mini"


@pytest.mark.parametrize(
    ("target", "letter"),
    [
        ("mini.docx", "mini.docx: cannot write to this; endings that can be: "),
        ("nowhere/mini.yaml", "nowhere/mini.yaml: cannot write to this: no folder"),
    ],
)
def test_targets_that_cannot_be(here, target, letter):
    done = call("convert", "china169-mini", target)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(letter)
    assert not list(here.iterdir())


def test_a_broken_source_writes_nothing(here, broken):
    done = call("convert", broken, "out.yaml")
    told = CliRunner().invoke(cli.main, ["check", broken])
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", told.stdout)
    assert [file.name for file in here.iterdir()] == [broken]


def test_a_write_that_fails_leaves_what_was_there(here, monkeypatch):
    (here / "mine.yaml").write_text("precious", encoding="utf-8")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device", "mine.yaml")

    monkeypatch.setattr("os.replace", full)
    done = call("convert", "china169-mini", "mine.yaml", "--force")
    assert done.exit_code == 1
    assert "No space left on device" in done.stderr
    assert [file.name for file in here.iterdir()] == ["mine.yaml"]
    assert (here / "mine.yaml").read_text(encoding="utf-8") == "precious"


def test_convert_raises_letters(here):
    with pytest.raises(InputError, match="is there already"):
        convert("china169-mini", str(TOPOLOGIES / "china169-mini.yaml"))


# -- help ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["list", "show", "convert"])
def test_help_is_plain(verb):
    done = call(verb, "--help")
    assert done.exit_code == 0
    assert done.stdout.startswith("Usage: simulator topology")
    assert done.stdout.isascii()
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_show_ends_with_what_was_read_assumed_and_left_out(here):
    (here / "links.csv").write_text(
        "source,target,capacity,hops\na,b,4x10GE,1\nb,c,0,1\nc,a,10G,2\n", encoding="utf-8"
    )
    done = call("show", "links.csv")
    assert done.exit_code == 0, done.stderr
    end = flat(done.stdout[done.stdout.index("\nRead:") :])
    read, _, rest = end.partition("Assumed:")
    assumed, _, left_out = rest.partition("Left out:")
    assert "- 3 nodes and 2 links from links.csv, as other_tables" in read
    assert "40 Gbps from '4x10GE' on 'a-b'" in read and "read from the ends of the links" in read
    assert "metric of all 2 links not given: 1" in assumed
    assert "1 of 3 links left out: capacity 0, so shut ('b-c')" in left_out
    assert "numbers of links not used: 'hops'" in left_out
    assert "Warnings:" not in done.stdout
    told = json.loads(call("show", "links.csv", "--json").stdout)["reading"]
    assert [len(told[key]) for key in ("read", "assumed", "left_out")] == [4, 2, 2]


def test_show_of_what_leaves_nothing_out_says_so():
    assert call("show", "china169-mini").stdout.rstrip().endswith("Left out:\n- nothing")
