"""Demands as a long table, a row for every rate: checked, and made into a Recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.base.bounds import LIFTS, exceeds
from simulator.base.document import shown
from simulator.base.errors import Problem, did_you_mean, refusal
from simulator.formats.matrices.alignment import aligned
from simulator.formats.matrices.layout import Rates, is_summary, left_out
from simulator.formats.matrices.times import Times, read_times
from simulator.formats.reading import MOST_PROBLEMS, refuse
from simulator.formats.units import rate_fault, to_gbps
from simulator.model.demands import CLASSES, Demands
from simulator.model.network import Network
from simulator.model.recording import Recording
from simulator.model.scale import MOST_GBPS

MOST_CELLS = 2**27
"""Demands times instants: a gigabyte of rates, a year of five minutes of 1,276 pairs."""
Point = Callable[[int, str, str], Problem]
"""Makes a problem of a row, a column and what is wrong there."""


class Column(NamedTuple):
    """A column of text: the words in it, and which of them stands in each row."""

    words: list[str]
    codes: np.ndarray

    @classmethod
    def of(cls, cells: list[str]) -> Column:
        """Gather the words of some cells."""
        codes, words = pd.factorize(np.array(cells, dtype=object))
        return cls(list(words), codes)

    def at(self, row: int) -> str:
        """Return the word in a row."""
        return self.words[self.codes[row]]

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return for each row the value of its word."""
        return values[self.codes] if len(values) else np.zeros(0, dtype=values.dtype)


class Fault(NamedTuple):
    """Something wrong with one cell; put into words only if it is to be shown."""

    row: int
    column: str
    rule: str


@dataclass(frozen=True, eq=False)
class LongTable:
    """The columns of a long table of demands, and the rules they obey.

    Attributes
    ----------
    file : str
        The file as shown to the user.
    text : mapping of str to Column
        The columns ``source`` and ``target``, and where the file has them ``time`` and ``class``.
    rates : ndarray, shape (rows,)
        As written; NaN where no number stands.
    empty : ndarray of bool, shape (rows,)
        Where nothing stands.
    rate : Rates
        The column of rates, with its unit.
    order : tuple of str
        Names of the columns as in the file.
    shown_rate : callable
        What stands in a row where a rate should.
    line : callable
        On which line of the file a row is; None where that is not known.
    """

    file: str
    network: Network
    text: Mapping[str, Column]
    rates: np.ndarray
    empty: np.ndarray
    rate: Rates
    order: tuple[str, ...]
    shown_rate: Callable[[int], str]
    line: Callable[[int], int | None] = lambda row: None

    def faults(self) -> tuple[list[Fault], int]:
        """Return the first faults, in the order of the file, and how many there are."""
        found = [(c, rule, np.flatnonzero(mask)) for c, rule, mask in self._masks()]
        rows = np.concatenate([rows for _, _, rows in found])
        kind = np.repeat(np.arange(len(found)), [len(rows) for _, _, rows in found])
        places = np.array([self.order.index(column) for column, _, _ in found])
        first = np.lexsort((kind, places[kind], rows))[:MOST_PROBLEMS]
        return [Fault(int(rows[i]), *found[kind[i]][:2]) for i in first], len(rows)

    def check(
        self, point: Point, line: Callable[[int], str], others: Sequence[Problem] = ()
    ) -> None:
        """Raise what is wrong with the table, and *others*; *line* says where a row is."""
        faults, count = self.faults()
        found = [point(f.row, f.column, self._message(f, line)) for f in faults]
        refuse([*others, *found], more=count - len(found))

    def recording(self, notes: Iterable[Problem] = ()) -> Recording:
        """Return the rates, or refuse more than memory should hold; there must be no faults."""
        rows = np.flatnonzero(~(self._itself | self._sums_up))
        if not len(rows):
            raise refusal(self.file, "no demands between two nodes: all rows stay at a node")
        pair, first = _numbered(self._pairs[0][rows])
        us, instant = self._instants
        if self._sums_up.any():  # their times are none
            us, instant = np.unique(us[instant[~self._sums_up]], return_inverse=True)
            instant = instant[~self._itself[~self._sums_up]]
        else:
            instant = instant[rows]
        us, instant, shift = aligned(us, instant, pair)
        refuse_too_many(self.file, len(first), "demands", len(us))
        gbps = np.full((len(first), len(us)), np.nan)
        gbps[pair, instant] = self._gbps[rows]
        source, target = self._ends(rows[first])
        classes = self.network.class_of(source, target)
        demands = Demands(self.network.nodes, source, target, classes, np.zeros(len(first)))
        start = self._times.start_of(us) if self._times else None
        notes = [*notes, *self._notes(), *_of_shift(self.file, shift)]
        return Recording.of(demands, Times.hours_of(us), gbps, start, notes=notes)

    def _notes(self) -> Iterator[Problem]:
        """Yield what was assumed of times, and which rows are left out."""
        if self._times and self._times.note:
            yield Problem(self.file, None, None, "time", self._times.note, "warning")
        own, sums = np.flatnonzero(self._itself), np.flatnonzero(self._sums_up)
        if len(own):
            most = np.nan_to_num(self._gbps[own]).max()
            node = shown(self.text["source"].at(int(own[0])))
            many = f"{len(own):,} rates of demands" if len(own) > 1 else "a demand"
            message = f"{many} from a node to itself, the first of {node}, up to {most:g} Gbps"
            yield left_out(self.file, self.line(int(own[0])), "source", message)
        for row in sums[:3]:
            words = (self.text[name].at(row) for name in self.order if name in self.text)
            word = next(word for word in words if is_summary(word))
            message = f"{shown(word)} sums up other rows ({self.rates[row]:g})"
            yield left_out(self.file, self.line(int(row)), "", message)

    # -- the rules ------------------------------------------------------------------------------

    def _masks(self) -> Iterator[tuple[str, str, np.ndarray]]:
        """Yield column, rule and the rows that break it."""
        source, target = self._ends(slice(None))
        there = ~self._sums_up
        yield "source", "unknown", (source < 0) & there
        yield "target", "unknown", (target < 0) & there
        faulty = (target < 0) | self._itself
        if self._times is not None:
            wrong = np.zeros(len(self._times.us), dtype=bool)
            wrong[list(self._times.wrong)] = True
            untimed = self.text["time"].spread(wrong) & there
            yield "time", "time", untimed
            faulty = faulty | untimed
        yield "source", "twice", self._is_repeated & ~faulty
        bad, beyond = ~(self.rates >= 0), self._gbps > MOST_GBPS
        if self._times is not None:
            bad &= ~self.empty
        yield self.rate.column, "rate", (bad | beyond) & there
        if "class" in self.text:
            stated = np.array([_class_code(word) for word in self.text["class"].words], dtype=int)
            stated = self.text["class"].spread(stated)
            yield "class", "no class", (stated == _NO_CLASS) & there
            known = (source >= 0) & (target >= 0)
            differs = (stated >= 0) & (stated != self._true_class(source, target))
            yield "class", "other class", known & differs & ~self._itself

    def _message(self, fault: Fault, line: Callable[[int], str]) -> str:
        match fault.rule:
            case "unknown":
                cell = self.text[fault.column].at(fault.row)
                hint = did_you_mean(cell, self.network.nodes)
                return f"no node named {shown(cell)}{hint}" if cell else "the cell is empty"
            case "rate":
                rate, found = float(self.rates[fault.row]), self.shown_rate(fault.row)
                return rate_fault(rate, self.rate.unit or "gbps", found)
            case "time":
                assert self._times is not None
                return self._times.wrong[int(self.text["time"].codes[fault.row])]
            case "no class":
                cell = self.text["class"].at(fault.row)
                hint = did_you_mean(cell, CLASSES)
                return f"expected one of {', '.join(CLASSES)}, found {shown(cell)}{hint}"
            case "other class":
                cell = self.text["class"].at(fault.row)
                source, target = self._ends(np.array([fault.row]))
                true = self.network.class_of(source, target)[0]
                return f"{cell} contradicts where the ends lie, which makes it {true}"
            case _:
                return self._twice(fault.row, line)

    def _twice(self, row: int, line: Callable[[int], str]) -> str:
        first = int(np.flatnonzero(self._keys == self._keys[row])[0])
        source, target = (shown(self.text[end].at(row)) for end in ("source", "target"))
        when = f" at {shown(self.text['time'].at(row))}" if self._times else ""
        again = f"a second demand from {source} to {target}{when}; the first is {line(first)}"
        us, instant = self._instants
        return again + (self._times.clock_hint(us[instant[row]]) if self._times else "")

    # -- columns as numbers ---------------------------------------------------------------------

    @cached_property
    def _times(self) -> Times | None:
        if "time" not in self.text:
            return None
        return read_times(self.text["time"].words, self.network.about.utc_offset_h)

    @cached_property
    def _instants(self) -> tuple[np.ndarray, np.ndarray]:
        """All instants, rising, and which of them each row is of."""
        if self._times is None:
            return np.zeros(1, dtype=np.int64), np.zeros(len(self.rates), dtype=np.int64)
        us, instant = np.unique(self._times.us, return_inverse=True)
        return us, self.text["time"].spread(instant)

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Which pair of ends each row is of, in the order in which they come, and its first row."""
        source, target = self.text["source"], self.text["target"]
        return _numbered(source.codes.astype(np.int64) * len(target.words) + target.codes)

    @cached_property
    def _gbps(self) -> np.ndarray:
        """All rates in Gbps, without a zero with a minus sign."""
        return to_gbps(self.rates, self.rate.unit or "gbps") + 0.0

    @cached_property
    def _itself(self) -> np.ndarray:
        """Rows of demands from a node to itself."""
        return self._same_word & (self._ends(slice(None))[1] >= 0)

    @cached_property
    def _sums_up(self) -> np.ndarray:
        """Rows such as `Total`, by a word that is no node."""
        found = np.zeros(len(self.rates), dtype=bool)
        for name in ("source", "target", *(("time",) if "time" in self.text else ())):
            words = self.text[name].words
            sums = [is_summary(w) and w not in self.network.node_index for w in words]
            if any(sums):
                found |= self.text[name].spread(np.array(sums))
        return found

    @cached_property
    def _keys(self) -> np.ndarray:
        """A number for every pair at every instant."""
        pair, _ = self._pairs
        us, instant = self._instants
        return pair.astype(np.int64) * len(us) + instant

    @cached_property
    def _is_repeated(self) -> np.ndarray:
        """Where a pair stands that stood before, at the same instant."""
        (_, first), (us, _) = self._pairs, self._instants
        cells = len(first) * len(us)
        if cells <= MOST_CELLS:  # the usual case: see at once that there is none
            seen = np.zeros(cells, dtype=bool)
            seen[self._keys] = True
            if int(seen.sum()) == len(self._keys):
                return np.zeros(len(self._keys), dtype=bool)
        return pd.Series(self._keys).duplicated().to_numpy()

    @cached_property
    def _nodes(self) -> dict[str, np.ndarray]:
        index = self.network.node_index
        return {
            end: np.array([index.get(word, -1) for word in self.text[end].words], dtype=np.int64)
            for end in ("source", "target")
        }

    def _ends(self, rows: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Nodes of both ends of some rows; -1 for those that are not known."""
        ends = [
            self._nodes[end][self.text[end].codes[rows]]
            if self.text[end].words
            else np.zeros(0, dtype=np.int64)
            for end in ("source", "target")
        ]
        return ends[0], ends[1]

    @cached_property
    def _same_word(self) -> np.ndarray:
        """Where both ends are the same word."""
        source, target = self.text["source"], self.text["target"]
        place = {word: i for i, word in enumerate(target.words)}
        twin = np.array([place.get(word, -1) for word in source.words], dtype=np.int64)
        return source.spread(twin) == target.codes

    def _true_class(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        names = self.network.class_of(source, target)
        return pd.Index(CLASSES).get_indexer(pd.Index(names))


def _numbered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number values in the order in which they come, and return where each comes first."""
    codes, unique = pd.factorize(values)
    first = np.empty(len(unique), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes, first


def _of_shift(file: str, shift_s: float) -> Iterator[Problem]:
    if shift_s:
        message = f"times of different demands, up to {shift_s:g} s apart, are taken as one instant"
        yield Problem(file, None, None, "time", message, "warning")


def refuse_too_many(file: str, count: int, noun: str, instants: int) -> None:
    """Raise an InputError if there are more rates than memory should hold."""
    if exceeds(count * instants, MOST_CELLS):
        found = f"{count:,} {noun} at {instants:,} instants make {count * instants:,} rates"
        raise refusal(file, f"{found}; at most {MOST_CELLS:,} can be read; {LIFTS}")


_NO_CLASS, _NOT_STATED = -2, -1


def _class_code(word: str) -> int:
    if not word:
        return _NOT_STATED
    return CLASSES.index(word) if word in CLASSES else _NO_CLASS
