"""Counters of links in a CSV file, and what nodes send and receive in another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import sparse

from simulator.base.document import shown
from simulator.base.errors import Problem, did_you_mean
from simulator.formats.reading import refuse
from simulator.formats.sheet import Columns, Sheet, read_csv
from simulator.formats.unit_words import split_unit
from simulator.formats.units import Unit, number, rate_fault, to_gbps
from simulator.model.network import Network

COUNTERS = Columns(required=("source", "target", "gbps"), optional=("link",))
TOTALS = Columns(required=("node", "out_gbps", "in_gbps"))


@dataclass(frozen=True, eq=False)
class Counters:
    """Loads that were counted.

    Attributes
    ----------
    arcs : sparse array, shape (counters, arcs)
        Which arcs each counter counts: one, or all parallel ones from a node to another.
    gbps : ndarray, shape (counters,)
    notes : list of Problem
        What was assumed to read the file, and what was left out of it.
    """

    arcs: sparse.csr_array
    gbps: np.ndarray
    notes: list[Problem] = field(default_factory=list)


class Totals(NamedTuple):
    """What nodes send and receive; NaN for nodes that are not listed.

    Attributes
    ----------
    out_gbps, in_gbps : ndarray, shape (nodes,)
    notes : list of Problem
        What was assumed to read the file, and what was left out of it.
    """

    out_gbps: np.ndarray
    in_gbps: np.ndarray
    notes: list[Problem]


def read_counters(path: Path, network: Network) -> Counters:
    """Read the loads of links: one direction a row, ``source,target,gbps``, and maybe ``link``.

    The column of loads may state another unit, as in ``mbps`` or ``load (Mbit/s)``.
    Without ``link``, or where its cell is empty, a row is the sum over all links from source to
    target. Directions that are not listed were not counted.

    Raises
    ------
    InputError
        Holds the first 50 problems and how many more there are.
    """
    sheet, units, problems, notes = _sheet(path, COUNTERS)
    rows = list(zip(sheet.cells("source"), sheet.cells("target"), sheet.cells("link"), strict=True))
    arcs = [_arcs(network, *row) for row in rows]
    problems += _wrong_counters(sheet, network, rows, arcs)
    gbps = _rates(sheet, "gbps", units, problems)
    _refuse(sheet, problems)
    row = np.repeat(np.arange(len(arcs)), [len(some) for some in arcs])
    every = np.concatenate(arcs)
    shape = (len(arcs), len(network.tail))
    counted = sparse.csr_array((np.ones(len(every)), (row, every)), shape=shape)
    return Counters(counted, gbps, notes)


def read_totals(path: Path, network: Network) -> Totals:
    """Read what nodes send and receive: ``node,out_gbps,in_gbps``."""
    sheet, units, problems, notes = _sheet(path, TOTALS)
    nodes, first = sheet.cells("node"), dict[str, int]()
    for row, node in enumerate(nodes):
        if node not in network.node_index:
            problems.append(sheet.problem(row, "node", _no_node(network, node)))
        elif first.setdefault(node, row) != row:
            message = f"a second row for {shown(node)}; the first is on line"
            problems.append(sheet.problem(row, "node", f"{message} {sheet.lines[first[node]]}"))
    columns = [_rates(sheet, name, units, problems) for name in ("out_gbps", "in_gbps")]
    _refuse(sheet, problems)
    made = np.full((2, len(network.nodes)), np.nan)
    made[:, [network.node_index[node] for node in nodes]] = columns
    return Totals(made[0], made[1], notes)


def _sheet(
    path: Path, columns: Columns
) -> tuple[Sheet, dict[str, Unit], list[Problem], list[Problem]]:
    """Return the rows with plain numbers, the units of columns with rates, errors and warnings."""
    text = read_csv(path)
    read = [_meant(name, columns) for name in text.header_cells]
    names = [name for name, _ in read]
    text.check(names, columns)
    units = {name: unit for name, unit in read if unit is not None}
    sheet, problems = text.sheet(names)
    sheet, found = sheet.with_plain_numbers(list(units))
    problems += [each for each in found if each.severity == "error"]
    notes = [each for each in found if each.severity == "warning"]
    return sheet, units, problems, [*text.notes(), *notes]


def _meant(name: str, columns: Columns) -> tuple[str, Unit | None]:
    """Return the column that is meant by a name, and its unit if it holds rates."""
    plain, unit = split_unit(name)
    plain = "_".join(re.split("[ _-]+", plain.casefold()))
    known = (*columns.required, *columns.optional)
    if unit is None:
        return (plain if plain in known else name), None
    rates = "gbps" if plain in ("", "load", "rate", "traffic") else f"{plain}_gbps"
    return (rates, unit) if rates in known else (name, unit)


def _arcs(network: Network, source: str, target: str, link: str) -> np.ndarray:
    """Arcs that a row counts; none if something in it is wrong."""
    ends = (network.node_index.get(source, -1), network.node_index.get(target, -1))
    mine = (network.tail == ends[0]) & (network.head == ends[1])
    if link:
        mine &= np.arange(len(mine)) // 2 == network.link_index.get(link, -1)
    return np.flatnonzero(mine)


def _wrong_counters(
    sheet: Sheet, network: Network, rows: list[tuple[str, str, str]], arcs: list[np.ndarray]
) -> Iterator[Problem]:
    first: dict[int, int] = {}
    for i, ((source, target, link), mine) in enumerate(zip(rows, arcs, strict=True)):
        unknown = [
            sheet.problem(i, column, _no_node(network, node))
            for column, node in (("source", source), ("target", target))
            if node not in network.node_index
        ]
        if link and link not in network.link_index:
            hint = did_you_mean(link, network.links)
            unknown.append(sheet.problem(i, "link", f"no link named {shown(link)}{hint}"))
        yield from unknown
        if not unknown and not len(mine):
            what = f"{link} does not go" if link else "no link goes"
            message = f"{what} from {shown(source)} to {shown(target)}"
            yield sheet.problem(i, "link" if link else "source", message)
        again = [first[arc] for arc in mine if first.setdefault(int(arc), i) != i]
        if again:
            message = f"this direction is counted already on line {sheet.lines[again[0]]}"
            yield sheet.problem(i, "source", message)


def _rates(
    sheet: Sheet, column: str, units: dict[str, Unit], problems: list[Problem]
) -> np.ndarray:
    """Return the rates in a column in Gbps; what is wrong with them is added to *problems*."""
    rates = np.zeros(len(sheet.rows))
    for row, cell in enumerate(sheet.cells(column)):
        value = number(cell)
        if message := rate_fault(value, units[column], shown(cell)):
            problems.append(sheet.problem(row, column, message))
        rates[row] = value or 0.0
    return to_gbps(rates, units[column])


def _no_node(network: Network, node: str) -> str:
    return f"no node named {shown(node)}{did_you_mean(node, network.nodes)}"


def _refuse(sheet: Sheet, problems: list[Problem]) -> None:
    """Raise the first problems, if there are any, or that there are no rows."""
    if not sheet.rows and not problems:
        problems = [Problem(sheet.file, None, None, "", "no rows below the header")]
    refuse(problems)
