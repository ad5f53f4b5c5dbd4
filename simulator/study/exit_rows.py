"""Exit rows: how full every exit is in each direction, in all columns of a what-if."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from simulator.base.text import plain
from simulator.results.results import Results
from simulator.study.headlines import Headline

_WHAT = {
    "exit_utilisation_peak": "peak",
    "exit_utilisation_p95": "  p95",
    "exit_utilisation_mean": "  mean",
}


def exit_lines(results: Mapping[str, Results]) -> list[Headline]:
    """Return a line for the peak, 95th percentile and mean of every exit that any run has."""
    found: dict[str, None] = {}
    for each in results.values():
        summary = each.summary
        peaks = summary[summary["metric"] == "exit_utilisation_peak"]["scope"]
        found.update(dict.fromkeys(scope for scope in peaks if scope.startswith("exit:")))
    return [
        Headline(f"{_name(scope)}, peak" if word == "peak" else word, metric, scope, "share")
        for scope in found
        for metric, word in _WHAT.items()
    ]


def by_change(lines: list[Headline], frame: pd.DataFrame, strategy: str) -> list[Headline]:
    """Return lines of exits that a strategy uses, those that any change moves most first."""
    mine = frame[(frame["strategy"] == strategy) & (frame["metric"] == "exit_utilisation_peak")]
    moved = mine.assign(size=mine["difference"].abs()).groupby("scope")["size"].max()
    both = mine[["baseline", "value"]].max(axis=1).groupby(mine["scope"]).max()
    order = {scope: (-moved.get(scope, np.inf), -both.get(scope, 0.0)) for _, _, scope, _ in lines}
    return sorted(lines, key=lambda line: order[line.scope])


def _name(scope: str) -> str:
    """Return an exit and its direction, from their scope."""
    link, _, way = scope.removeprefix("exit:").rpartition(":")
    return f"{plain(link)} {way}"
