"""Worth: what one strategy is worth against several others, in sentences with ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.base.text import cell, listed, number, short
from simulator.results.intervals import interval
from simulator.results.ranges import apart
from simulator.results.results import Results
from simulator.study.headlines import FIGURE, Headline, Values, by_metric
from simulator.study.sentence import (
    AFTER_EVENTS,
    FULLEST,
    LATENCY,
    NONE,
    SHORT,
    figure_text,
    fullest_of,
    plural,
    seen,
    traffic,
    verb,
)


class Roles(NamedTuple):
    """Strategies by what they are in an answer.

    Attributes
    ----------
    subject : str
        The one in question.
    others : sequence of str
        What it is compared with, the baseline first.
    bounds : sequence of str
        Those that do what nobody can.
    """

    subject: str
    others: Sequence[str]
    bounds: Sequence[str]


def roles_of(results: Results, order: Sequence[str]) -> Roles | None:
    """Return what the strategies of a run are, if there are three or more.

    The best that can be built is in question, of those that are not the baseline; of two strategies
    none is.

    Parameters
    ----------
    results : Results
    order : sequence of str
        The strategies with the best first.
    """
    built = [name for name in results.strategies if name not in results.bounds]
    if len(results.strategies) < 3 or len(built) < 2:
        return None
    subject = next(name for name in order if name in built[1:])
    bounds = [name for name in results.strategies if name in results.bounds]
    return Roles(subject, [name for name in built if name != subject], bounds)


def worth(
    lines: Sequence[Headline], values: Mapping[str, Values], worlds: pd.DataFrame, roles: Roles
) -> str:
    """Return what a strategy is worth against others, and what a bound has.

    Parameters
    ----------
    lines : sequence of Headline
    values : mapping of str to Values
        Figures of every strategy, replication by replication.
    worlds : pandas.DataFrame
        The same by world, as :func:`simulator.results.ranges.by_world` gives them, the one as
        stated first.
    roles : Roles
    """
    known = by_metric(line for line in lines if _known(line, values))
    eventful = AFTER_EVENTS in known
    fullest = fullest_of(known, eventful=eventful)
    unserved = next((known[metric] for metric in SHORT if metric in known), None)
    latency = known.get(LATENCY)
    sentences = [
        *([_at_the_fullest(fullest, values, worlds, roles)] if fullest else []),
        *([_not_served(unserved, values, roles)] if unserved else []),
        *([_mean_latency(latency, values, roles)] if latency else []),
        # With an event headroom is that of the instants before anything has reacted.
        *(
            [_growth(known["headroom"], values, roles)]
            if "headroom" in known and not eventful
            else []
        ),
    ]
    shown = [line for line in (fullest, unserved, latency) if line]
    if shown:
        sentences += [_bound(name, shown, values[name]) for name in roles.bounds]
    return " ".join(sentences) or f"{short(roles.subject)} has no headline figures."


def _known(line: Headline, values: Mapping[str, Values]) -> bool:
    at = line.metric, line.scope
    return all(at in each and np.isfinite(each[at]).all() for each in values.values())


def _at_the_fullest(
    line: Headline, values: Mapping[str, Values], worlds: pd.DataFrame, roles: Roles
) -> str:
    """Return by how many points the strategy fills the hottest exit less than each of the others.

    With drawn worlds each has its range over these, and else its interval over replications.
    """
    at, (subject, others, _) = (line.metric, line.scope), roles
    ranged = worlds.shape[1] > 1
    parts: list[str] = []
    for name in others:
        gained, low, high = map(float, interval(values[name][at] - values[subject][at]))
        if ranged:
            low, high = _over_worlds(worlds, subject, name, at)
        first = not parts
        points = f"{_points(gained)} points of {FULLEST[line.metric]}" if first else _points(gained)
        why = "if what is assumed is as uncertain as stated" if ranged else "at 95 %"
        ends = f"{_points(low)} to {_points(high)}" if np.isfinite(low + high) else ""
        span = f" ({f'{ends} {why}' if first else ends})" if ends else ""
        parts.append(f"{points} against {short(name)}{span}")
    reached = listed([figure_text(line, values[name]) for name in others])
    whose = "these reach" if len(others) > 1 else f"{short(others[0])} reaches"
    peak = figure_text(line, values[subject])
    return f"{short(subject)} is worth {listed(parts)}: {peak} where {whose} {reached}."


def _over_worlds(
    worlds: pd.DataFrame, subject: str, other: str, at: tuple[str, str]
) -> tuple[float, float]:
    """Return between which values the other has more than the subject."""
    base = pd.DataFrame(worlds.xs(subject, level="strategy"))
    row = apart(worlds, base, other).set_index(FIGURE).loc[[at]].iloc[0]
    return float(row["low"]), float(row["high"])


def _not_served(line: Headline, values: Mapping[str, Values], roles: Roles) -> str:
    """Return which share of the traffic each of them does not get through."""
    does, whose = verb(line), traffic(line)
    names = [roles.subject, *roles.others]
    shares = [figure_text(line, values[name]) for name in names]
    without = [short(name) for name, share in zip(names, shares, strict=True) if share == NONE]
    parts = (
        [f"{listed(without)} {does if len(without) == 1 else plural(does)} {NONE}"]
        if without
        else []
    )
    parts += [
        f"{short(name)} {does} {share}{seen(line, values[name])}"
        for name, share in zip(names, shares, strict=True)
        if share != NONE
    ]
    return f"Of {whose}, {listed(parts)}."


def _mean_latency(line: Headline, values: Mapping[str, Values], roles: Roles) -> str:
    """Return the mean latency, and how far it is from that of the others."""
    at, mine = (line.metric, line.scope), values[roles.subject]
    parts = []
    for name in roles.others:
        ms = float((mine[at] - values[name][at]).mean())
        text = number(abs(ms), line.form, abs(ms))
        if not float(text):
            parts.append(f"the same as with {short(name)}")
        else:
            parts.append(f"{text} ms {'more' if ms > 0 else 'less'} than with {short(name)}")
    return f"Mean latency of {traffic(line)} is {figure_text(line, mine)} ms, {listed(parts)}."


def _growth(line: Headline, values: Mapping[str, Values], roles: Roles) -> str:
    """Return by how much traffic can grow with each of them."""
    at = line.metric, line.scope
    mine, *rest = (
        cell(float(values[name][at].mean()), np.nan, np.nan, line.form).value
        for name in (roles.subject, *roles.others)
    )
    each = [f"{room} with {short(name)}" for room, name in zip(rest, roles.others, strict=True)]
    level = line.label.removeprefix("headroom to ")
    return f"International traffic may grow to {mine} until an exit is at {level}, {listed(each)}."


def _bound(name: str, lines: Sequence[Headline], values: Values) -> str:
    """Return the figures of a strategy that does what nobody can."""
    parts = []
    for line in lines:
        text = figure_text(line, values)
        if line.metric in FULLEST:
            parts.append(f"fills {FULLEST[line.metric]} to {text}")
        else:
            parts.append(f"{verb(line)} {text}" if line.metric in SHORT else f"takes {text} ms")
    return f"{short(name)}, a bound that nobody can build, {listed(parts)}."


def _points(share: float) -> str:
    return number(share, "share", abs(share))
