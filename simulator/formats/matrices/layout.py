"""Layout: how a CSV file holds rates, and what the names of its columns and rows mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from simulator.base.errors import Problem
from simulator.formats.columns import Columns, Heading
from simulator.formats.csv_head import decoded_start
from simulator.formats.ends import PAIRS, ends_among
from simulator.formats.sheet import CsvText, start_of
from simulator.formats.unit_words import split_unit
from simulator.formats.units import UNITS, Unit

Layout = Literal["long", "wide", "square"]
ARROWS = (">", "→")
WEAK = re.compile(r"(?<=[^\s])(?:\s*[-–_:/|]\s*|\s+to\s+)(?=[^\s])", re.IGNORECASE)
"""What may stand between the two nodes of a pair that has no arrow."""
OF_TWO_LEVELS = re.compile(r"""\((['"])(?P<source>.+)\1, (['"])(?P<target>.+)\3\)""")
"""What pandas writes for a column of two levels: `('a', 'b')`."""

SHORT = ("a", "b", "z", "à", "de", "da", "para", "start", "end", "far")
"""Words that name an end of a link, and in a matrix a node, a time or nothing."""
ALIASES = {
    **{one.replace("_", " "): "source" for one, _ in PAIRS if one not in SHORT},
    **{two.replace("_", " "): "target" for _, two in PAIRS if two not in SHORT},
    **{"sink": "target", "source node": "source", "target node": "target"},
    **dict.fromkeys(
        ("time", "timestamp", "datetime", "date", "date time", "date/time", "ts", "epoch"), "time"
    ),
    **dict.fromkeys(("zeit", "zeitpunkt", "zeitstempel", "datum", "heure", "horodatage"), "time"),
    **dict.fromkeys(("fecha", "fecha y hora", "data e hora", "data/ora"), "time"),
    **dict.fromkeys(("时间", "日期", "日期时间", "时间戳", "采集时间"), "time"),
    **dict.fromkeys(("class", "traffic class"), "class"),
}
"""What the columns of a long table are called, in small letters and with blanks."""
RATES = ("demand", "rate", "traffic", "value", "throughput", "bandwidth", "bw", "load", "流量")
"""Columns of rates whose unit is not stated, as these words or with others before them."""
SUMMARIES = frozenset(
    "total totals sum subtotal grand-total all summe gesamt insgesamt somme suma totale итого 合计"
    " 总计 average avg mean median max maximum min minimum mittelwert moyenne 平均".split()
)
"""First words of rows and columns that sum up the others."""
_COUNTS = re.compile(
    r"(?:^|[^a-z])(?:packets?|pkts?|pps|[kmgt]?i?bytes?|octets?|flows?|volume|[kmgt]i?b(?:/s|ps)?"
    r"|bits|bytes_?(?:per_?s|/s))(?:[^a-z]|$)",
    re.IGNORECASE,
)
_BIG_BYTES = re.compile(r"[KMGTkmgt]?i?(?:Bps|B/s|B)(?![A-Za-z/])")


class Rates(NamedTuple):
    """The column of rates: its name in the file, and its unit if that is stated."""

    column: str
    unit: Unit | None


def layout_of(path: Path) -> Layout:
    """Return how a CSV file holds rates; looks at its first bytes."""
    start = start_of(path)
    if start is None:
        return "long"
    if ">" in start.header or "→" in start.header:
        return "wide"
    try:
        if are_wide(start.header_cells):
            return "wide"
    except ValueError:  # quotes that are not closed
        return "long"
    return "square" if _is_square(start) else "long"


def _is_square(start: CsvText) -> bool:
    """Return whether the first cells of the rows are names of columns."""
    try:
        names = start.header_cells
    except ValueError:
        return False
    plain = {_plain(name) for name in names[1:]}
    if len(names) < 3 or {"source", "target"} & {ALIASES.get(each) for each in plain}:
        return False
    rows = decoded_start(start.raw[start.body_at :])
    first = [row.split(start.separator)[0].strip().strip('"') for row in rows]
    known = [each for each in first if each in names[1:]]
    return bool(known) and 2 * len(known) >= len(first)


def are_wide(names: Sequence[str]) -> bool:
    """Return whether names of columns are a time and pairs of nodes, as far as they show it."""
    if any(mark in name for name in names for mark in ARROWS):
        return True
    if any(OF_TWO_LEVELS.fullmatch(name) for name in names):
        return True
    times = [place for place, name in enumerate(names) if is_time(name, place)]
    others = [name for place, name in enumerate(names) if place not in times]
    pairs = [name for name in others if not is_summary(name)]
    return (
        bool(times and pairs)
        and all(has_weak_mark(name) for name in pairs)
        and not any(_plain(name) in ALIASES or split_unit(name)[0] == "" for name in pairs)
    )


def is_time(name: str, place: int) -> bool:
    """Return whether a column holds times: by its name, or as the first one without a name."""
    return is_time_name(name) or (place == 0 and not name)


def has_weak_mark(name: str) -> bool:
    """Return whether a name may be a pair of nodes that no arrow divides, as in `a-b (Mbps)`."""
    plain = split_unit(name)[0]
    is_clear = any(mark in plain for mark in ARROWS) or OF_TWO_LEVELS.fullmatch(plain)
    return not is_clear and WEAK.search(plain) is not None


def long_columns(names: Sequence[str]) -> tuple[list[str], Rates, Columns]:
    """Return what the columns of a long table are, given their names in the file.

    Returns
    -------
    names : list of str
        `source`, `target`, `time` and `class` for columns that mean these; others as they are.
    rates : Rates
        The column of rates; `gbps` where there is none.
    columns : Columns
        What the header must and may say.
    """
    ends = ends_among([_plain(name).replace(" ", "_") for name in names])
    plain = [_meant(name, ends) for name in names]
    stated = [Rates(name, unit) for name in plain if (unit := _stated(name)) is not None]
    stated.sort(key=lambda each: UNITS.index(each.unit or "gbps"))
    open_ = [Rates(name, None) for name in plain if _plain(name).split(" ")[-1:][0] in RATES]
    found = [*stated, *open_] or [Rates("gbps", "gbps")]
    others = {
        each.column: f"the rates stand in {found[0].column} already"
        for each in found[1:]
        if each.column != found[0].column
    }
    counts = {name: no_rate(name) for name in plain if name != found[0].column and no_rate(name)}
    required = ("source", "target", found[0].column)
    return plain, found[0], Columns(required, ("class", "time"), {**others, **counts})


def _meant(name: str, ends: tuple[str, str] | None) -> str:
    """Return what a column is: of several that may name an end, the pair that goes together."""
    meant = ALIASES.get(_plain(name), name)
    other = ends is not None and _plain(name).replace(" ", "_") not in ends
    return name if meant in ("source", "target") and other else meant


def _stated(name: str) -> Unit | None:
    """Return the unit that the name of a column of rates ends in."""
    rest, unit = split_unit(name)
    return None if "capacity" in rest.casefold() else unit


def no_rate(name: str) -> str:
    """Return why a column of this name holds no rates in bits; empty if nothing says so."""
    if split_unit(name)[1] is not None:
        return "capacities are no demands" if "capacity" in name.casefold() else ""
    if not _COUNTS.search(name.replace("_", " ")) and not _BIG_BYTES.search(name):
        return ""
    return (
        "counts, or rates in bytes, are not read: a rate in Gbps is bytes times 8 over the"
        " seconds of an interval, over 1e9"
    )


def is_time_name(name: str) -> bool:
    """Return whether a column of this name holds times."""
    return ALIASES.get(_plain(name)) == "time"


def is_summary(word: str) -> bool:
    """Return whether the first cell of a row, or the name of a column, sums up the others."""
    return _plain(word).replace(" ", "-").strip(":") in SUMMARIES


def _plain(name: str) -> str:
    return " ".join(re.sub("[_-]", " ", name.casefold()).split())


def open_unit(head: Heading, given: Unit | None) -> tuple[Unit, list[Problem]]:
    """Return the unit of rates whose columns state none, and what was assumed.

    It is *given*, else what a comment at the head or the name of the file ends in, else Gbps.
    """
    if given:
        return given, []
    for line, comment in head.comments:
        if unit := split_unit(comment.rstrip(".: "))[1]:
            message = f"rates are read as {unit}, as this comment says"
            return unit, [Problem(head.file, line, None, "", message, "warning")]
    if unit := unit_of_file(Path(head.file).name):
        return unit, []
    message = "no unit is stated: rates are read as Gbps; state it in the header, or give unit"
    return "gbps", [Problem(head.file, head.line, None, "", message, "warning")]


def unit_of_file(name: str) -> Unit | None:
    """Return the unit that the name of a file ends in, as in ``day_mbps.csv.gz``."""
    stem = name
    while (shorter := Path(stem)).suffix.lower() in (".gz", ".csv", ".tsv", ".parquet", ".pq"):
        stem = shorter.stem
    return split_unit(stem)[1]


def no_unit(file: str, column: str = "") -> Problem:
    """Return the warning that rates of Parquet are taken for Gbps."""
    message = "no unit is stated: rates are read as Gbps; state it in the column, or give unit"
    return Problem(file, None, None, column, message, "warning")


def left_out(file: str, line: int | None, key: str, message: str) -> Problem:
    """Return a warning that something in a file is left out."""
    return Problem(file, line, None, key, f"{message}: left out", "warning")
