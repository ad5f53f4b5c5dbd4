"""A list of demands in a CSV file: `source,target,gbps`, and optionally their `class`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulator.document import shown
from simulator.errors import InputError, Problem, did_you_mean
from simulator.formats.format import write_whole
from simulator.formats.sheet import Columns, Sheet, number, read_sheet
from simulator.model.demands import CLASSES, Demands
from simulator.model.network import Network

COLUMNS = Columns(
    required=("source", "target", "gbps"),
    optional=("class",),
    refused={"time": "demands that change with time cannot be read; give one instant a file"},
)
MOST_PROBLEMS = 50


def read_demands(path: str | Path, network: Network) -> Demands:
    """Read demands between the nodes of *network*.

    Parameters
    ----------
    path : str or Path
        A CSV file with the columns `source,target,gbps` and optionally `class`. An empty class
        follows from where the ends lie.
    network : Network
        Says which nodes there are.

    Returns
    -------
    Demands
        In the order of the file.

    Raises
    ------
    InputError
        Holds the first 50 problems and how many more there are.
    """
    sheet, problems = read_sheet(Path(path), COLUMNS)
    table = _Table(sheet, network)
    faults = sorted(table.faults())
    if problems or faults:
        raise InputError(_first(problems, faults, table))
    if not sheet.rows:
        raise InputError([Problem(sheet.file, None, None, "", "no demands below the header")])
    return Demands.of(network, table.source, table.target, [rate or 0.0 for rate in table.gbps])


def write_demands(demands: Demands, path: str | Path) -> None:
    """Write *demands* to a CSV file, whole or not at all; reading it gives the same again.

    Parameters
    ----------
    demands : Demands
    path : str or Path
        The file.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["source", "target", "class", "gbps"])
    ends = ([demands.nodes[end] for end in column] for column in (demands.source, demands.target))
    rows.writerows(zip(*ends, demands.traffic_class, demands.gbps.tolist(), strict=True))
    write_whole(Path(path), text.getvalue())


class Fault(NamedTuple):
    """Something wrong with one cell; put into words only if it is to be shown."""

    row: int
    position: int
    column: str
    rule: str


class _Table:
    """The columns of a sheet of demands, and the rules they obey."""

    def __init__(self, sheet: Sheet, network: Network) -> None:
        self.sheet = sheet
        self.network = network
        self.source = sheet.cells("source")
        self.target = sheet.cells("target")
        self.gbps = [number(cell) for cell in sheet.cells("gbps")]
        given = "class" in sheet.columns
        self.stated = sheet.cells("class") if given else [""] * len(sheet.rows)
        self.first: dict[tuple[str, str], int] = {}
        self.true_class = self._classes()

    def _classes(self) -> list[str]:
        """Return the class of each row by where its ends lie; empty if an end is unknown."""
        index = self.network.node_index
        source = np.array([index.get(node, -1) for node in self.source], dtype=np.int64)
        target = np.array([index.get(node, -1) for node in self.target], dtype=np.int64)
        names = self.network.class_of(source, target)
        return list(np.where((source < 0) | (target < 0), "", names))

    def faults(self) -> Iterator[Fault]:
        """Yield all that is wrong."""
        index = self.network.node_index
        for row, (source, target, gbps) in enumerate(
            zip(self.source, self.target, self.gbps, strict=True)
        ):
            if source not in index:
                yield self._fault(row, "source", "unknown")
            if target not in index:
                yield self._fault(row, "target", "unknown")
            elif source == target:
                yield self._fault(row, "target", "itself")
            elif self.first.setdefault((source, target), row) != row:
                yield self._fault(row, "source", "twice")
            if gbps is None or gbps < 0:
                yield self._fault(row, "gbps", "rate")
            if self.stated[row] not in ("", self.true_class[row]):
                yield from self._wrong_class(row)

    def _wrong_class(self, row: int) -> Iterator[Fault]:
        if self.stated[row] not in CLASSES:
            yield self._fault(row, "class", "no class")
        elif self.true_class[row]:
            yield self._fault(row, "class", "other class")

    def _fault(self, row: int, column: str, rule: str) -> Fault:
        return Fault(row, self.sheet.columns.index(column), column, rule)

    def problem(self, fault: Fault) -> Problem:
        """Put *fault* into words."""
        cell = self.sheet.rows[fault.row][fault.position]
        return self.sheet.problem(fault.row, fault.column, self._message(fault, cell))

    def _message(self, fault: Fault, cell: str) -> str:
        match fault.rule:
            case "unknown":
                hint = did_you_mean(cell, self.network.nodes)
                return f"no node named {shown(cell)}{hint}" if cell else "the cell is empty"
            case "itself":
                return f"a demand from {shown(cell)} to itself"
            case "rate":
                return f"expected a finite number of at least 0, found {shown(cell)}"
            case "no class":
                hint = did_you_mean(cell, CLASSES)
                return f"expected one of {', '.join(CLASSES)}, found {shown(cell)}{hint}"
            case "other class":
                true = self.true_class[fault.row]
                return f"{cell} contradicts where the ends lie, which makes it {true}"
            case _:
                return self._twice(fault.row)

    def _twice(self, row: int) -> str:
        source, target = self.source[row], self.target[row]
        line = self.sheet.lines[self.first[source, target]]
        return (
            f"a second demand from {shown(source)} to {shown(target)}; the first is on line {line}"
        )


def _first(problems: list[Problem], faults: list[Fault], table: _Table) -> list[Problem]:
    """Return the first problems of the file, and one that counts the others."""
    shown = [*problems[:MOST_PROBLEMS], *map(table.problem, faults[:MOST_PROBLEMS])]
    shown.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
    more = len(problems) + len(faults) - MOST_PROBLEMS
    if more > 0:
        shown[MOST_PROBLEMS:] = [Problem(table.sheet.file, None, None, "", f"and {more} more")]
    return shown
