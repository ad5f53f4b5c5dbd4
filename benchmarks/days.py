"""A simulated day, beside the least that any fluid simulator must do: one product a step."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.by_path import ByPath
from benchmarks.cases import Case, largest
from benchmarks.race import Limit, Race
from simulator.routing.route import route
from simulator.run import run
from simulator.scenario.scenario import Scenario

BARE = "bare loop of R @ d"


def races(case: Case) -> Iterator[Race]:
    """Static alone, static and SDN, and the same with all result files."""
    static, both = case.scenario(), case.scenario(sdn=True)
    controlled = case.scenario(static=False, sdn=True)
    routes = route("igp_ecmp", case.network, case.demands)
    shares, rates, steps = routes.matrix, case.day_gbps, case.size.steps

    def bare() -> np.ndarray:
        offered = np.empty((steps, shares.shape[0]))
        for step in range(steps):
            offered[step] = shares @ rates[:, step]
        return offered

    def agree() -> dict[str, Limit]:
        alone, together = Played(static), Played(both)
        by_path = ByPath(routes)
        pass_fraction = by_path.pass_fraction(case.network, rates)
        offered = by_path.loads(rates, pass_fraction).T
        calm = (pass_fraction == 1.0).all(axis=0)
        scale = offered.max()
        apart = (alone.offered - offered) / case.network.capacity_gbps
        return {
            "load in steps without loss, engine and bare loop": Limit(
                largest(alone.offered[calm] - bare()[calm]) / scale, 1e-9
            ),
            "load in all steps, engine and path by path": Limit(
                largest(alone.offered - offered) / scale, 1e-9
            ),
            "utilisation in all steps, engine and path by path": Limit(largest(apart), 1e-7),
            "static, alone and beside SDN": Limit(largest(alone.offered - together.offered), 0.0),
            "volume offered, and carried plus lost": Limit(together.leak, 1e-9),
            "every SDN decision, and its proven bound": Limit(max(together.gaps), 1e-7),
        }

    def whole_run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            run(both, out=Path(folder) / "day")

    yield Race(
        f"{case.size.hours} h of {case.network.name} in {steps} steps, one replication",
        {
            BARE: bare,
            "engine, static alone": lambda: play(static),
            "engine, SDN alone": lambda: play(controlled),
            "engine, static and SDN": lambda: play(both),
            "run to a results folder, static and SDN": whole_run,
        },
        BARE,
        agree,
        "run",
    )


def play(scenario: Scenario) -> Any:
    """Play one replication and drop the table rows: the engine alone."""
    return scenario.settings.engine.play(
        scenario.case, 0, lambda strategy, table, columns: None, lambda done: None
    )


@dataclass
class Played:
    """One replication with what the checks need.

    Attributes
    ----------
    offered : ndarray, shape (steps, arcs)
        Mean load in every step, of the static strategy.
    gaps : list of float
        Relative gap of every decision to its bound.
    leak : float
        Volume that is neither carried nor lost, relative, of the worst strategy.
    """

    scenario: Scenario
    gaps: list[float] = field(default_factory=lambda: [0.0])

    def __post_init__(self) -> None:
        loads: list[np.ndarray] = []

        def keep(strategy: str, table: str, columns: dict[str, Any]) -> None:
            if table == "links" and strategy == "static":
                loads.append(columns["offered_gbps"])
            if table == "control":
                self.gaps += list(columns["gap"][np.isfinite(columns["gap"])])

        scenario = self.scenario
        figures = scenario.settings.engine.play(scenario.case, 0, keep, lambda done: None)
        self.offered = np.concatenate(loads).reshape(-1, len(scenario.network.tail))
        self.leak = max(map(_leak, figures.values()))


def _leak(rows: list[tuple[str, str, str, float]]) -> float:
    volume = {metric: value for metric, scope, _, value in rows if scope == "all"}
    apart = volume["offered_gbit"] - volume["carried_gbit"] - volume["lost_gbit"]
    return abs(apart) / volume["offered_gbit"]
