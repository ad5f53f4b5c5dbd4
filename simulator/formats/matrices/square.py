"""A square matrix in a CSV file: a row and a column for every node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import Problem, did_you_mean, refusal
from simulator.base.text import counted
from simulator.formats.columns import shortened
from simulator.formats.csv_head import count_of
from simulator.formats.matrices.demand_format import DemandFormat, demand_format, recording_of
from simulator.formats.matrices.layout import (
    ALIASES,
    is_summary,
    layout_of,
    left_out,
    open_unit,
)
from simulator.formats.numerals import is_gap
from simulator.formats.reading import first_of, refuse
from simulator.formats.sheet import CsvText, Sheet, read_csv
from simulator.formats.unit_words import split_unit
from simulator.formats.units import Unit, number, rate_fault, to_gbps
from simulator.model.network import Network
from simulator.model.recording import Recording

MOST_OTHERS = 50
"""Columns beside those of nodes: sums."""


@demand_format("square_csv")
class SquareCsv(DemandFormat):
    """CSV, packed or not, with one matrix: a row for every source, a column for every target.

    The header and the first column hold node ids. The first cell may state the unit, as in ``from
    to (Mbps)``; else it is what the scenario gives, else what a comment at the head or the name of
    the file ends in, else Gbps. Where it names the rows as targets, as in ``to/from``, they are,
    and a warning says so. The diagonal, traffic that stays at its node, and empty cells are
    left out.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv")
    packed: ClassVar[bool] = True
    readable: ClassVar[str] = (
        "a .csv, .csv.gz or .tsv file with nodes as its header and first column"
    )

    def reads(self, path: Path) -> bool:
        """Return whether *path* is a CSV file whose rows are called as its columns are."""
        return super().reads(path) and layout_of(path) == "square"

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the matrix, a recording of one instant."""
        text = read_csv(path)
        _check_header(text, network)
        names = ["", *text.header_cells[1:]]
        whole, problems = text.sheet(names)
        sums = [row for row, cells in enumerate(whole.rows) if _sums_up(cells[0], network)]
        sheet, found = whole.without(sums).with_plain_numbers(
            [name for name in names[1:] if not _sums_up(name, network)]
        )
        stated = split_unit(text.header_cells[0])[1]
        assumed, notes = (stated, []) if stated else open_unit(text.heading, unit)
        problems += [*found, *_wrong_rows(sheet, network), *_wrong_rates(sheet, network, assumed)]
        refuse(each for each in first_of(problems) if each.severity == "error")
        notes = [*text.notes(), *notes, *found, *_left_out(whole, sheet, network)]
        turned = _is_turned(text.header_cells[0])
        if turned:
            message = f"rows are targets and columns sources, as {shown(text.header_cells[0])} says"
            notes.append(Problem(text.file, text.header_line, 1, "", message, "warning"))
        rates = {
            ((target, cells[0]) if turned else (cells[0], target)): number(cell)
            for cells in sheet.rows
            for target, cell in zip(names[1:], cells[1:], strict=True)
            if target in network.node_index and cells[0] != target and not is_gap(cell)
        }
        if not rates:
            raise refusal(path, "no demands between two nodes")
        gbps = to_gbps(np.array(list(rates.values()), dtype=float)[:, None], assumed) + 0.0
        return recording_of(network, list(rates), gbps, notes=notes)


def _is_turned(first: str) -> bool:
    """Return whether the first cell names the rows as targets: `to`, `to|from`, `nach/von`."""
    words = [ALIASES.get(word.strip().casefold()) for word in re.split(r"[\\/|,>→]", first)]
    return words[0] == "target" or (words[0] is None and words[1:] == ["source"])


def _sums_up(name: str, network: Network) -> bool:
    return is_summary(name) and name not in network.node_index


def _check_header(text: CsvText, network: Network) -> None:
    """Raise what is wrong with the names of columns, if anything."""
    count = count_of(text.header, text.separator)
    if count > len(network.nodes) + MOST_OTHERS:
        message = f"{count:,} columns, but {network.name} has {len(network.nodes)} nodes"
        raise refusal(text.file, message, text.header_line, 1)
    names, found = text.header_cells, []
    for place, name in enumerate(names[1:], 1):
        if names.index(name, 1) < place:
            message = "a second column of this name"
        elif name not in network.node_index and not is_summary(name):
            message = _no_node(name, network)
        else:
            continue
        at = text.header_starts[place]
        found.append(Problem(text.file, text.header_line, at, shortened(name), message))
    refuse(found)


def _no_node(name: str, network: Network) -> str:
    return f"no node named {shown(name)} in {network.name}{did_you_mean(name, network.nodes)}"


def _wrong_rows(sheet: Sheet, network: Network) -> Iterator[Problem]:
    """Yield the rows that are of no node, or of one that had a row before."""
    first: dict[str, int] = {}
    for row, cells in enumerate(sheet.rows):
        if cells[0] not in network.node_index:
            yield sheet.problem(row, "", _no_node(cells[0], network))
        elif first.setdefault(cells[0], row) != row:
            line = sheet.lines[first[cells[0]]]
            message = f"a second row of {shown(cells[0])}; the first is on line {line}"
            yield sheet.problem(row, "", message)


def _wrong_rates(sheet: Sheet, network: Network, unit: Unit) -> Iterator[Problem]:
    """Yield the cells beside the diagonal that hold no rate, and are not empty."""
    for row, cells in enumerate(sheet.rows):
        for name, cell in zip(sheet.columns[1:], cells[1:], strict=True):
            if is_gap(cell) or name == cells[0] or name not in network.node_index:
                continue
            if message := rate_fault(number(cell), unit, shown(cell)):
                yield sheet.problem(row, name, message)


def _left_out(whole: Sheet, sheet: Sheet, network: Network) -> Iterator[Problem]:
    """Yield what is left out: the diagonal, sums, and cells in which nothing stands."""
    file, nodes = sheet.file, set(network.nodes)
    own = [cell for cells in sheet.rows
           for name, cell in zip(sheet.columns[1:], cells[1:], strict=True)
           if name == cells[0]]  # fmt: skip
    total = sum(number(cell) or 0.0 for cell in own)
    if own:
        yield left_out(file, None, "", f"the diagonal, whose cells add up to {total:g}")
    for line, cells in zip(whole.lines, whole.rows, strict=True):
        if line not in set(sheet.lines):
            yield left_out(file, line, "", f"{shown(cells[0])} sums up rows")
    for name in set(sheet.columns[1:]) - nodes:
        yield left_out(file, None, name, "sums up columns")
    empty = sum(
        is_gap(cell)
        for cells in sheet.rows
        for name, cell in zip(sheet.columns[1:], cells[1:], strict=True)
        if name != cells[0] and name in nodes
    )
    if empty:
        yield left_out(file, None, "", f"{counted(empty, 'cell')} in which no rate stands")
