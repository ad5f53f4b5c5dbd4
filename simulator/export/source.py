"""Source: what an export reads of the results of a run, and why it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from simulator.base.errors import known_instead, refusal
from simulator.base.text import plain
from simulator.export.addresses import AddressPlan
from simulator.export.decided import Decided, Decision
from simulator.export.instants import Instants, wrong
from simulator.export.steps import Step, one_step
from simulator.provenance import INPUTS
from simulator.results.results import Results
from simulator.scenario.load import load
from simulator.scenario.scenario import Scenario


@dataclass(frozen=True)
class Source:
    """What an export needs of a run.

    Attributes
    ----------
    name : str
        Of the run.
    strategy : str
    carried_by : str
        How its decisions are carried in the simulation; empty where they are as decided.
    replication : int
    others : int
        Replications besides it.
    decided : Decided
    instants : Instants
    plan : AddressPlan
    """

    name: str
    strategy: str
    carried_by: str
    replication: int
    others: int
    decided: Decided
    instants: Instants
    plan: AddressPlan

    @classmethod
    def of(
        cls,
        results: Results,
        strategy: str | None,
        replication: int,
        prefixes: str | Path | None,
    ) -> Source:
        """Read a run.

        Raises
        ------
        InputError
            It has no such decisions, or the file of prefixes is wrong.
        """
        rows = _routes(results)
        name = _strategy(results, rows, strategy)
        rows = rows[rows["strategy"].astype(str) == name]
        known = sorted(rows["replication"].unique().tolist())
        if replication not in known:
            raise wrong("--replication", f"expected {_span(known)}, found {replication}")
        scenario = load(_inputs(results))
        decided = Decided.of(rows[rows["replication"] == replication], scenario.network)
        if not decided.decisions:
            message = f"{name} decides about inbound traffic only, which no router at home carries"
            raise wrong("--strategy", f"{message} out: neighbours choose where it comes in")
        control = results.run["scenario"]["strategies"][name].get("control") or {}
        carried = control.get("carried_by")
        file = Path(prefixes) if prefixes else None
        return cls(
            results.run["name"],
            name,
            carried["kind"] if carried else "",
            replication,
            len(known) - 1,
            decided,
            _instants(results, scenario, name, replication),
            AddressPlan.of(scenario.network, scenario.demands, file),
        )

    def at(self, time_s: float, key: str) -> tuple[list[Decision], list[Step]]:
        """Return the decisions in force at an instant, and them as one step.

        Raises
        ------
        InputError
            There are none; *key* is the option that asked for the instant.
        """
        decisions = self.decided.at(time_s)
        if not decisions:
            when = self.instants.clock(time_s)
            raise wrong(key, f"no decision of {self.strategy} is in force at {when}")
        return decisions, [one_step(decisions, time_s, self.instants)]


def _instants(results: Results, scenario: Scenario, strategy: str, replication: int) -> Instants:
    control = results.control
    mine = (control["strategy"].astype(str) == strategy) & (control["replication"] == replication)
    start = scenario.settings.start or (scenario.recording and scenario.recording.start)
    return Instants.of(control[mine], start or None, scenario.horizon_s)


def _routes(results: Results) -> pd.DataFrame:
    """Return the table of decisions, or say how to get it."""
    rows = results.table("routes")
    if len(rows):
        return rows
    if results.run["scenario"].get("record", {}).get("decisions"):
        message = "no strategy of this run decides anything: none has a controller that steers"
    else:
        message = (
            "this run kept no decisions; add record: {decisions: true} to the scenario and run it"
            f" again: simulator run {_inputs(results)} --set record.decisions=true --out NEW"
        )
    raise refusal(results.folder / "routes.parquet", message)


def _strategy(results: Results, rows: pd.DataFrame, asked: str | None) -> str:
    decide = [name for name in results.strategies if (rows["strategy"].astype(str) == name).any()]
    if asked is None:
        if len(decide) > 1:
            message = f"several strategies decide: {', '.join(map(plain, decide))}; choose one"
            raise wrong("--strategy", message)
        return decide[0]
    if asked not in results.strategies:
        message = f"no strategy named {asked!r}{known_instead(asked, decide)}"
        raise wrong("--strategy", message)
    if asked not in decide:
        message = f"{asked!r} decides nothing; those that do: {', '.join(map(plain, decide))}"
        raise wrong("--strategy", message)
    return asked


def _inputs(results: Results) -> Path:
    return results.folder / INPUTS / "scenario.yaml"


def _span(known: list[int]) -> str:
    return f"{known[0]} to {known[-1]}" if len(known) > 1 else f"{known[0]}"
