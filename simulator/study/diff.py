"""Diff: what is different between two topologies, two scenarios or two results folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator.base.document import dotted
from simulator.base.text import Cell, Row, counted, listed, plain, short, shorts
from simulator.formats.format import read_network
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.provenance import INPUTS
from simulator.results.results import Results
from simulator.results.statistics import by_replication, estimates, paired
from simulator.scenario.pairing import SHARED
from simulator.scenario.scenario import Scenario
from simulator.study.answer import Answer, Section
from simulator.study.diff_networks import (
    ABSENT,
    Difference,
    network_differences,
    same,
    value_text,
)
from simulator.study.diff_subjects import NOUNS, Subject, Warn, subjects
from simulator.study.evidence import Shown
from simulator.study.headlines import by_key, figures_of, headlines, pick, row_of

MOST_ROWS = 40
"""Differences in the table that is shown; the frame has all."""
_FIGURES = ["strategy", "metric", "scope", "unit"]
_LONGEST = 36


def diff(
    a: Network | Scenario | Results | str | Path | Mapping[str, Any],
    b: Network | Scenario | Results | str | Path | Mapping[str, Any],
    *,
    warn: Warn = lambda problem: None,
) -> Answer:
    """Say what is different between two topologies, two scenarios or two runs.

    Links are paired by id, and those that are left by their ends, where only one of either network
    joins these. Numbers are the same if nine digits are.

    Parameters
    ----------
    a, b : Network, Scenario, Results, str, Path or mapping
        Two of a kind: files, folders, built-in names, or objects; a mapping is a scenario.
    warn : callable, optional
        Given each warning about what is read.

    Returns
    -------
    Answer
        The table ``differences`` has columns ``kind, element, key, a, b`` as text; empty if there
        are none. The table ``totals`` has ``quantity, unit, a, b, difference``; of results, the
        table ``figures`` has ``strategy, metric, scope, unit, a, b, difference, ci_low, ci_high,
        replications``, with intervals where both runs have the same seed, times and replications.

    Raises
    ------
    InputError
        There is no such thing, it is damaged, or they are of two kinds.
    """
    one, two = subjects(a, b, warn)
    names = shorts([_name(a, one), _name(b, two)], _LONGEST)
    if names[0] == names[1]:
        names = ["A", "B"]
    if isinstance(one, Results) and isinstance(two, Results):
        return _of_results(one, two, names)
    found, totals, notes = _of_inputs(one, two)
    frame = pd.DataFrame(found, columns=list(Difference._fields))
    sums = pd.DataFrame(totals, columns=["quantity", "unit", "a", "b"])
    sums["difference"] = sums["b"] - sums["a"]
    noun = NOUNS[type(one)]
    return Answer(
        f"{names[0]} against {names[1]}",
        _sentence(noun, names, frame, sums),
        {"differences": frame, "totals": sums},
        {},
        Path(),
        (),
        [_totals_section(names, sums), *_rows_section(names, frame)],
        [*_more(frame), *notes],
    )


def is_same(answer: Answer) -> bool:
    """Return whether the answer of a diff is that there is no difference."""
    figures = answer.tables.get("figures")
    moved = figures is not None and not _equal(figures).all()
    return answer.tables["differences"].empty and not moved


def _name(given: Any, subject: Subject) -> str:
    if isinstance(given, str | Path):
        return plain(str(given))
    return plain(subject.run["name"] if isinstance(subject, Results) else subject.name)


# -- topologies and scenarios -------------------------------------------------------------------


def _of_inputs(
    one: Subject, two: Subject
) -> tuple[list[Difference], list[tuple[str, str, float, float]], list[str]]:
    if isinstance(one, Network) and isinstance(two, Network):
        found, notes = network_differences(one, two)
        return found, _network_totals(one, two), notes
    assert isinstance(one, Scenario) and isinstance(two, Scenario)
    found, notes = network_differences(one.network, two.network)
    every = [*_setting_differences(one.resolved(), two.resolved()), *found]
    every += _demand_differences(one.demands, two.demands)
    totals = [*_network_totals(one.network, two.network), *_demand_totals(one.demands, two.demands)]
    return every, totals, notes


def _network_totals(a: Network, b: Network) -> list[tuple[str, str, float, float]]:
    return [
        ("nodes", "1", len(a.nodes), len(b.nodes)),
        ("links", "1", len(a.links), len(b.links)),
        ("backbone", "Gbps", a.backbone_gbps, b.backbone_gbps),
        ("exits", "Gbps", a.exits_gbps, b.exits_gbps),
    ]


def _demand_totals(a: Demands, b: Demands) -> list[tuple[str, str, float, float]]:
    classes = dict.fromkeys([*a.traffic_class, *b.traffic_class])
    return [(f"traffic, {n}", "Gbps", a.total_gbps((n,)), b.total_gbps((n,))) for n in classes]


def _demand_differences(a: Demands, b: Demands) -> Iterator[Difference]:
    """Demands that differ, by class: how many, and the one that differs most."""
    here, there = (dict(zip(each.names, each.gbps.tolist(), strict=True)) for each in (a, b))
    names = dict.fromkeys([*here, *there])
    apart = {
        name: there.get(name, 0.0) - here.get(name, 0.0)
        for name in names
        if not same(here.get(name, 0.0), there.get(name, 0.0))
    }
    if apart:
        first = max(apart, key=lambda name: abs(apart[name]))
        of = f"{counted(len(apart), 'demand')}, most of all {first}"
        values = (value_text(each.get(first, 0.0)) for each in (here, there))
        yield Difference("demands", of, "gbps", *values)


def _setting_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    here, there = dict(_flat(a)), dict(_flat(b))
    for path in dict.fromkeys([*here, *there]):
        was, now = here.get(path), there.get(path)
        if not same(was, now) or (path in here) != (path in there):
            section, *rest = path
            texts = [value_text(each[path]) if path in each else ABSENT for each in (here, there)]
            yield Difference("setting", str(section), dotted(tuple(rest)), texts[0], texts[1])


def _flat(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Yield all values that are no mapping or list, with their paths."""
    inner: Any = None
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    if inner is None:
        yield path, value
        return
    for key, part in inner:
        yield from _flat(part, (*path, key if isinstance(key, int) else str(key)))


# -- results ------------------------------------------------------------------------------------


def _of_results(one: Results, two: Results, names: Sequence[str]) -> Answer:
    settings = [each.run["scenario"] for each in (one, two)]
    found = list(_setting_differences(settings[0], settings[1]))
    networks = _inputs(one, two)
    notes: list[str] = []
    if networks:
        more, notes = network_differences(*networks)
        found += more
    for kind, key in (("network", "network"), ("demands", "demands_gbps"), ("version", "versions")):
        parts = [each.run.get(key) or {} for each in (one, two)]
        if kind != "network" or not networks:
            of_run = _setting_differences(parts[0], parts[1])
            found += [each._replace(kind=kind) for each in of_run]
    frame = pd.DataFrame(found, columns=list(Difference._fields))
    broken = [key for key in SHARED if settings[0].get(key) != settings[1].get(key)]
    figures = _figures(one, two, pair=not broken)
    return Answer(
        f"{names[0]} against {names[1]}",
        _sentence_of_runs(names, frame, figures),
        {"differences": frame, "figures": figures},
        {},
        one.folder,
        (),
        [*_figure_sections(one, two, names, pair=not broken), *_rows_section(names, frame)],
        [*_more(frame), *notes, *_alone(one, two, names), *_pairing_note(broken)],
        {names[0]: one, names[1]: two},
    )


def _inputs(one: Results, two: Results) -> tuple[Network, Network] | None:
    """Return the networks that two runs have kept, if both have."""
    files = [each.folder / INPUTS / "topology.yaml" for each in (one, two)]
    if not all(file.is_file() for file in files):
        return None
    return read_network(files[0])[0], read_network(files[1])[0]


def _figures(one: Results, two: Results, *, pair: bool) -> pd.DataFrame:
    """Return the mean of every figure in both runs, and the difference."""
    wide = [by_replication(each.figures) for each in (one, two)]
    rows = wide[0].index.intersection(wide[1].index, sort=False)
    was, now = (each.loc[rows] for each in wide)
    means = [each.to_numpy(dtype=float).mean(axis=1) for each in (was, now)]
    frame = rows.to_frame(index=False)[_FIGURES].assign(a=means[0], b=means[1])
    frame["difference"] = np.where(_same_limits(*means), 0.0, _less(means[1], means[0]))
    if pair and len(rows):
        apart = paired(now, was)
        return frame.assign(
            **{k: apart[k].to_numpy() for k in ("ci_low", "ci_high", "replications")}
        )
    return frame.assign(ci_low=np.nan, ci_high=np.nan, replications=0)


def _less(now: np.ndarray, was: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # no limit less no limit
        return now - was


def _same_limits(was: np.ndarray, now: np.ndarray) -> np.ndarray:
    return np.asarray((was == now) | (np.isnan(was) & np.isnan(now)))


def _equal(figures: pd.DataFrame) -> pd.Series:
    a, b = figures["a"], figures["b"]
    return (
        (a == b) | (a.isna() & b.isna()) | ((a - b).abs() <= 1e-12 * np.maximum(a.abs(), b.abs()))
    )


def _figure_sections(
    one: Results, two: Results, names: Sequence[str], *, pair: bool
) -> Iterator[Section]:
    lines = headlines(one)
    picked = [pick(figures_of(each), lines) for each in (one, two)]
    own = [by_key(estimates(each)) for each in picked]
    wide = [by_replication(each) for each in picked]
    rows = wide[0].index.intersection(wide[1].index, sort=False)
    apart = by_key(paired(wide[1].loc[rows], wide[0].loc[rows])) if pair and len(rows) else {}
    for strategy in (name for name in one.strategies if name in two.strategies):
        keys = [(strategy, line.metric, line.scope) for line in lines]
        table = [
            row_of(
                line,
                [
                    *(Shown(each[key]) if key in each else None for each in own),
                    *([Shown(apart[key], True) if key in apart else None] if pair else []),
                ],
            )
            for line, key in zip(lines, keys, strict=True)
        ]
        headings = [*names, *(["difference"] if pair else [])]
        yield Section(f"Strategy {strategy}", headings, table, (len(headings),))


def _alone(one: Results, two: Results, names: Sequence[str]) -> Iterator[str]:
    for name, mine, theirs in ((names[0], one, two), (names[1], two, one)):
        only = [plain(x) for x in mine.strategies if x not in theirs.strategies]
        if only:
            yield f"Only {name} has the strategies {listed(only)}."


def _pairing_note(broken: Sequence[str]) -> Iterator[str]:
    if broken:
        yield (
            f"Differences are not paired, so they have no intervals: {listed(list(broken))} differ."
        )


# -- words --------------------------------------------------------------------------------------


def _sentence(noun: str, names: Sequence[str], frame: pd.DataFrame, sums: pd.DataFrame) -> str:
    if frame.empty:
        return f"No difference: the two are the same {noun}."
    parts = [_count(kind, rows) for kind, rows in frame.groupby("kind", sort=False)]
    moved = [
        f"{row['quantity']} {row['a']:,.6g} against {row['b']:,.6g}"
        f"{'' if row['unit'] == '1' else ' ' + row['unit']} ({row['difference']:+,.6g})"
        for row in sums.to_dict("records")
        if not same(row["a"], row["b"])
    ]
    totals = f"; {listed(moved)}" if moved else "; totals are the same"
    return f"{names[0]} and {names[1]} differ in {listed(parts)}{totals}."


def _count(kind: Any, rows: pd.DataFrame) -> str:
    """Return how many elements of a kind differ, and how many only one side has."""
    if kind in ("network", "demands"):
        return f"the {kind}" if kind == "network" else "traffic"
    if kind in ("setting", "version"):
        return counted(len(rows), str(kind))
    whole = rows[rows["key"] == ""]
    alone = [int((whole[side] == ABSENT).sum()) for side in ("b", "a")]
    text = counted(rows["element"].nunique(), str(kind))
    words = [f"{n} only in the {w}" for n, w in zip(alone, ("first", "second"), strict=True) if n]
    return f"{text} ({listed(words)})" if words else text


def _sentence_of_runs(names: Sequence[str], frame: pd.DataFrame, figures: pd.DataFrame) -> str:
    moved = int((~_equal(figures)).sum())
    if frame.empty and not moved:
        return "No difference: the two runs have the same inputs and the same figures."
    parts = [_count(kind, rows) for kind, rows in frame.groupby("kind", sort=False)]
    inputs = f"differ in {listed(parts)}" if parts else "have the same inputs"
    how = f"{moved:,} of {counted(len(figures), 'figure')} differ" if moved else "no figure differs"
    return f"{names[0]} and {names[1]} {inputs}; {how}."


def _totals_section(names: Sequence[str], sums: pd.DataFrame) -> Section:
    rows = []
    for row in sums.to_dict("records"):
        unit = "" if row["unit"] == "1" else f", {row['unit']}"
        cells = [f"{row['a']:,.6g}", f"{row['b']:,.6g}", f"{row['difference']:+,.6g}"]
        cells[2] = "0" if row["difference"] == 0 else cells[2]
        rows.append(Row(f"{row['quantity']}{unit}", tuple(map(Cell, cells))))
    return Section("Totals", [*names, "difference"], rows, (3,))


def _rows_section(names: Sequence[str], frame: pd.DataFrame) -> Iterator[Section]:
    rows = [
        Row(
            short(f"{row['kind']} {row['element']}{'.' if row['key'] else ''}{row['key']}", 56),
            (Cell(short(row["a"], _LONGEST)), Cell(short(row["b"], _LONGEST))),
        )
        for row in frame.head(MOST_ROWS).to_dict("records")
    ]
    if rows:
        yield Section("What differs", list(names), rows, (2,))


def _more(frame: pd.DataFrame) -> Iterator[str]:
    if (hidden := len(frame) - MOST_ROWS) > 0:
        yield f"{hidden:,} more are in the table differences (--json has all)."
