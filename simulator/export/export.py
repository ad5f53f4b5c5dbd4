"""Export: decisions of a run become configuration of routers, in a folder beside its results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from simulator.base.errors import InputError, Problem, known_instead, refusal
from simulator.base.text import counted, plain, wrapped
from simulator.export.addresses import AddressPlan
from simulator.export.decided import Decided, Decision
from simulator.export.forms.form import Exporting, Form, form
from simulator.export.instants import Instants
from simulator.export.names import comment
from simulator.export.prefixes import COLUMNS as PREFIX_COLUMNS
from simulator.export.sheets import as_csv
from simulator.export.steps import all_steps, one_step
from simulator.export.words import notes, sentence
from simulator.provenance import INPUTS
from simulator.results.folder import StagingFolder
from simulator.results.results import Results
from simulator.scenario.load import load

ABOUT, PREFIXES, ADDRESSES = "about.txt", "prefixes.csv", "addresses.csv"
ADDRESS_COLUMNS = ("kind", "id", "name", "address")
_EXECUTABLE = 0o755
_REFUSALS_SHOWN = 10


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    folder : Path
    sentence : str
        How many decisions, and what whole per cents changed of them.
    notes : tuple of str
        What routers do not do as decided.
    files : tuple of str
        Paths in the folder.
    """

    folder: Path
    sentence: str
    notes: tuple[str, ...]
    files: tuple[str, ...]

    def __str__(self) -> str:
        lines = wrapped(self.sentence)
        for note in self.notes:
            lines += wrapped(note)
        return "\n".join([*lines, f"{counted(len(self.files), 'file')} in {self.folder}"])


def export(
    results: Results | str | Path,
    to: str,
    *,
    at: str | None = None,
    cycle: int | None = None,
    strategy: str | None = None,
    replication: int = 0,
    prefixes: str | Path | None = None,
    out: str | Path | None = None,
    force: bool = False,
    **settings: Any,
) -> Exported:
    """Write the outbound decisions of a run as configuration of routers.

    Parameters
    ----------
    results : Results, str or Path
        A run with ``record: {decisions: true}``.
    to : str
        A form: ``exabgp``, ``gobgp``, ``frr``, ``bird`` or ``csv``.
    at : str, optional
        The decisions in force at a time such as ``20:30``; the whole run with its changes when
        left out.
    cycle : int, optional
        In place of *at*: those of the n-th cycle, from 1.
    strategy : str, optional
        Needed where several decide.
    replication : int
    prefixes : str or Path, optional
        A CSV file with prefixes to use in place of those that are made up.
    out : str or Path, optional
        Folder to write; beside the results when left out.
    force : bool
        Replace an earlier export that stands there.
    **settings
        Of the form, such as ``receiver="bird"``.

    Raises
    ------
    InputError
        There are no such decisions, or the form cannot carry them; nothing is written.
    """
    results = results if isinstance(results, Results) else Results(results)
    made: Form = form.make(to, **settings)
    place = Path(out) if out else _beside(results, to)
    run = _Run.of(results, strategy, replication, prefixes)
    exporting, told = run.exporting(at, cycle, made)
    if wrong := list(made.refusals(exporting)):
        raise _refused(to, wrong)
    files = _with_tables(made.files(exporting), exporting)
    with StagingFolder(place, force=force, mark=PREFIXES) as staging:
        for name, text in files.items():
            _write(staging.folder / name, text)
        folder = staging.publish()
    return Exported(folder if out is None else place, told[0], tuple(told[1:]), tuple(files))


@dataclass(frozen=True)
class _Run:
    """What of a run is needed."""

    strategy: str
    replication: int
    others: int
    name: str
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
    ) -> _Run:
        rows = _routes(results)
        name = _strategy(results, rows, strategy)
        rows = rows[rows["strategy"].astype(str) == name]
        known = sorted(rows["replication"].unique().tolist())
        if replication not in known:
            raise _wrong("--replication", f"expected {_span(known)}, found {replication}")
        rows = rows[rows["replication"] == replication]
        scenario = load(_inputs(results))
        control = results.control
        mine = (control["strategy"].astype(str) == name) & (control["replication"] == replication)
        start = scenario.settings.start or (scenario.recording and scenario.recording.start)
        plan = AddressPlan.of(
            scenario.network, scenario.demands, Path(prefixes) if prefixes else None
        )
        decided = Decided.of(rows, scenario.network)
        if not decided.decisions:
            message = f"{name} decides about inbound traffic only, which no router at home carries"
            raise _wrong("--strategy", f"{message} out: neighbours choose where it comes in")
        instants = Instants.of(control[mine], start or None, scenario.horizon_s)
        others = len(known) - 1
        return cls(name, replication, others, results.run["name"], decided, instants, plan)

    def exporting(
        self, at: str | None, cycle: int | None, made: Form
    ) -> tuple[Exporting, list[str]]:
        """Return what a form is given, and the sentence with its notes."""
        time_s = self._time_s(at, cycle)
        decisions: list[Decision] = self.decided.decisions
        if time_s is None:
            steps = all_steps(decisions, self.instants)
            clock, end = self.instants.clock(0), self.instants.clock(self.instants.horizon_s)
            when = f"{clock} to {end}"
        else:
            decisions = self.decided.at(time_s)
            steps = [one_step(decisions, time_s, self.instants)]
            when = f"at {self.instants.clock(time_s)}"
            if not decisions:
                key = "--cycle" if cycle is not None else "--at"
                raise _wrong(key, f"no decision of {self.strategy} is in force {when}")
        is_day = time_s is None
        told = [
            sentence(plain(self.strategy), decisions, steps, is_day, when),
            *notes(self.decided, decisions, self.others),
            *made.limits(),
        ]
        head = [comment(line) for line in [self._origin(when), *_folded(told)]]
        return Exporting(self.plan, steps, is_day, head), told

    def _origin(self, when: str) -> str:
        of = f"{plain(self.name)}, {plain(self.strategy)}, replication {self.replication}"
        return f"Decisions of {of}, {when}; an estimate as the simulated network is"

    def _time_s(self, at: str | None, cycle: int | None) -> float | None:
        if at is not None and cycle is not None:
            raise _wrong("--cycle", "give --at or --cycle, not both")
        if cycle is not None:
            return self.instants.of_cycle(cycle)
        return None if at is None else self.instants.at(at)


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
            raise _wrong("--strategy", message)
        return decide[0]
    if asked not in results.strategies:
        message = f"no strategy named {asked!r}{known_instead(asked, decide)}"
        raise _wrong("--strategy", message)
    if asked not in decide:
        message = f"{asked!r} decides nothing; those that do: {', '.join(map(plain, decide))}"
        raise _wrong("--strategy", message)
    return asked


def _inputs(results: Results) -> Path:
    return results.folder / INPUTS / "scenario.yaml"


def _span(known: list[int]) -> str:
    return f"{known[0]} to {known[-1]}" if len(known) > 1 else f"{known[0]}"


def _folded(told: list[str]) -> Iterator[str]:
    for line in told:
        yield from wrapped(line, 96)


def _with_tables(files: dict[str, str], exporting: Exporting) -> dict[str, str]:
    """Return the files of a form, and what stands beside every form."""
    rows = [
        (each.id, each.kind, each.group, str(each.prefix))
        for mine in exporting.plan.prefixes.values()
        for each in mine
    ]
    beside = {
        ABOUT: "".join(f"{line}\n" for line in exporting.head),
        ADDRESSES: as_csv(ADDRESS_COLUMNS, exporting.plan.rows()),
        PREFIXES: as_csv(PREFIX_COLUMNS, rows),
    }
    return dict(sorted((files | beside).items()))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")
    if file.suffix == ".sh":
        file.chmod(_EXECUTABLE)


def _beside(results: Results, to: str) -> Path:
    """Return where to write: beside the results, in whose folder only a run writes."""
    folder = results.folder.resolve()
    return folder.with_name(f"{folder.name}-{'decisions' if to == 'csv' else to}")


def _refused(to: str, wrong: list[str]) -> InputError:
    more = len(wrong) - _REFUSALS_SHOWN
    shown = wrong[:_REFUSALS_SHOWN]
    if more > 0:
        shown[-1] += f"; and {more:,} problems more"
    return InputError([Problem("", None, None, f"--to {to}", message) for message in shown])


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
