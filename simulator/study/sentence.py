"""Sentence: the headline figures of two runs become the sentence that compares them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simulator.base.text import cell, short
from simulator.results.intervals import interval
from simulator.results.metrics import metric
from simulator.results.results import Results
from simulator.study.headlines import Headline, Values, by_metric

FULLEST = {
    "exit_utilisation_peak": "the hottest exit",
    "mlu_peak": "the fullest link",
    "exit_utilisation_p95": "the hottest exit (95th percentile)",
}
"""Metric of utilisation -> what it is of; see :func:`fullest_of`."""
AFTER_EVENTS = "recovery_peak"
"""Metric that only runs with events have."""
LATENCY = "latency_below_capacity_ms_mean"
SHORT = {
    "unserved_fraction": "lost or deferred",
    "deferred_fraction": "deferred",
    "loss_fraction": "lost",
}
"""Shares of traffic that does not get through, in a word; the first that a run has is used."""
NONE, UNCLEAR = "nothing", " (difference not significant at 95 %)"


class _Difference(NamedTuple):
    """The sign of a difference that can be read, both figures, and remarks.

    The remarks: in how many replications each is seen, if not in all, and whether the difference
    may be chance.
    """

    sign: int
    there: str
    here: str
    there_seen: str = ""
    here_seen: str = ""
    unclear: str = ""


def opening(results: Results) -> str:
    """Return how a sentence about a run begins: on which network, and on how little evidence."""
    alone = " in one replication," if results.days == 1 else ""
    return f"On {short(results.run['network']['name'], 48)},{alone}"


def alone(lines: Sequence[Headline], name: str, values: Values) -> str:
    """Return what one strategy does, which has nothing to be compared with."""
    known = _known(lines, values)
    parts = []
    if fullest := fullest_of(known, eventful=AFTER_EVENTS in known):
        parts.append(f"fills {FULLEST[fullest.metric]} to {figure_text(fullest, values)}")
    if short_of := _short_of(known):
        lost = figure_text(short_of, values)
        whose, remark = traffic(short_of), seen(short_of, values)
        what = f"no {whose.removeprefix('all ')}" if lost == NONE else f"{lost} of {whose}"
        parts.append(f"{verb(short_of)} {what}{remark}")
    return f"{name}, the only strategy, {' and '.join(parts) or 'has no headline figures'}"


def against(
    lines: Sequence[Headline], name: str, base: str, values: Values, base_values: Values
) -> str:
    """Return how *name*, a strategy or a change, does against a baseline; values are paired.

    Shares of lost traffic and latency are of the scope that their lines name.
    """
    there, here = _known(lines, values), _known(lines, base_values)
    known = {metric: line for metric, line in there.items() if metric in here}
    clauses: list[str] = []
    signs: list[int] = []
    eventful = AFTER_EVENTS in there or AFTER_EVENTS in here
    for line in (fullest_of(known, eventful=eventful), _short_of(known), known.get(LATENCY)):
        if line and not (line.metric == LATENCY and any(signs)):
            difference = _difference(line, values, base_values)
            subject = "" if any(signs) else f"{name} "
            clauses.append(_clause(line, difference, name, base, subject))
            signs.append(difference.sign)
    if not clauses:
        return f"{name} and {base} have no headline figure in common"
    if not any(signs):
        clauses[0] = clauses[0].removeprefix(f"{name} and {base} ")
        return f"{name} and {base} do not differ: {_listed(clauses)}"
    return _listed(clauses, "but" if {-1, 1} <= set(signs) else "and")


def _clause(line: Headline, apart: _Difference, name: str, base: str, subject: str) -> str:
    """Return what one figure says; *subject* begins the clause on loss and may be empty."""
    does, whose = verb(line), traffic(line)
    sign, there, here, there_seen, here_seen, unclear = apart
    if line.metric == LATENCY:
        each = f"with {name} and {here} ms with {base}{unclear}" if sign else "with either"
        return f"mean latency of {whose} is {there} ms {each}"
    if line.metric in SHORT and sign == 0:
        return (
            f"neither {does} {whose}"
            if there == NONE
            else f"both {plural(does)} {there} of {whose}"
        )
    if line.metric in SHORT:
        if there == NONE:
            here += f" of {whose}"
        else:
            there += f" of {whose}"
        lost = f"{does} {there}{there_seen} where {base} {does} {here}{here_seen}"
        return f"{subject}{lost}{unclear}"
    what = FULLEST[line.metric]
    if sign == 0:
        return f"{name} and {base} both fill {what} to {there}"
    does = f"holds {what} at" if sign < 0 else f"fills {what} to"
    return f"{name} {does} {there} where {base} reaches {here}{unclear}"


def _listed(clauses: Sequence[str], word: str = "and") -> str:
    *first, last = clauses
    return f"{', '.join(first)}, {word} {last}" if first else last


def _known(lines: Sequence[Headline], values: Values) -> dict[str, Headline]:
    """Return the headlines that a sentence may use, by metric, if their mean is a number."""
    wanted = (*FULLEST, *SHORT, LATENCY, AFTER_EVENTS)
    return by_metric(
        line
        for line in lines
        if line.metric in wanted and _key(line) in values and np.isfinite(values[_key(line)]).all()
    )


def fullest_of(known: Mapping[str, Headline], *, eventful: bool) -> Headline | None:
    """Return the figure that says how full links get: the first of :data:`FULLEST` that is known.

    After an event the peak is that of the instants before anything has reacted, whatever the
    strategy. So the 95th percentile counts where there are events.
    """
    order = reversed(FULLEST) if eventful else FULLEST
    return next((known[metric] for metric in order if metric in known), None)


def _short_of(known: dict[str, Headline]) -> Headline | None:
    return next((known[metric] for metric in SHORT if metric in known), None)


def verb(line: Headline) -> str:
    """Return what happens to traffic that does not get through."""
    return dict(zip(SHORT, ("loses or defers", "defers", "loses"), strict=True)).get(
        line.metric, ""
    )


def plural(does: str) -> str:
    """Return a verb of :func:`verb` as it follows several names."""
    return does.replace("loses", "lose").replace("defers", "defer")


def _difference(line: Headline, values: Values, base_values: Values) -> _Difference:
    there, here = figure_text(line, values), figure_text(line, base_values)
    if there == here:
        return _Difference(0, there, here)
    now, was = values[_key(line)], base_values[_key(line)]
    count = min(len(now), len(was))
    apart = now[:count] - was[:count]
    mean, low, high = interval(apart)
    # An interval over a few skewed differences can miss zero by chance: they must agree in sign.
    mixed = metric[line.metric].spread != "plain" and not ((apart > 0).all() or (apart < 0).all())
    unclear = UNCLEAR if low <= 0 <= high or (mixed and count > 1) else ""
    remarks = seen(line, values), seen(line, base_values)
    return _Difference(1 if mean > 0 else -1, there, here, *remarks, unclear)


def _key(line: Headline) -> tuple[str, str]:
    return line.metric, line.scope


def figure_text(line: Headline, values: Values) -> str:
    """Return the mean of a figure as a sentence writes it; no loss at all is *nothing*."""
    lost = line.metric in SHORT
    if lost and not values[_key(line)].any():
        return NONE
    text = cell(float(values[_key(line)].mean()), np.nan, np.nan, line.form).value
    return "less than 0.01 %" if lost and not re.search("[1-9]", text) else text


def seen(line: Headline, values: Values) -> str:
    """Return in how many replications a rare figure is seen, if not in all or none."""
    each = values[_key(line)]
    count = int((each != 0).sum())
    if metric[line.metric].spread != "rare" or count in (0, len(each)):
        return ""
    return f" (seen in {count} of {len(each)} replications)"


def traffic(line: Headline) -> str:
    """Return whose figure it is."""
    return "all traffic" if line.scope == "all" else f"{line.scope} traffic"
