"""Reading files and checking them, beside parsing them and nothing else."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import numpy as np
import yaml

from benchmarks.cases import Case, largest
from benchmarks.race import Limit, Race
from simulator.base import library
from simulator.formats.format import load_network
from simulator.formats.matrices.demand_format import read_demands


def races(case: Case) -> Iterator[Race]:
    """A topology, and its matrix."""
    name = case.network.name
    file = library.find("topologies", name)
    matrix = case.network.about.matrix
    network = case.network
    assert matrix is not None

    def parsed() -> Any:
        with open(file, encoding="utf-8") as stream:
            return yaml.load(stream, Loader=yaml.CSafeLoader)

    def rows() -> list[dict[str, str]]:
        with open(matrix, encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def same_network() -> dict[str, Limit]:
        links, read = parsed()["links"], load_network(name)
        assert read.links == tuple(link["id"] for link in links)
        given = np.array([link["capacity_gbps"] for link in links], dtype=float)
        delay = np.array([link["delay_ms"] for link in links], dtype=float)
        return {
            "capacity": Limit(largest(read.capacity_gbps[::2] - given), 0.0),
            "delay": Limit(largest(read.delay_ms[::2] - delay), 0.0),
        }

    def same_demands() -> dict[str, Limit]:
        given, read = rows(), read_demands(matrix, network)
        assert [network.nodes[i] for i in read.source] == [row["source"] for row in given]
        assert [network.nodes[i] for i in read.target] == [row["target"] for row in given]
        gbps = np.array([float(row["gbps"]) for row in given])
        return {"rates": Limit(largest(read.gbps - gbps), 0.0)}

    yield Race(
        f"{file.name}: {len(network.nodes)} nodes, {len(network.links)} links",
        {
            "parse alone (PyYAML, C)": parsed,
            "load_network: parse, check, compile": lambda: load_network(name),
        },
        "parse alone (PyYAML, C)",
        same_network,
        "file",
    )
    yield Race(
        f"{name}, base matrix: {len(case.demands)} demands",
        {
            "parse alone (csv.DictReader)": rows,
            "load_demands: parse, check": lambda: read_demands(matrix, network),
        },
        "parse alone (csv.DictReader)",
        same_demands,
        "file",
    )
