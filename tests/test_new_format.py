"""A new format is one new file: it is read, written and listed with no other edit."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner
from dropin import dropped_in
from helpers import two_exits

import simulator as sim
from simulator.cli.main import main
from simulator.formats.format import topology_format
from simulator.formats.matrices.demand_format import demand_format

TOPOLOGY = '''
"""A line for every link, for a test."""

from pathlib import Path
from typing import ClassVar

from simulator.formats.format import TopologyFormat, topology_format, write_whole
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.draft import Draft
from simulator.base.errors import Problem


def point(path, message, key=False, severity="error"):
    return Problem("a.pairs", None, None, "", message, severity)


@topology_format("pairs")
class Pairs(TopologyFormat):
    """Pairs: a line for every link."""

    suffixes: ClassVar = (".pairs",)
    readable: ClassVar = "a .pairs file"
    written: ClassVar = (".pairs",)

    def read(self, path: Path):
        rows = [line.split() for line in path.read_text().splitlines()]
        nodes = dict.fromkeys(end for row in rows for end in row[:2])
        links = [
            {"id": f"{a}-{b}", "a": a, "b": b, "class": "core", "metric": 1.0,
             "capacity_gbps": float(gbps), "delay_ms": float(ms)}
            for a, b, gbps, ms in rows
        ]
        draft = Draft({"name": path.stem}, [{"id": n, "kind": "core"} for n in nodes], links, point)
        return assemble(draft)

    def write(self, network, path: Path):
        rows = [network.attributes(link) for link in network.links]
        write_whole(path, "".join(
            f"{r['a']} {r['b']} {r['capacity_gbps']:g} {r['delay_ms']:g}\\n" for r in rows))
        return ["all but links"]
'''


DEMANDS = '''
"""A line for every demand, for a test."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from simulator.formats.matrices.demand_format import DemandFormat, demand_format, recording_of
from simulator.formats.reading import read_text
from simulator.formats.units import to_gbps


@demand_format("lines")
class Lines(DemandFormat):
    """Lines: source, target and rate, between blanks."""

    suffixes: ClassVar = (".lines",)
    readable: ClassVar = "a .lines file"

    def read(self, path: Path, network, unit=None):
        rows = [line.split() for line in read_text(path).splitlines()]
        rates = np.array([[float(rate)] for *_, rate in rows])
        return recording_of(network, [(a, b) for a, b, _ in rows], to_gbps(rates, unit or "mbps"))
'''


@pytest.fixture
def pairs(tmp_path):
    """Return a file in a format of one dropped-in module."""
    path = tmp_path / "tri.pairs"
    path.write_text("a b 10 1\nb c 20 2\nc a 30 3\n")
    with dropped_in(topology_format, "pairs", TOPOLOGY):
        yield path


def shell(*words):
    result = CliRunner().invoke(main, [*map(str, words)])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_topology_format_is_one_file(pairs, tmp_path):
    network = sim.load_network(pairs)
    assert network.links == ("a-b", "b-c", "c-a")
    assert network.capacity_gbps.tolist() == [10, 10, 20, 20, 30, 30]


def test_it_is_written_and_listed(pairs, tmp_path):
    shell("topology", "convert", pairs, tmp_path / "tri.yaml")
    shell("topology", "convert", tmp_path / "tri.yaml", tmp_path / "again.pairs")
    assert (tmp_path / "again.pairs").read_text() == pairs.read_text()
    assert "Pairs: a line for every link." in shell("list", "formats")
    assert "a .pairs file" in " ".join(shell("topology", "list").split())


def test_an_unknown_ending_names_it(pairs, tmp_path):
    other = tmp_path / "tri.pair"
    other.write_text("")
    with pytest.raises(ValueError, match=r"did you mean '\.pairs'\?.*a \.pairs file"):
        sim.load_network(other)


def test_nothing_of_it_is_left():
    assert "pairs" not in topology_format.names()
    with dropped_in(topology_format, "pairs", TOPOLOGY) as module:
        assert topology_format["pairs"] is module.Pairs
    assert "pairs" not in topology_format.names()
    assert "simulator.formats.pairs" not in sys.modules
    again = dropped_in(topology_format, "native", "")
    with pytest.raises(ValueError, match="exists already"), again:
        pass


# -- demands ------------------------------------------------------------------------------------


@pytest.fixture
def lines(tmp_path):
    """Return a file of demands in a format of one dropped-in module."""
    path = tmp_path / "day.lines"
    path.write_text("home abroad 2000\nabroad home 500\n")
    with dropped_in(demand_format, "lines", DEMANDS):
        yield path


def test_a_demand_format_is_one_file(lines):
    network = two_exits()
    assert sim.load_demands(lines, network).gbps.tolist() == [2.0, 0.5]
    assert sim.load_demands(lines, network, unit="gbps").gbps.tolist() == [2000.0, 500.0]
    assert "Lines: source, target and rate, between blanks." in shell("list", "formats")


def test_an_unknown_ending_names_the_demand_format(lines):
    other = lines.with_name("day.line")
    other.write_text("")
    with pytest.raises(ValueError, match=r"did you mean '\.lines'\?.*a \.lines file"):
        sim.load_demands(other, two_exits())
    with pytest.raises(ValueError, match="no such file; did you mean 'day.lines'"):
        sim.load_demands(lines.with_name("days.lines"), two_exits())


def test_a_scenario_reads_it(lines, tmp_path):
    tables = tmp_path / "net"
    tables.mkdir()
    (tables / "nodes.csv").write_text("id\nhome\nabroad\n")
    (tables / "links.csv").write_text("id,a,b,capacity_gbps,delay_ms\nl,home,abroad,10,1\n")
    (tmp_path / "s.yaml").write_text(
        "topology: net\nhorizon_h: 0.1\nqueue: none\n"
        "traffic: {matrix: {kind: file, path: day.lines, unit: mbps}, shapes: []}\n"
        "strategies: {it: {scheme: igp_ecmp}}\n"
    )
    assert sim.load(tmp_path / "s.yaml").demands.gbps.tolist() == [2.0, 0.5]


# -- the contracts ------------------------------------------------------------------------------


@pytest.mark.parametrize("registry", [topology_format, demand_format], ids=lambda each: each.noun)
def test_a_format_inherits_the_contract_and_states_what_it_reads(registry):
    for name in registry.names():
        cls = registry[name]
        assert issubclass(cls, registry.contract)
        assert cls.kind == name and cls.readable
        assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in cls.suffixes)
        assert not cls().is_name("no-format-has-this-name")


def test_a_format_states_what_it_writes():
    for name in topology_format.names():
        cls = topology_format[name]
        writes = cls.write is not topology_format.contract.write
        assert bool(cls.written) == writes


def test_no_two_formats_write_one_ending():
    endings = [end for name in topology_format.names() for end in topology_format[name].written]
    assert len(set(endings)) == len(endings)


@pytest.mark.parametrize("registry", [topology_format, demand_format], ids=lambda each: each.noun)
def test_a_format_without_read_is_refused(registry):
    with pytest.raises(TypeError, match="has no read; see simulator"):

        @registry("empty")
        class Empty:
            """Nothing."""

    assert "empty" not in registry.names()


def test_what_a_class_leaves_out_comes_from_the_contract(tmp_path):
    source = '''
        from simulator.formats.format import topology_format
        from simulator.base.errors import InputError

        @topology_format("bare")
        class Bare:
            """Bare."""

            def read(self, path):
                raise NotImplementedError
    '''
    with dropped_in(topology_format, "bare", source):
        bare = topology_format.make("bare")
        assert (bare.suffixes, bare.written, bare.cannot_hold) == ((), (), ())
        assert not bare.reads(tmp_path / "x.bare")
        with pytest.raises(ValueError, match="bare is read, not written"):
            bare.write(two_exits(), tmp_path / "x.bare")
