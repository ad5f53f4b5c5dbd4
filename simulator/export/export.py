"""Export: decisions of a run become configuration of routers, in a folder beside its results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.base.errors import InputError, Problem
from simulator.base.text import counted, plain, wrapped
from simulator.export.forms.form import Exporting, Form, form
from simulator.export.instants import wrong
from simulator.export.names import comment
from simulator.export.prefixes import COLUMNS as PREFIX_COLUMNS
from simulator.export.sheets import as_csv
from simulator.export.source import Source
from simulator.export.steps import all_steps
from simulator.export.words import notes, sentence
from simulator.results.folder import StagingFolder
from simulator.results.results import Results

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
    source = Source.of(results, strategy, replication, prefixes)
    exporting, told = _exporting(source, made, at, cycle)
    if refused := list(made.refusals(exporting)):
        raise _refused(to, refused)
    files = _with_tables(made.files(exporting), exporting)
    with StagingFolder(place, force=force, mark=PREFIXES) as staging:
        for name, text in files.items():
            _write(staging.folder / name, text)
        folder = staging.publish()
    return Exported(folder if out is None else place, told[0], tuple(told[1:]), tuple(files))


def _exporting(
    source: Source, made: Form, at: str | None, cycle: int | None
) -> tuple[Exporting, list[str]]:
    """Return what a form is given, and the sentence with its notes."""
    if at is not None and cycle is not None:
        raise wrong("--cycle", "give --at or --cycle, not both")
    instants, decisions = source.instants, source.decided.decisions
    is_day = at is None and cycle is None
    if is_day:
        steps = all_steps(decisions, instants)
        when = f"{instants.clock(0)} to {instants.clock(instants.horizon_s)}"
    else:
        time_s = instants.at(at) if at is not None else instants.of_cycle(cycle or 0)
        decisions, steps = source.at(time_s, "--at" if at is not None else "--cycle")
        when = f"at {instants.clock(time_s)}"
    strategy = plain(source.strategy)
    told = [
        sentence(strategy, decisions, steps, is_day, when),
        *notes(source.decided, decisions, source.others, source.carried_by),
        *made.limits(),
    ]
    origin = (
        f"Decisions of {plain(source.name)}, {strategy}, replication {source.replication}, {when};"
        " an estimate as the simulated network is"
    )
    head = [comment(line) for line in [origin, *_folded(told)]]
    return Exporting(source.plan, steps, is_day, head), told


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
    if results.is_temporary:
        raise wrong("out", "these results are temporary; give a folder to write to")
    folder = results.folder.resolve()
    return folder.with_name(f"{folder.name}-{'decisions' if to == 'csv' else to}")


def _refused(to: str, wrong: list[str]) -> InputError:
    more = len(wrong) - _REFUSALS_SHOWN
    shown = wrong[:_REFUSALS_SHOWN]
    if more > 0:
        shown[-1] += f"; and {more:,} problems more"
    return InputError([Problem("", None, None, f"--to {to}", message) for message in shown])
