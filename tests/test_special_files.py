"""Pipes, sockets and devices are refused at once; a test that waits for them is stopped."""

import os
import socket

import pytest
from conftest import TOPOLOGIES

import simulator as sim
from simulator.base.document import read_yaml
from simulator.base.errors import InputError
from simulator.cli.check import check_file
from simulator.formats.format import read_network
from simulator.formats.matrices.counters import read_counters, read_totals
from simulator.formats.matrices.demand_format import read_recording
from simulator.formats.reading import begins_with, read_bytes

pytestmark = [
    pytest.mark.timeout(20),
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here"),
]
PIPE = "not a regular file: a pipe; save it to a file first"
SCENARIO = "topology: {}\nstrategies: {{a: {{scheme: igp_ecmp}}}}\nhorizon_h: 1\n"


def refused(read, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        read(*arguments)
    return str(caught.value)


def pipe(folder, name):
    os.mkfifo(folder / name)
    return folder / name


@pytest.mark.parametrize("name", ["s.yaml", "s", "s.csv", "s.json", "s.txt"])
@pytest.mark.parametrize("read", [sim.load, read_yaml, read_network, read_bytes])
def test_a_pipe_is_not_waited_for(tmp_path, name, read):
    path = pipe(tmp_path, name)
    assert refused(read, path) == f"{path}: {PIPE}"
    (problem,), _ = check_file(str(path))
    assert problem.message == PIPE and problem.file == str(path)


@pytest.mark.parametrize(
    "name", ["tm.csv", "tm.csv.gz", "tm.tsv", "tm.parquet", "tm.txt", "tm.xml"]
)
@pytest.mark.parametrize("read", [read_recording, read_counters, read_totals])
def test_a_matrix_from_a_pipe_is_not_waited_for(tmp_path, mini, name, read):
    path = pipe(tmp_path, name)
    assert refused(read, path, mini[0]) == f"{path}: {PIPE}"
    assert begins_with(path) == b""


@pytest.mark.parametrize("names", [("nodes.csv", "links.csv"), ("links.csv", "nodes.csv")])
def test_a_table_that_is_a_pipe_is_not_waited_for(tmp_path, names):
    (tmp_path / names[0]).write_text("id,a,b,capacity_gbps\n")
    pipe(tmp_path, names[1])
    assert str(tmp_path) in refused(read_network, tmp_path)


def test_what_a_scenario_names_is_not_waited_for(tmp_path):
    pipe(tmp_path, "net.yaml")
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO.format("net.yaml"))
    assert PIPE in refused(sim.load, path)
    pipe(tmp_path, "tm.csv")
    path.write_text(
        SCENARIO.format(TOPOLOGIES / "china169-mini.yaml")
        + "traffic: {matrix: {kind: file, path: tm.csv}}\n"
    )
    assert PIPE in refused(sim.load, path)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/full", "/dev/urandom"])
@pytest.mark.parametrize("read", [sim.load, read_yaml, read_network, read_bytes])
def test_a_device_is_not_read(path, read):
    if not os.path.exists(path):
        pytest.skip("there is no such device here")
    assert "not a regular file: a device" in refused(read, path)


def test_a_link_to_a_device_and_a_socket_are_not_read(tmp_path, monkeypatch):
    link = tmp_path / "s.yaml"
    link.symlink_to("/dev/zero")
    assert "a device" in refused(sim.load, link)
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("x.yaml")
    assert "a socket" in refused(sim.load, tmp_path / "x.yaml")


@pytest.mark.parametrize("name", ["y" * 300, "y" * 300 + ".csv"])
def test_a_name_that_no_system_has_is_no_such_file(tmp_path, mini, name):
    assert name in refused(sim.load, name)
    assert name in refused(read_network, name)
    assert name in refused(read_recording, tmp_path / name, mini[0])
    assert "no such file" in str(check_file(name)[0][0])
    path = tmp_path / "s.yaml"
    where = f"traffic: {{matrix: {{kind: file, path: {name}}}}}\n"
    path.write_text(SCENARIO.format(TOPOLOGIES / "china169-mini.yaml") + where)
    assert "s.yaml:4:" in refused(sim.load, path)
