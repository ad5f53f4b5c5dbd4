"""Export: the tables of a results folder go to a spreadsheet or a paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from simulator.base.errors import SimulatorError
from simulator.base.text import counted
from simulator.base.whole import whole
from simulator.results.folder import RUN_JSON
from simulator.results.results import Results, read_table
from simulator.results.sheets import tables_in, write_csv_files, write_workbook

COMPARISON = "comparison"
"""The table that `run` prints; it is in no file."""


class Exported(NamedTuple):
    """What was written."""

    target: Path
    tables: list[str]
    notes: list[str]


def export(
    folder: Path,
    form: str,
    names: Sequence[str] = (),
    target: Path | None = None,
    *,
    force: bool = False,
) -> Exported:
    """Write tables of *folder*; all of them, or for a paper the comparison, if none are named.

    Raises
    ------
    SimulatorError
        There is no such table, or *target* may not be written.
    """
    target = target or _beside(folder, form)
    if form == "csv":
        tables = tables_in(folder, names)
        marked = write_csv_files(folder, target, tables, force=force)
        note = f"{counted(marked, 'cell')} of text would be taken for a formula: ' stands before"
        return Exported(target, [each.name for each in tables], [note] if marked else [])
    _require_free(target, force)
    if form == "xlsx":
        tables = tables_in(folder, names)
        lost = write_workbook(folder, target, tables)
        note = f"{counted(lost, 'control character')} cannot stand in a workbook: ? stands there"
        return Exported(target, [each.name for each in tables], [note] if lost else [])
    return Exported(target, _write_tex(folder, target, names), [])


def _beside(folder: Path, form: str) -> Path:
    """Return where to write: beside the results, in whose folder only a run writes."""
    folder = folder.resolve()
    return folder.with_name(f"{folder.name}-csv" if form == "csv" else f"{folder.name}.{form}")


def _require_free(target: Path, force: bool) -> None:
    if target.is_dir():
        raise SimulatorError(f"{target} is a folder; give a file with --out FILE")
    if target.exists() and not force:
        raise SimulatorError(
            f"{target} exists already; --force replaces it, --out FILE writes elsewhere"
        )


def _write_tex(folder: Path, target: Path, names: Sequence[str]) -> list[str]:
    from simulator.study import tex
    from simulator.study.compare import compare

    held = [each.name for each in tables_in(folder)]
    if not names:
        names = [COMPARISON] if (folder / RUN_JSON).exists() else held[-1:]
    if wrong := [name for name in names if name != COMPARISON]:
        tables = {each.name: each for each in tables_in(folder, wrong)}
    parts = [
        tex.of_answer(compare(Results(folder)))
        if name == COMPARISON
        else tex.of_table(tables[name], read_table(folder, name))
        for name in names
    ]
    with whole(target) as new:
        new.write_text("\n".join(parts), encoding="utf-8")
    return list(names)
