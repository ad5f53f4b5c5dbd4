"""Wide tables of rates, whatever file they stand in: what the columns are, and the recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import Problem, refusal
from simulator.formats.columns import Heading, shortened
from simulator.formats.matrices.layout import (
    has_weak_mark,
    is_summary,
    is_time,
    left_out,
    open_unit,
)
from simulator.formats.matrices.pair_names import misnamed, pair_named
from simulator.formats.matrices.times import Times
from simulator.formats.reading import MOST_PROBLEMS, refuse
from simulator.formats.units import Unit
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import Recording

MOST_OTHERS = 50
"""Columns beside those of pairs: the time, and sums."""


@dataclass(frozen=True, eq=False)
class WideColumns:
    """What the columns are: which is the time, which are pairs of nodes, and their units."""

    names: list[str]
    time: int
    pairs: list[int]
    source: np.ndarray
    target: np.ndarray
    units: list[Unit]
    notes: list[Problem]


class WideRows(NamedTuple):
    """The instants, the rates (demands x instants) in Gbps, and what was assumed or left out."""

    times: Times
    gbps: np.ndarray
    notes: list[Problem]


def wide_columns(head: Heading, network: Network, given: Unit | None) -> WideColumns:
    """Return what the columns are, or raise all that is wrong with the names of them."""
    names = list(head.names)
    times = [place for place, name in enumerate(names) if is_time(name, place)]
    found: dict[tuple[int, int], int] = {}
    pairs, units, wrong, own = [], [], [], []
    for place, name in enumerate(names):
        if place in times[:1] or (is_summary(name) and name not in network.node_index):
            continue
        *ends, unit = pair_named(name, network)
        first = found.setdefault((ends[0], ends[1]), place) if min(ends) >= 0 else place
        if place in times:
            wrong.append(
                (place, f"a second column of times; the first is {shown(names[times[0]])}")
            )
        elif min(ends) < 0:
            wrong.append((place, misnamed(name, network)))
        elif first != place:
            again = f"a second column of this pair; the first is {shown(names[first])}"
            wrong.append((place, again))
        elif ends[0] == ends[1]:
            own.append(found.pop((ends[0], ends[1])))
        else:
            pairs.append(place)
            units.append(unit)
    _refuse_header(head, wrong, bool(times))
    notes = [*_of_marks(head, pairs), *_left_out(head, own, {*times, *pairs, *own})]
    if not pairs:
        raise refusal(head.file, "no column of a pair of two nodes", head.line)
    assumed = given
    if None in units:
        assumed, more = open_unit(head, given)
        notes += more
    source, target = (np.array(end, dtype=np.int64) for end in zip(*found, strict=True))
    stated = [unit or assumed or "gbps" for unit in units]
    return WideColumns(names, times[0], pairs, source, target, stated, notes)


def refuse_too_wide(file: str, line: int | None, count: int, nodes: int) -> None:
    """Raise an InputError if there are more columns than pairs, before they are looked at."""
    if count > nodes**2 + MOST_OTHERS:
        message = f"{count:,} columns, but {nodes} nodes have {nodes * (nodes - 1):,} pairs"
        raise refusal(file, message, line, 1 if line else None)


def _refuse_header(head: Heading, wrong: list[tuple[int, str]], timed: bool) -> None:
    """Raise what is wrong with the names of columns, if anything."""
    found = [
        Problem(head.file, head.line, head.start(place), shortened(head.names[place]), why)
        for place, why in wrong[:MOST_PROBLEMS]
    ]
    if not timed:
        message = "required column is missing"
        found.insert(0, Problem(head.file, head.line, head.start(0), "time", message))
    refuse(found, more=max(0, len(wrong) - MOST_PROBLEMS))


def _of_marks(head: Heading, pairs: list[int]) -> Iterator[Problem]:
    """Yield that a pair without an arrow is read as the direction in which its nodes stand."""
    weak = [head.names[place] for place in pairs if has_weak_mark(head.names[place])]
    if weak:
        message = f"columns such as {shown(weak[0])} are read as from the first node to the second"
        yield Problem(head.file, head.line, None, "", message, "warning")


def _left_out(head: Heading, own: list[int], read: set[int]) -> list[Problem]:
    """Return which columns are left out: of demands from a node to itself, and of sums."""
    notes = []
    if own:
        first = f"the first {shown(head.names[own[0]])}"
        many = f"{len(own)} columns of demands from a node to itself, {first}"
        notes.append(left_out(head.file, head.line, "", many))
    for place in sorted(set(range(len(head.names))) - read):
        notes.append(left_out(head.file, head.line, head.names[place], "sums up other columns"))
    return notes


# ---------------------------------------------------------------- rows


def is_newest_first(us: np.ndarray) -> bool:
    """Return whether every instant comes before the one above."""
    return len(us) > 1 and bool((np.diff(us) < 0).all())


def time_faults(words: Sequence[str], times: Times) -> Iterator[tuple[int, str]]:
    """Yield the rows whose time cannot be read, or does not come after the one above."""
    yield from times.wrong.items()
    if not times.wrong and is_newest_first(times.us):
        return
    last = -1
    for row in range(len(words)):
        if row in times.wrong:
            continue
        if last >= 0 and times.us[row] <= times.us[last]:
            above = f"is not after the time above, {shown(words[last])}"
            hint = times.clock_hint(times.us[row])
            yield row, f"{shown(words[row])} {above}{hint}"
        last = row


def recording_of_rows(
    file: str, head: WideColumns, rows: WideRows, network: Network, notes: Sequence[Problem]
) -> Recording:
    """Return the recording of rows that are sound, turned round if they come newest first."""
    us, gbps = rows.times.us, rows.gbps
    notes = [*notes, *head.notes, *rows.notes]
    if rows.times.note:
        notes.append(Problem(file, None, None, "time", rows.times.note, "warning"))
    if is_newest_first(us):
        message = "rows come newest first: turned round"
        notes.append(Problem(file, None, None, "time", message, "warning"))
        us, gbps = us[::-1], gbps[:, ::-1]
    classes = network.class_of(head.source, head.target)
    demands = Demands(network.nodes, head.source, head.target, classes, np.zeros(len(head.source)))
    hours, start = Times.hours_of(us), rows.times.start_of(us)
    return Recording.of(demands, hours, gbps, start, notes=notes)
