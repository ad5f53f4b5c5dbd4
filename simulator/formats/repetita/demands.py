"""Demands of REPETITA: a `.demands` file, which names nodes by their place in the `.graph`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import Problem, did_you_mean
from simulator.base.text import counted
from simulator.formats.matrices.demand_format import DemandFormat, demand_format, recording_of
from simulator.formats.reading import refuse
from simulator.formats.repetita.graph import DEMAND_COLUMNS, UNIT, Cells, read_tables
from simulator.formats.units import Unit, at_least_zero, rate_fault, to_gbps
from simulator.model.network import Network
from simulator.model.recording import Recording


@demand_format("repetita")
class RepetitaDemands(DemandFormat):
    """REPETITA demands: .demands, also packed as .demands.gz.

    Rates are in kbps. Nodes are named by their number in the `.graph` from which the network was
    read; in a network from elsewhere by their place in its file, or by id.
    Demands from a node to itself are left out.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".demands",)
    packed: ClassVar[bool] = True
    readable: ClassVar[str] = "a .demands or .demands.gz file of REPETITA"

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the matrix, a recording of one instant."""
        (table,) = read_tables(path, DEMANDS=DEMAND_COLUMNS)
        cells = Cells(path, "DEMANDS", table)
        node = _node_reader(network)
        source, target = (cells.column(at, DEMAND_COLUMNS[at], node) for at in (1, 2))
        rate = cells.column(3, "bw", _rate)
        ends = list(zip(source, target, strict=True))
        own = [None not in pair and pair[0] == pair[1] for pair in ends]
        first: dict[tuple[str, str], int] = {}
        for line, pair, itself in zip(table.lines, ends, own, strict=True):
            if not itself and None not in pair and first.setdefault(pair, line) != line:
                message = (
                    f"a second demand from {shown(pair[0])} to {shown(pair[1])}; the first is on"
                    f" line {first[pair]}"
                )
                cells.problems.append(Problem(str(path), line, None, "DEMANDS", message))
        if not table.rows:
            message = "no demands in this file"
            cells.problems.append(Problem(str(path), None, None, "", message))
        elif all(own):
            message = "all demands are from a node to itself"
            cells.problems.append(Problem(str(path), None, None, "", message))
        refuse(cells.problems)
        kept = [kbps for kbps, itself in zip(rate, own, strict=True) if not itself]
        notes = _left_out(path, table.lines, source, rate, own)
        return recording_of(
            network, list(first), to_gbps(np.array(kept)[:, None], UNIT), notes=notes
        )


def _left_out(
    path: Path,
    lines: Sequence[int],
    source: Sequence[str],
    kbps: Sequence[float],
    own: Sequence[bool],
) -> Iterator[Problem]:
    """Yield how many demands stay at their node, and the first of them."""
    rows = [row for row, itself in enumerate(own) if itself]
    if rows:
        total, node = sum(kbps[row] for row in rows), shown(source[rows[0]])
        many = counted(len(rows), "demand")
        message = f"{many} from a node to itself, {total:g} kbps in all, the first of {node}"
        yield Problem(str(path), lines[rows[0]], None, "DEMANDS", f"{message}: left out", "warning")


def _rate(text: str) -> float:
    """Return a rate in kbps, or raise a ValueError."""
    rate = at_least_zero(text)
    if message := rate_fault(rate, UNIT, shown(text)):
        raise ValueError(message)
    return rate


def _node_reader(network: Network) -> Callable[[str], str]:
    """Return what makes of a word in the file the id of a node."""
    given = dict(network.graph.nodes(data="index"))
    if all(isinstance(index, int) for index in given.values()):
        numbers = {index: node for node, index in given.items()}
    else:
        numbers = dict(enumerate(network.nodes))
    size = max(numbers, default=-1) + 1

    def read(text: str) -> str:
        if re.fullmatch("[0-9]{1,12}", text):
            if int(text) in numbers:
                return numbers[int(text)]
            raise ValueError(f"expected the number of a node, 0 to {size - 1}, found {shown(text)}")
        if text in network.node_index:
            return text
        raise ValueError(f"no node named {shown(text)}{did_you_mean(text, network.nodes)}")

    return read
