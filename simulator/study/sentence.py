"""Sentence: the headline figures of two runs become the sentence that compares them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.base.text import cell, short
from simulator.results.results import Results
from simulator.results.statistics import interval
from simulator.study.headlines import Headline, Values

FULLEST = {"exit_utilisation_peak": "the hottest exit", "mlu_peak": "the fullest link"}
"""Metric of utilisation -> what it is of; the first that a run has is used."""
LOST, LATENCY = "loss_fraction", "latency_ms_mean"
UNCLEAR = " (difference not significant at 95 %)"


def opening(results: Results) -> str:
    """Return how a sentence about a run begins: on which network, and on how little evidence."""
    alone = " in one replication," if results.run["scenario"]["replications"] == 1 else ""
    return f"On {short(results.run['network']['name'], 48)},{alone}"


def alone(lines: Sequence[Headline], name: str, values: Values) -> str:
    """Return what one strategy does, which has nothing to be compared with."""
    known = _known(lines, values)
    parts = []
    if fullest := _fullest(known):
        parts.append(f"fills {FULLEST[fullest.metric]} to {_text(fullest, values)}")
    if LOST in known:
        lost = _lost(known[LOST], values)
        share = "no" if lost == "nothing" else f"{lost} of"
        parts.append(f"loses {share} {_traffic(known[LOST])}")
    return f"{name}, the only strategy, {' and '.join(parts) or 'has no headline figures'}"


def against(
    lines: Sequence[Headline], name: str, base: str, values: Values, base_values: Values
) -> str:
    """Return how a strategy or a change does against a baseline.

    Parameters
    ----------
    lines : sequence of Headline
        What is known of both; shares of lost traffic and latency are of the scope they name.
    name, base : str
        How the sentence calls the two.
    values, base_values : dict
        Figures by metric and scope, one value a replication; they are paired.
    """
    there, here = _known(lines, values), _known(lines, base_values)
    known = {metric: line for metric, line in there.items() if metric in here}
    clauses, signs = [], []
    if fullest := _fullest(known):
        sign, clause = _fullest_clause(fullest, name, base, values, base_values)
        clauses.append(clause)
        signs.append(sign)
    if LOST in known:
        subject = "" if any(signs) else f"{name} "
        sign, clause = _lost_clause(known[LOST], subject, base, values, base_values)
        clauses.append(clause)
        signs.append(sign)
    if LATENCY in known and not any(signs):
        sign, clause = _latency_clause(known[LATENCY], name, base, values, base_values)
        clauses.append(clause)
        signs.append(sign)
    if not clauses:
        return f"{name} and {base} have no headline figure in common"
    if not any(signs):
        clauses[0] = clauses[0].removeprefix(f"{name} and {base} ")
        return f"{name} and {base} do not differ: {_listed(clauses)}"
    return _listed(clauses, "but" if {-1, 1} <= set(signs) else "and")


def _fullest_clause(
    line: Headline, name: str, base: str, values: Values, base_values: Values
) -> tuple[int, str]:
    sign, unclear = _difference(line, values, base_values)
    there, here, what = _text(line, values), _text(line, base_values), FULLEST[line.metric]
    if sign == 0:
        return sign, f"{name} and {base} both fill {what} to {there}"
    does = f"holds {what} at" if sign < 0 else f"fills {what} to"
    return sign, f"{name} {does} {there} where {base} reaches {here}{unclear}"


def _lost_clause(
    line: Headline, subject: str, base: str, values: Values, base_values: Values
) -> tuple[int, str]:
    sign, unclear = _difference(line, values, base_values)
    there, here, traffic = _lost(line, values), _lost(line, base_values), _traffic(line)
    if sign == 0:
        nothing = there == "nothing"
        return sign, f"neither loses {traffic}" if nothing else f"both lose {there} of {traffic}"
    if there == "nothing":
        here += f" of {traffic}"
    else:
        there += f" of {traffic}"
    return sign, f"{subject}loses {there} where {base} loses {here}{unclear}"


def _latency_clause(
    line: Headline, name: str, base: str, values: Values, base_values: Values
) -> tuple[int, str]:
    sign, unclear = _difference(line, values, base_values)
    there, here = _text(line, values), _text(line, base_values)
    apart = f"with {name} and {here} ms with {base}{unclear}" if sign else "with either"
    return sign, f"mean latency of {_traffic(line)} is {there} ms {apart}"


def _listed(clauses: Sequence[str], word: str = "and") -> str:
    *first, last = clauses
    return f"{', '.join(first)}, {word} {last}" if first else last


def _known(lines: Sequence[Headline], values: Values) -> dict[str, Headline]:
    """Return the headlines that a sentence may use, by metric, if their mean is a number."""
    wanted = (*FULLEST, LOST, LATENCY)
    return {
        line.metric: line
        for line in lines
        if line.metric in wanted and _key(line) in values and np.isfinite(values[_key(line)]).all()
    }


def _fullest(known: dict[str, Headline]) -> Headline | None:
    return next((known[metric] for metric in FULLEST if metric in known), None)


def _difference(line: Headline, values: Values, base_values: Values) -> tuple[int, str]:
    """Return the sign of a difference that can be read, and a remark if it may be chance."""
    text = _lost if line.metric == LOST else _text
    if text(line, values) == text(line, base_values):
        return 0, ""
    there, here = values[_key(line)], base_values[_key(line)]
    count = min(len(there), len(here))
    mean, low, high = (float(each) for each in interval(there[:count] - here[:count]))
    return (1 if mean > 0 else -1), UNCLEAR if low <= 0 <= high else ""


def _key(line: Headline) -> tuple[str, str]:
    return line.metric, line.scope


def _text(line: Headline, values: Values) -> str:
    return cell(float(values[_key(line)].mean()), np.nan, np.nan, line.form).value


def _traffic(line: Headline) -> str:
    return "all traffic" if line.scope == "all" else f"{line.scope} traffic"


def _lost(line: Headline, values: Values) -> str:
    if not values[_key(line)].any():
        return "nothing"
    text = _text(line, values)
    return text if any(digit in text for digit in "123456789") else "less than 0.01 %"
