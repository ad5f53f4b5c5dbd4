"""Sweeps: what a sweep costs beside the runs of its points."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.cases import FULL, Case, largest
from benchmarks.race import Limit, Race
from simulator.jobs import silent
from simulator.run import figures_of_day, run
from simulator.scenario.load import load
from simulator.study.sweep import sweep

KEY = "demands.international"


def races(case: Case) -> Iterator[Race]:
    """Points of ``mini``: their runs alone, a run to a folder each, and a sweep."""
    full = case.size == FULL
    short = {} if full else {"horizon_h": case.size.hours, "replications": 1}
    base, count = load("mini").with_changes(short), 4 if full else 2
    over = [f"x{1 + i / 100:g}" for i in range(count)]
    points = [base.with_changes({KEY: value}) for value in over]

    def runs() -> np.ndarray:
        every = range(base.settings.draws.replications)
        days = [[figures_of_day(point, i, silent) for i in every] for point in points]
        return np.array(
            [np.mean([[row[3] for row in day["igp"]] for day in of], axis=0) for of in days]
        )

    def folders() -> None:
        with tempfile.TemporaryDirectory() as folder:
            for i, point in enumerate(points):
                run(point, out=Path(folder) / f"{i}")

    def whole() -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            frame = sweep(base, {KEY: over}, out=Path(folder) / "out").frame
        mine = frame[(frame["strategy"] == "igp") & (frame["scope"] != "international")]
        return np.array([rows["mean"].to_numpy() for _, rows in mine.groupby("point")])

    def agree() -> dict[str, Limit]:
        one, two = (np.nan_to_num(each(), posinf=0.0) for each in (runs, whole))
        apart = largest(one - two) / largest(one)
        return {"figures of every point, as a share of the largest": Limit(apart, 1e-7)}

    yield Race(
        f"{count} points of mini, {base.settings.draws.replications} replications each",
        {"runs alone": runs, "a run to a folder each": folders, "a sweep": whole},
        "runs alone",
        agree,
        "point",
        count=count,
        note="changing the scenario is part of a sweep, and not of the others",
    )
