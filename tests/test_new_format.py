"""A new format is one new file: it is read, written and listed with no other edit."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner
from dropin import dropped_in

import simulator as sim
from simulator.cli.main import main
from simulator.formats.format import topology_format

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
