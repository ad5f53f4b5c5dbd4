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
        parts.append(f"loses {_share(known[LOST], values)}")
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
    known = {
        metric: line
        for metric, line in _known(lines, values).items()
        if metric in _known(lines, base_values)
    }
    clauses, signs = [], []
    if fullest := _fullest(known):
        sign, unclear = _difference(fullest, values, base_values)
        there, here = _text(fullest, values), _text(fullest, base_values)
        what = FULLEST[fullest.metric]
        clauses.append(
            {
                -1: f"{name} holds {what} at {there} where {base} reaches {here}{unclear}",
                0: f"{name} and {base} both fill {what} to {there}",
                1: f"{name} fills {what} to {there} where {base} reaches {here}{unclear}",
            }[sign]
        )
        signs.append(sign)
    if LOST in known:
        sign, unclear = _difference(known[LOST], values, base_values)
        there, here = _share(known[LOST], values), _share(known[LOST], base_values, short=True)
        none = not values[_key(known[LOST])].any()
        subject = "" if signs and signs[0] else f"{name} "
        if sign == 0:
            traffic = _traffic(known[LOST])
            clauses.append(f"neither loses {traffic}" if none else f"both lose {there}")
        elif none:
            here = _share(known[LOST], base_values)
            clauses.append(f"{subject}loses nothing where {base} loses {here}{unclear}")
        else:
            clauses.append(f"{subject}loses {there} where {base} loses {here}{unclear}")
        signs.append(sign)
    if LATENCY in known and not any(signs):
        sign, unclear = _difference(known[LATENCY], values, base_values)
        there, here = (f"{_text(known[LATENCY], each)} ms" for each in (values, base_values))
        mean = f"mean latency of {_traffic(known[LATENCY])} is"
        clauses.append(
            f"{mean} {there} with {name} and {here} with {base}{unclear}"
            if sign
            else f"{mean} {there} with either"
        )
        signs.append(sign)
    if not clauses:
        return f"{name} and {base} have no headline figure in common"
    text = (", but " if {-1, 1} <= set(signs) else ", and ").join(clauses)
    return text if any(signs) else f"{name} and {base} do not differ: {text}"


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
    if _text(line, values) == _text(line, base_values):
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


def _share(line: Headline, values: Values, *, short: bool = False) -> str:
    """Return the traffic lost: the share, and of what unless *short*."""
    if not values[_key(line)].any():
        return "nothing" if short else f"no {_traffic(line)}"
    text = _text(line, values)
    text = text if any(digit in text for digit in "123456789") else "less than 0.01 %"
    return text if short else f"{text} of {_traffic(line)}"
