"""export: tables of results go to a spreadsheet or a paper, decisions to routers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from simulator.cli.options import quiet_option
from simulator.cli.output import print_error, print_text


@click.command(short_help="Write tables for a spreadsheet or a paper, decisions for routers.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "form",
    required=True,
    metavar="FORM",
    help="Tables: csv, xlsx or tex (booktabs). Decisions: exabgp, gobgp, frr, bird or csv; see"
    " simulator list exports.",
)
@click.option(
    "--table",
    "tables",
    multiple=True,
    metavar="NAME",
    help="Of tables only this one; may be given several times. See simulator list tables.",
)
@click.option(
    "--at",
    metavar="TIME",
    help="Decisions in force at a local time, as 20:30; the whole run with its changes if neither"
    " this nor --cycle is given.",
)
@click.option("--cycle", type=int, metavar="N", help="Decisions of the N-th cycle, from 1.")
@click.option("--strategy", metavar="NAME", help="Whose decisions; needed where several decide.")
@click.option("--replication", type=int, metavar="N", help="Of which replication; 0 if left out.")
@click.option(
    "--prefixes",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV with id and prefix, in place of prefixes that are made up.",
)
@click.option(
    "--receiver",
    metavar="ROUTER",
    help="What hears exabgp or gobgp: frr (if left out), or bird, which knows no weights.",
)
@click.option(
    "--out",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where to write; beside DIR if left out: DIR-csv, DIR.xlsx, DIR.tex, DIR-exabgp, ..., and"
    " DIR-decisions for decisions as CSV.",
)
@click.option("--force", is_flag=True, help="Replace what was exported to PATH before.")
@quiet_option
def verb(
    folder: Path,
    form: str,
    tables: tuple[str, ...],
    out: Path | None,
    force: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    r"""Write tables of the results in DIR, or their decisions as configuration of routers.

    All tables go to CSV or to a workbook; TeX gets the comparison that run prints, if no --table
    names another. Text that begins like a formula stays text.

    Decisions need results of a run with record: {decisions: true}. They are written as csv where
    --at, --cycle, --strategy, --replication or --prefixes is given.

    \b
      simulator export results/mini --to xlsx
      simulator export results/mini --to tex --table summary --out summary.tex
      simulator export results/evening --to exabgp --at 20:30 --strategy sdn
    """
    from simulator.cli.exporting import is_of_decisions, refuse_unfit

    given = {name: value for name, value in asked.items() if value is not None}
    decisions = is_of_decisions(form, given)
    refuse_unfit(form, given, tables, decisions=decisions)
    if decisions:
        from simulator.export.export import export as export_decisions

        made = export_decisions(folder, form, out=out, force=force, **given)
        if not quiet:
            print_text(str(made))
        return
    from simulator.cli.export import export

    written = export(folder, form, tables, out, force=force)
    if quiet:
        return
    for note in written.notes:
        print_error(f"{written.target}: {note}")
    print_text(f"{written.target}: {', '.join(written.tables)}")
