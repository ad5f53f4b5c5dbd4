"""How often intervals cover: replications played once, intervals over many small groups of them.

``python tests/interval_coverage.py 400 x0.6`` prints a table of it, from 400 replications of a
small network with 0.6 times its international traffic: for every figure how often an interval is
given, how often one that is given covers, and how often a plain Student-t interval would.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from conftest import MINI

from simulator.engines.case import Case
from simulator.engines.engine import engine
from simulator.results.intervals import Estimates, estimate, estimate_difference, interval
from simulator.results.statistics import by_replication, kinds_of

COLUMNS = ["replication", "strategy", "metric", "scope", "unit", "value"]


def population(case: Case, replications: int) -> pd.DataFrame:
    """Return the figures of many replications, and nothing else of them."""
    fluid = engine.make("fluid")
    rows = []
    for replication in range(replications):
        found = fluid.play(case, replication, lambda *_: None, lambda _: None)
        rows += [(replication, name, *figure) for name, made in found.items() for figure in made]
    return pd.DataFrame(rows, columns=COLUMNS)


def coverage(figures: pd.DataFrame, *, count: int = 4, runs: int = 1000):
    """Return how often intervals over *count* replications cover the mean of all of them.

    Returns
    -------
    pandas.DataFrame
        By ``of`` (figure or difference), strategy, metric and scope, for what varies at all:
        ``given`` and ``wrong``, shares of runs; ``covered``, a share of those with an interval;
        ``student``, the same of a plain Student-t interval; ``least``, the lowest end.
    """
    wide = by_replication(figures).dropna()
    # With replacement: the replications stand for an endless number of their like.
    drawn = np.random.default_rng(1).integers(0, wide.shape[1], (runs, count))
    return pd.concat(list(_coverages(wide, drawn)), ignore_index=True)


def _coverages(wide: pd.DataFrame, drawn: np.ndarray) -> Iterator[pd.DataFrame]:
    kinds, values = kinds_of(wide.index), wide.to_numpy(dtype=float)
    yield _table("figure", wide.index, values, [estimate(values[:, d], kinds) for d in drawn],
                 [interval(values[:, d]) for d in drawn])  # fmt: skip
    first = wide.index.get_level_values("strategy")[0]
    for name in wide.index.get_level_values("strategy").unique()[1:]:
        now, base = (pd.DataFrame(wide.xs(each, level="strategy")) for each in (name, first))
        common = now.index.intersection(base.index, sort=False)
        both = [side.loc[common].to_numpy(dtype=float) for side in (now, base)]
        rows = pd.concat({name: now.loc[common]}, names=["strategy"]).index
        kinds = kinds_of(rows)
        sides = [[side[:, d] for side in both] for d in drawn]
        apart = both[0] - both[1]
        apart[np.abs(apart) <= 1e-12 * np.maximum(*np.abs(both))] = 0.0  # rounding
        yield _table("difference", rows, apart,
                     [estimate_difference(*each, kinds) for each in sides],
                     [interval(a - b) for a, b in sides])  # fmt: skip


def _table(of, rows, values, found: list[Estimates], students) -> pd.DataFrame:
    truth = values.mean(axis=1)
    slack = 1e-9 * np.abs(truth)
    low, high = (np.array([getattr(each, end) for each in found]) for end in ("low", "high"))
    given = np.isfinite(low)
    right = (low - slack <= truth) & (truth <= high + slack)
    _, t_low, t_high = np.array(students).transpose(1, 0, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a figure that never has an interval
        table = rows.to_frame(index=False).assign(
            of=of,
            given=given.mean(axis=0),
            covered=np.where(given, right, np.nan).mean(axis=0, where=given),
            wrong=(given & ~right).mean(axis=0),
            student=((t_low - slack <= truth) & (truth <= t_high + slack)).mean(axis=0),
            least=np.nanmin(low, axis=0),
            shown=(values != 0).mean(axis=1),
        )
    # What differs by less than tables print is exempt, as constants are.
    varies = values.std(axis=1) > 1e-4 * np.abs(values).max(axis=1)
    return table[varies]


if __name__ == "__main__":
    import simulator as sim

    changes = {"record": {"demands": "none"}, "step_s": 1800}
    scale = sys.argv[2] if len(sys.argv) > 2 else "x0.6"
    scenario = sim.load(MINI).with_changes({**changes, "demands.international": scale})
    made = population(scenario.case, int(sys.argv[1]) if len(sys.argv) > 1 else 400)
    shown = coverage(made)
    with pd.option_context("display.max_rows", None, "display.width", 200):
        print(shown.drop(columns=["unit", "least"]).round(3).to_string(index=False))
